"""Gives the classes in the text of a statement other names, wherever they stand for types."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from .model_statements import Statement, types_in_quotes

_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")


def renamed(statement: Statement, names: Mapping[str, str]) -> Statement:
    """The same statement, itself or what it refers to called otherwise."""
    every = (statement.name, *statement.needs, *statement.mentions)
    if not any(name in names for name in every):
        return statement

    def new(name: str) -> str:
        return names.get(name, name)

    return replace(
        statement,
        name=new(statement.name),
        text=_text(statement.text, names),
        needs=tuple(map(new, statement.needs)),
        mentions=tuple(map(new, statement.mentions)),
        bases=tuple(map(new, statement.bases)),
    )


def _text(text: str, names: Mapping[str, str]) -> str:
    lines = [line.encode() for line in text.split("\n")]
    [statement] = ast.parse(text).body[:1]
    for line, start, end in sorted(_places(statement), reverse=True):
        whole = lines[line]
        changed = _NAME.sub(
            lambda match: names.get(match[0].decode(), match[0].decode()).encode(),
            whole[start:end],
        )
        lines[line] = whole[:start] + changed + whole[end:]
    return b"\n".join(lines).decode()


def _places(statement: ast.stmt) -> Iterator[tuple[int, int, int]]:
    """Where names of types stand: line from 0, first and last byte."""
    if isinstance(statement, ast.ClassDef):
        start = len("class ")
        yield statement.lineno - 1, start, start + len(statement.name.encode())
    for node in [*_names(statement), *types_in_quotes(statement)]:
        yield node.lineno - 1, node.col_offset, node.end_col_offset or node.col_offset


def _names(statement: ast.stmt) -> Iterator[ast.Name]:
    fields = {id(node.target) for node in ast.walk(statement) if isinstance(node, ast.AnnAssign)}
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and id(node) not in fields:
            yield node
