"""Finds references that lead back to themselves without anything in between. Pure.

A schema may hold itself as a property or an item: a tree does. One that *is* itself, by references
and combinations alone, says nothing and can't be checked.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from .shape import Pointer

# What stands in these describes the same value as the schema around it: alone, or in a list or map.
_ALONE = frozenset({"not", "if", "then", "else"})
_IN_MANY = frozenset({"allOf", "anyOf", "oneOf", "dependentSchemas"})
# A key of one of these is a name of the user's own.
_NAMES = frozenset({"properties", "patternProperties", "$defs", "definitions"})


def circles(references: Mapping[Pointer, Pointer]) -> Iterator[list[Pointer]]:
    """`references` maps where each reference stands to where it leads; yields those of a circle."""
    inside: dict[Pointer, list[Pointer]] = defaultdict(list)
    for reference in references:
        for described in _described(reference):
            inside[described].append(reference)
    graph = {reference: inside.get(target, []) for reference, target in references.items()}
    if not _has_circle(graph):
        return
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            found = list(dict.fromkeys(error.args[1]))
            yield sorted(found, key=list(references).index)
            for reference in found:
                del graph[reference]
            left = set(graph)
            graph = {reference: [to for to in graph[reference] if to in left] for reference in left}
        else:
            return


def _has_circle(graph: Mapping[Pointer, list[Pointer]]) -> bool:
    """Looks only at those that lead on, which are few."""
    leading = {reference: following for reference, following in graph.items() if following}
    try:
        TopologicalSorter(leading).prepare()
    except CycleError:
        return True
    return False


def _described(pointer: Pointer) -> Iterator[Pointer]:
    """The schemas around a reference that describe the same value, and the reference itself."""
    yield pointer
    while len(pointer) > 1:
        if pointer[-1] in _ALONE and pointer[-2] not in _NAMES:
            pointer = pointer[:-1]
        elif pointer[-2] in _IN_MANY and _NAMES.isdisjoint(pointer[-3:-2]):
            pointer = pointer[:-2]
        else:
            return
        yield pointer
