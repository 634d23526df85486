"""Writes bounds so that type checkers know the type: `constr(…)` is a call, which no annotation is.

datamodel-code-generator calls these where a member is of one of several types.
"""

import ast
import re

_TYPES = {"constr": "str", "conint": "int", "confloat": "float", "conbytes": "bytes"}
_CALLED = re.compile(rf"\b({'|'.join(_TYPES)})\(")


def annotate_bounds(text: str) -> tuple[str, list[tuple[str, str]]]:
    """The module, with `Annotated[str, Field(…)]` for `constr(…)`, and what it imports for that.

    No line has another number. Imports are a module and a name; those that it had stay.
    """
    if not _CALLED.search(text):
        return text, []
    edits = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if of := _TYPES.get(node.func.id):
            name = len(node.func.id)
            edits.append((node.lineno, node.col_offset, name, f"Annotated[{of}, Field"))
            edits.append((node.end_lineno or node.lineno, node.end_col_offset or 0, 0, "]"))
    # Columns are of bytes, and right only as long as nothing before them has changed.
    lines = text.encode().splitlines(keepends=True)
    for line, column, length, new in sorted(edits, reverse=True):
        old = lines[line - 1]
        lines[line - 1] = old[:column] + new.encode() + old[column + length :]
    return b"".join(lines).decode(), [("typing", "Annotated"), ("pydantic", "Field")]
