"""The database, and exports, on a small file system that fills up. Needs root, to mount it."""
