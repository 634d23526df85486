"""Fuzzing of the running service: what to send it, what must hold of its answers, what was reached.

`hooks` is what Schemathesis loads; `run` starts it as each role; `long_run` is `make fuzz`.
"""
