"""What people see, seen by a real browser. Needs Chromium, so `make test` leaves it out."""
