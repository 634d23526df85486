"""Random paths are tried as OpenAPI has it, through Connexion's router, whatever their order was.

The reference here compares two paths at a time, as the text of the specification does, and knows
nothing of how the runtime sorts or walks them.
"""

import re
from functools import cmp_to_key
from itertools import count

from hypothesis import example, given, settings
from hypothesis import strategies as st

from codegen.runtime.operation import Operation
from codegen.runtime.path_order import match_order

from .small_service import Caller, Service, operation

SEGMENTS = ("a", "b", "a.b", "{}", "{}.b", "{}.a.b", "a{}", "{}.{}")
TEXTS = ("a", "b", "a.b", "b.a.b", "a.a.b", "ab", "c")
METHODS = ("GET", "PUT", "DELETE")
Declared = list[tuple[str, str]]


def fits(path: str, url: str) -> bool:
    pattern = "".join(
        "[^/]+" if part.startswith("{") else re.escape(part)
        for part in re.findall(r"\{[^{}]+\}|[^{}]+", path)
    )
    return re.fullmatch(pattern, url) is not None


def concreteness(segment: str) -> tuple[int, int]:
    """The more, the more concrete: literal, in part, not at all; then by how much text it has."""
    text = re.sub(r"\{[^{}]+\}", "", segment)
    if text == segment:
        return (2, 0)
    return (0 if re.fullmatch(r"\{[^{}]+\}", segment) else 1, len(text))


def compared(one: str, other: str) -> int:
    """-1 where `one` goes first, segment by segment from the left."""
    for left, right in zip(one.split("/"), other.split("/"), strict=True):
        if concreteness(left) != concreteness(right):
            return -1 if concreteness(left) > concreteness(right) else 1
    return 0


def is_more_concrete(one: str, other: str) -> bool:
    """Whether one is literal at a segment where the other isn't, and never the other way round."""
    pairs = [
        ("{" in left, "{" in right)
        for left, right in zip(one.split("/"), other.split("/"), strict=True)
    ]
    return (False, True) in pairs and (True, False) not in pairs


def meant(declared: Declared, method: str, url: str) -> str | int | None:
    """The path of the operation that is meant, 405, or None where no path fits."""
    fitting = [path for path in dict.fromkeys(path for _, path in declared) if fits(path, url)]
    fitting.sort(key=cmp_to_key(compared))
    if not fitting:
        return None
    having = [path for path in fitting if (method, path) in declared]
    lacking = [path for path in fitting if path not in having]
    if not having or any(is_more_concrete(path, having[0]) for path in lacking):
        return 405
    return having[0]


def named(path: str) -> str:
    """Names by their places, so that paths of one shape are one path, as the generator asks."""
    names = count()
    return re.sub(r"\{\}", lambda match: f"{{name{next(names)}}}", path)


@st.composite
def contracts(draw: st.DrawFn) -> tuple[list[Operation], str]:
    depth = draw(st.integers(1, 3))
    paths = st.tuples(*[st.sampled_from(SEGMENTS)] * depth).map(
        lambda parts: named("/" + "/".join(parts))
    )
    declared = draw(
        st.lists(st.tuples(st.sampled_from(METHODS), paths), min_size=2, max_size=9, unique=True)
    )
    url = "/" + "/".join(draw(st.tuples(*[st.sampled_from(TEXTS)] * depth)))
    return [operation(f"operation_{n}", *one) for n, one in enumerate(declared)], url


def written(*paths: str) -> list[Operation]:
    return [operation(f"operation_{n}", "GET", path) for n, path in enumerate(paths)]


@given(contracts())
@settings(max_examples=60)
@example((written("/{one}/b/a", "/a/{one}/{two}.b", "/a/b/{one}"), "/a/b/a"))
@example((written("/{two}.b", "/{three}.a.b", "/{one}"), "/b.a.b"))
def test_the_operation_that_answers_is_the_one_that_is_meant(
    contract: tuple[list[Operation], str],
) -> None:
    operations, url = contract
    declared = [(one.method, one.path) for one in operations]
    # As `emit_connexion` writes the paths, and `routes()` the routes.
    service = Service(sorted(operations, key=lambda one: match_order(one.path)))
    names = {one.id: (one.method, one.path) for one in operations}
    with Caller(service) as caller:
        for method in METHODS:
            expected = meant(declared, method, url)
            answer = caller.ask(method, url)
            found = service.records[-1].operation_id
            if isinstance(expected, str):
                assert answer.status_code == 200
                assert found is not None
                assert names[found] == (method, expected)
            else:
                assert (answer.status_code, found) == (expected or 404, None)
