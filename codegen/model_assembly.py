"""Puts the pieces of the models together: one name for each class, and an order that can run."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from itertools import count

from .components import strong_components
from .model_renaming import renamed
from .model_statements import Pieced, Statement


class PiecesDoNotFitError(Exception):
    """The pieces rely on each other in a way that only generating all at once gets right."""


def with_own_names(pieces: Sequence[Pieced], models: Collection[str]) -> list[Statement]:
    """The statements of all pieces; of classes with one name, the later ones get a number.

    The names in `models` are kept. Raises PiecesDoNotFitError.
    """
    pieces = _with_owners(pieces)
    names = _Names(set(models) | {each.name for piece in pieces for each in piece.statements})
    names.seen |= set(models)
    given = [names.of(piece) for piece in pieces]
    owners: dict[Statement, list[dict[str, str]]] = {}
    for piece, own in zip(pieces, given, strict=True):
        for each in piece.statements:
            owners.setdefault(each, []).append(own)
    found: list[Statement] = []
    for piece, own in zip(pieces, given, strict=True):
        for foreign in piece.foreign:
            if len(owners[foreign]) != 1:
                raise PiecesDoNotFitError(f"{foreign.name} is the same in several pieces")
            [theirs] = owners[foreign]
            own |= {foreign.name: theirs[foreign.name]} if foreign.name in theirs else {}
        found += [renamed(each, own) for each in piece.statements]
    return found


def _with_owners(pieces: Sequence[Pieced]) -> list[Pieced]:
    """What several pieces share and none has as its own is the first one's."""
    owned = {each for piece in pieces for each in piece.statements}
    settled = []
    for piece in pieces:
        adopted = tuple(each for each in piece.foreign if each not in owned)
        owned.update(adopted)
        foreign = tuple(each for each in piece.foreign if each not in adopted)
        settled.append(replace(piece, statements=piece.statements + adopted, foreign=foreign))
    return settled


@dataclass(slots=True)
class _Names:
    taken: set[str]
    seen: set[str] = field(default_factory=set)

    def of(self, piece: Pieced) -> dict[str, str]:
        """New names for the classes of a piece that can't keep theirs."""
        given: dict[str, str] = {}
        inner = [each.name for each in piece.statements if each.name not in piece.own]
        for name in inner:
            if name in self.seen:
                numbered = (f"{name}{number}" for number in count(1))
                given[name] = next(each for each in numbered if each not in self.taken)
                self.taken.add(given[name])
        self.seen.update(inner)
        return given


def in_order(statements: Iterable[Statement], models: Iterable[str]) -> list[list[Statement]]:
    """The statements in an order in which they can run, those that lead in a circle together.

    Raises PiecesDoNotFitError.
    """
    found = {each.name: each for each in statements}
    # In the contract's order, as far as what depends on what leaves a choice.
    order = [*(name for name in models if name in found), *(name for name in found)]
    edges = {name: (*found[name].needs, *found[name].mentions) for name in order}
    return [_runnable(found, component) for component in strong_components(edges)]


def _runnable(found: Mapping[str, Statement], names: list[str]) -> list[Statement]:
    graph = {name: [each for each in found[name].needs if each in names] for name in names}
    if len(names) > 1:
        try:
            names = list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            raise PiecesDoNotFitError(f"{names[0]} needs itself before it is there") from error
    return [found[name] for name in names]


def to_rebuild(statements: Sequence[Statement]) -> list[str]:
    """Classes that pydantic has to look at again, as what they are made of is not all there yet.

    They mention what is only defined behind them, or extend or mention what does.
    """
    not_whole = {each.name for each in statements}
    found = []
    for each in statements:
        not_whole.discard(each.name)
        if not not_whole.isdisjoint([*each.needs, *each.mentions]):
            not_whole.add(each.name)
            found += [each.name] if each.is_class else []
    return found


def needed_imports(
    pieces: Iterable[Pieced], statements: Iterable[Statement]
) -> set[tuple[str, str]]:
    used = {name for each in statements for name in (*each.needs, *each.mentions)}
    return {
        (source, name)
        for piece in pieces
        for source, name in piece.imports
        if source == "__future__" or name.split()[-1].split(".")[0] in used
    }


def overrides_fields(statements: Iterable[Statement]) -> bool:
    """Whether a class has a field of its ancestors once more, or two bases that have the same."""
    fields: dict[str, set[str]] = {}
    for each in statements:
        inherited = [name for base in each.bases for name in fields.get(base, ())]
        every = [*each.fields, *inherited]
        if len(every) > len(set(every)):
            return True
        fields[each.name] = set(every)
    return False
