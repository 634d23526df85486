"""The module of all models: made piece by piece, so that pieces which are known needn't be made."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

from .cache import Cache
from .model_assembly import (
    PiecesDoNotFitError,
    in_order,
    needed_imports,
    overrides_fields,
    to_rebuild,
    with_own_names,
)
from .model_library import LibraryError, generate_module
from .model_pieces import Piece, pieces_of, whole
from .model_processes import made_of
from .model_statements import Pieced, Statement, from_json, statements_of
from .python_text import module

_NAMED_FIRST = "EveryModelOfThisPiece"
_TEXT = "Models of the contract's schemas, under their names there."


class ModelsNotMadeError(Exception):
    """No models are made of the schemas of these names; `reason` is the library's own word."""

    def __init__(self, names: tuple[str, ...], reason: str) -> None:
        super().__init__(f"{', '.join(names)}: {reason}")
        self.names = names
        self.reason = reason


def models_module(
    models: Mapping[str, Any], schema_version: str, name: str, cache: Cache
) -> tuple[tuple[str, ...], list[Statement]]:
    """Its parts, and the statements that it defines types by. `name` is the contract's.

    The first part has all that stands before the others. Raises ModelsNotMadeError.
    """

    def make(pieces: Sequence[Piece]) -> list[Pieced]:
        def make_missing(missing: Iterable[int]) -> list[dict[str, Any]]:
            made = made_of([pieces[index] for index in missing], generated)
            return [each.as_json() for each in made]

        names = [f"models {schema_version} {piece.key}" for piece in pieces]
        return list(map(from_json, cache.values(names, make_missing)))

    def generated(piece: Piece) -> Pieced:
        return generated_piece(piece, schema_version)

    made, groups = _together(models, make)
    statements = [each for group in groups for each in group]
    parts: list[str] = []
    for group in groups:
        parts += [each.text for each in group]
        parts += [f"{each}.model_rebuild()" for each in to_rebuild(group)]
    head = module(name, _TEXT, needed_imports(made, statements), "".join(parts[:1]))
    if overrides_fields(statements):
        head = _with_overrides_allowed(head)
    return (head, *parts[1:]), statements


def _together(
    models: Mapping[str, Any], make: Callable[[Sequence[Piece]], list[Pieced]]
) -> tuple[list[Pieced], list[list[Statement]]]:
    try:
        made = make(pieces_of(models))
        return made, in_order(with_own_names(made, models), models)
    except PiecesDoNotFitError:
        # In the order that the library gave them.
        [piece] = make([whole(models)])
        return [piece], [[*piece.statements]]


def generated_piece(piece: Piece, schema_version: str) -> Pieced:
    """What datamodel-code-generator makes of it. `schema_version` is "3.0" or "3.1"."""
    # What is named first keeps its name, and classes inside of models get names too. A list of them
    # is the cheapest that names all; of a choice the library made a type as deep as it is long.
    references = [{"$ref": f"#/components/schemas/{name}"} for name in piece.schemas]
    named = {"type": "array", "prefixItems": references}
    schemas = {_NAMED_FIRST: named, **piece.schemas}
    try:
        text = generate_module(schemas, schema_version, piece.extended)
    except LibraryError as error:
        raise ModelsNotMadeError(piece.own, str(error)) from error
    return piece_of_module(text, piece)


def piece_of_module(text: str, piece: Piece) -> Pieced:
    """Of a module of all that a piece needs, what is its own."""
    imports, statements = statements_of(text)
    found = {each.name: each for each in statements}
    own, others = set(piece.own), piece.schemas.keys() - set(piece.own)
    of_others = _reached(found, others, own) - own
    mine = _reached(found, own, others) - of_others
    shared = _reached(found, _used(found, mine) & of_others - others, {*own, *others})
    return Pieced(
        piece.own,
        tuple(imports),
        tuple(each for each in statements if each.name in mine),
        tuple(each for each in statements if each.name in shared - own - others),
    )


def _used(found: Mapping[str, Statement], names: Iterable[str]) -> set[str]:
    return {used for name in names for used in (*found[name].needs, *found[name].mentions)}


def _reached(
    found: Mapping[str, Statement], start: Iterable[str], border: Container[str]
) -> set[str]:
    """What starts, and what that needs or mentions, and so on, up to the border."""
    reached: set[str] = set()
    todo = [name for name in start if name in found]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += [each for each in _used(found, [name]) if each in found and each not in border]
    return reached


def _with_overrides_allowed(text: str) -> str:
    """JSON Schema lets the parts of an `allOf` disagree; classes that inherit from both may not."""
    first, rest = text.split("\n", 1)
    return f'{first}\n# mypy: disable-error-code="assignment, misc"\n{rest}'
