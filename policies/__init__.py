"""Pure decisions: facts and the time in, a decision out.

Nothing here reads a clock, a network, a file of the caller's or a database.
"""
