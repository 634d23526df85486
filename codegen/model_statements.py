"""Takes a module of models apart: its statements, what each defines, and what it needs before it.

Plain data, which the cache keeps as JSON.
"""

import ast
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .model_bounds import annotate_bounds
from .model_tidying import is_prose, name_in_json, tidy

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECOND_NAME = re.compile(r'(\w+) = TypeAliasType\("\1", (\w+)\)')


@dataclass(frozen=True, slots=True)
class Statement:
    """A class or a type of a module, as text.

    `needs` are the names that must be defined before it, `mentions` those that may be so later.
    `bases` and `fields` are a class's, `members` what its fields are called in JSON, in the
    same order. Names of other modules are among the names.
    """

    name: str
    text: str
    needs: tuple[str, ...]
    mentions: tuple[str, ...]
    bases: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    is_class: bool = False


@dataclass(frozen=True, slots=True)
class Pieced:
    """What one piece contributes: the models `own`, and the classes that are inside them.

    `imports` are (module, name) pairs, the name with its `as`. `foreign` are statements of other
    pieces that this one's text relies on.
    """

    own: tuple[str, ...]
    imports: tuple[tuple[str, str], ...]
    statements: tuple[Statement, ...]
    foreign: tuple[Statement, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(value: dict[str, Any]) -> Pieced:
    """Raises LookupError or TypeError where it isn't what `as_json` gives."""
    return Pieced(
        tuple(map(str, value["own"])),
        tuple((str(source), str(name)) for source, name in value["imports"]),
        tuple(map(_statement, value["statements"])),
        tuple(map(_statement, value["foreign"])),
    )


def _statement(value: dict[str, Any]) -> Statement:
    def names(key: str) -> tuple[str, ...]:
        return tuple(map(str, value[key]))

    return Statement(
        str(value["name"]),
        str(value["text"]),
        names("needs"),
        names("mentions"),
        names("bases"),
        names("fields"),
        names("members"),
        bool(value["is_class"]),
    )


class UnknownStatementError(Exception):
    """The library wrote something that models never were made of before."""


def statements_of(text: str) -> tuple[list[tuple[str, str]], list[Statement]]:
    """The imports and the statements of a module. Raises UnknownStatementError."""
    text, imports = annotate_bounds(text)
    lines = text.splitlines(keepends=True)
    found: list[tuple[ast.stmt, int]] = []
    body = ast.parse(text).body
    tidy(lines, body)
    for node in body:
        if isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            imports += [(source, _imported(alias)) for alias in node.names]
        elif isinstance(node, ast.Import):
            imports += [("", _imported(alias)) for alias in node.names]
        elif isinstance(node, ast.ClassDef | ast.Assign):
            found.append((node, node.end_lineno or node.lineno))
        elif isinstance(node, ast.Expr) and is_prose(node):
            # Of the module, where nothing stands before it.
            found[-1:] = [(found[-1][0], node.end_lineno or node.lineno)] if found else []
        elif not _is_rebuild(node):
            raise UnknownStatementError(ast.unparse(node)[:200])
    statements = [_read(node, _text(lines, node, end)) for node, end in found]
    return imports, _with_second_names(statements)


def _with_second_names(statements: Iterable[Statement]) -> list[Statement]:
    """A type that is only another name of a class becomes that class itself.

    Of one that holds itself pydantic builds such a type once alone, and fails where it is used
    again: https://errors.pydantic.dev/2.14/u/circular-reference-schema.
    """
    classes: set[str] = set()
    made = []
    for each in statements:
        alias = _SECOND_NAME.match(each.text)
        if alias and alias[2] in classes:
            text = f"{each.name} = {alias[2]}{each.text[alias.end() :]}"
            made.append(replace(each, text=text, needs=(alias[2],), mentions=()))
            classes.add(each.name)
        else:
            made.append(each)
            classes |= {each.name} if each.is_class else set()
    return made


def _imported(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _is_rebuild(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and ast.unparse(node).endswith(".model_rebuild()")


def _text(lines: list[str], node: ast.stmt, end: int) -> str:
    decorators = node.decorator_list if isinstance(node, ast.ClassDef) else []
    begin = min([node.lineno, *(each.lineno for each in decorators)])
    return "".join(lines[begin - 1 : end]).rstrip("\n")


def _read(node: ast.stmt, text: str) -> Statement:
    if isinstance(node, ast.ClassDef):
        return _class(node, text)
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        raise UnknownStatementError(text[:200])
    name = node.targets[0].id
    names = _Names()
    names.add(node.value, is_type=True)
    later = tuple(each for each in names.mentions if each not in names.needs and each != name)
    return Statement(name, text, tuple(names.needs), later)


def _class(node: ast.ClassDef, text: str) -> Statement:
    names = _Names()
    annotated = _Names()
    fields = []
    members = []
    for part in (*node.bases, *node.keywords, *node.decorator_list):
        names.add(part)
    for inner in node.body:
        if isinstance(inner, ast.AnnAssign):
            annotated.add(inner.annotation, is_type=True)
            if inner.value:
                names.add(inner.value)
            fields.append(ast.unparse(inner.target))
            members.append(name_in_json(inner))
        elif not (isinstance(inner, ast.Expr) and is_prose(inner)):
            names.add(inner, is_type=_is_of_annotations(inner))
    # Annotations aren't evaluated before a model is built, and that is tried again.
    mentions = dict.fromkeys([*annotated.needs, *annotated.mentions, *names.mentions])
    later = tuple(name for name in mentions if name not in names.needs)
    bases = tuple(ast.unparse(base) for base in node.bases)
    return Statement(
        node.name,
        text,
        tuple(names.needs),
        later,
        bases,
        tuple(fields),
        tuple(members),
        is_class=True,
    )


def _is_of_annotations(node: ast.stmt) -> bool:
    """Whether it says of which type members without a name are; it is run with the class."""
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__annotations__"


@dataclass(slots=True)
class _Names:
    """The names that expressions need at once, and those that they only mention for later."""

    needs: dict[str, None] = field(default_factory=dict)
    mentions: dict[str, None] = field(default_factory=dict)
    quoted: list[ast.Constant] = field(default_factory=list)

    def add(self, node: ast.AST, is_type: bool = False) -> None:
        """`is_type` says that quoted text in it is a type, not data."""
        if isinstance(node, ast.Name):
            self.needs[node.id] = None
        elif isinstance(node, ast.Constant):
            if is_type and isinstance(node.value, str):
                self.mentions |= dict.fromkeys(_NAME.findall(node.value))
                self.quoted.append(node)
        elif isinstance(node, ast.Lambda):
            inside = _Names()
            inside.add(node.body)
            self.mentions |= inside.needs | inside.mentions
        else:
            is_data = (isinstance(node, ast.Call) and _called(node.func) != "TypeAliasType") or (
                isinstance(node, ast.Subscript) and _called(node.value) == "Literal"
            )
            for inner in ast.iter_child_nodes(node):
                self.add(inner, is_type and not is_data)


def _called(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def types_in_quotes(node: ast.stmt) -> list[ast.Constant]:
    """Where a type stands in quotes, since it isn't there yet."""
    inside = node.body if isinstance(node, ast.ClassDef) else [node]
    names = _Names()
    for each in inside:
        if isinstance(each, ast.Assign) and (each is node or _is_of_annotations(each)):
            names.add(each.value, is_type=True)
    return names.quoted
