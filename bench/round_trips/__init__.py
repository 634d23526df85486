"""Values of any contract's schemas, through its generated models, server and clients and back.

Knows no contract; tests run it on small ones, and `python -m bench.round_trips` on any.
"""
