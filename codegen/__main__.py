"""`python -m codegen`: the command `codegen`."""

from .cli import main

main()
