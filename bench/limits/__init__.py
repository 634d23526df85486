"""What no server on this database could pass: its SQL without a server, its rows by a bare COPY."""
