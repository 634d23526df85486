"""Exports in a spreadsheet. Needs LibreOffice, so `make test` leaves it out."""
