"""Metrics as Prometheus reads them. Needs its promtool, so `make test` leaves it out."""
