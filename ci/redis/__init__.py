"""Rate limits that processes share. Needs a Redis server, so `make test` leaves it out."""
