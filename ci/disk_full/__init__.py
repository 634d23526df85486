"""The database on a small file system that fills up. Needs root, to mount it."""
