"""What a transaction pooler asks of us. Needs PgBouncer, so `make test` leaves it out."""
