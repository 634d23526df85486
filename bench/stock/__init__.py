"""Stock Connexion: the same operations on `FlaskApp` with its own validators, of responses too.

Written as Connexion's documentation advises; what it shares with the other peer is `bench.store`.
"""
