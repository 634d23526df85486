"""What the worker does, one module a kind of work; `registry` lists all of it.

Each is a plain function that knows nothing of the queue, so that a test can call it.
"""
