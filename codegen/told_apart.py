"""Whether each class that a discriminator chooses has a Literal for it, as pydantic requires.

Where one hasn't, the package could not be imported, or fail when such a choice is first used.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping

from .model_statements import Statement


def untold_variants(statements: Iterable[Statement]) -> dict[str, tuple[str, str]]:
    """By the name of the statement with the choice, a variant of it and the field that it lacks."""
    known = {each.name: each for each in statements}
    found: dict[str, tuple[str, str]] = {}
    for name, each in known.items():
        if "discriminator=" in each.text:
            for members, field in _choices(ast.parse(each.text)):
                for variant in _classes(known, members, ()):
                    if not _is_told(known, variant, field):
                        found.setdefault(name, (variant, field))
    return found


def _choices(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """What stands in each `Annotated[…, Field(discriminator=…)]`, and that field's name."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Tuple):
            continue
        for part in node.slice.elts[1:]:
            keywords = part.keywords if isinstance(part, ast.Call) else []
            for keyword in keywords:
                if keyword.arg == "discriminator":
                    yield node.slice.elts[0], str(ast.literal_eval(keyword.value))


def _members(known: Mapping[str, Statement], node: ast.expr) -> Iterator[ast.expr]:
    """The types of a union, those that only a name or metadata stands around taken apart."""
    if isinstance(node, ast.BinOp):
        yield from _members(known, node.left)
        yield from _members(known, node.right)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from _members(known, ast.parse(node.value, mode="eval").body)
    elif _is_of(node, "Annotated") and isinstance(node, ast.Subscript):
        inner = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
        yield from _members(known, inner)
    else:
        yield node


def _classes(
    known: Mapping[str, Statement], node: ast.expr, inside: tuple[str, ...]
) -> Iterator[str]:
    """The names of the classes of a union, through those of types."""
    for member in _members(known, node):
        name = member.id if isinstance(member, ast.Name) else ""
        if name in known and name not in inside:
            if known[name].is_class:
                yield name
            else:
                yield from _classes(known, _value(known[name]), (*inside, name))


def _value(statement: Statement) -> ast.expr:
    """What a `TypeAliasType` stands for."""
    [node] = ast.parse(statement.text).body[:1]
    call = node.value if isinstance(node, ast.Assign) else None
    return call.args[1] if isinstance(call, ast.Call) else ast.Constant(None)


def _is_told(known: Mapping[str, Statement], name: str, field: str) -> bool:
    """Of a class that isn't known here nothing is said against it."""
    if name not in known:
        return True
    if field not in known[name].fields:
        bases = [base for base in known[name].bases if base in known]
        return any(_is_told(known, base, field) for base in bases)
    annotations = [
        node.annotation
        for node in ast.walk(ast.parse(known[name].text))
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == field
    ]
    return all(_is_of(each, "Literal") for one in annotations for each in _members(known, one))


def _is_of(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Subscript) and ast.unparse(node.value) == name
