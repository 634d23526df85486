"""Outputs of real tools, made small, whole and mutated.

Made-up bodies end at a translator's first question; a real one with something wrong deep inside
gets through most of it.
"""

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from hypothesis import strategies

from ci.fuzzing.sent_secrets import SENT_SECRETS
from formats.registry import FORMATS

SAMPLES: Final = Path(__file__).resolve().parents[2] / "tests" / "samples"
SAMPLES_OF: Final = {
    "sarif": ("sarif_suppressions.sarif", "sarif_shellcheck_real.sarif"),
    "junit": ("junit_pytest.xml", "junit_jest_large.xml"),
    "lighthouse": ("lighthouse_sample_v2.json",),
    "great_expectations": ("gx_validation_result_with_exception.json",),
    "dbt": ("dbt_run_results_v4.json",),
    "cyclonedx": ("cyclonedx_vex_case7.json",),
    "ctrf": ("ctrf_comprehensive.json",),
}
# Real outputs run to hundreds of kilobytes of the same; a few of each thing tell as much.
_ITEMS_KEPT: Final = 4
_MEMBERS_KEPT: Final = 24
_CHARACTERS_KEPT: Final = 200

# Stands in no sample and in nothing of ours.
ODD_WORD: Final = "oddword7411"
# What has broken parsers, databases and templates before.
_ODD: Final[strategies.SearchStrategy[Any]] = strategies.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        2**31,
        2**63,
        1e308,
        "",
        " ",
        "\0",
        "\ud800",
        "\u202e\ufeff",
        "{0}{1}{0}",
        "{{7*7}}",
        "%s%n",
        "'; --",
        "9999-12-31T23:59:59-12:00",
        "https://user:password@host.example/?token=1",
        "x" * 9000,
        ODD_WORD,
        *SENT_SECRETS,
        [],
        [[[[]]]],
        {},
        {"": {"": None}},
    ]
)


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """A tool's output and how it is sent. `is_real`: as the tool made it, only shorter."""

    format: str
    media_type: str
    content: bytes
    is_real: bool

    def as_body(self) -> Any:
        """The content as Schemathesis holds bodies: JSON as a value, XML as text."""
        if self.content.lstrip().startswith(b"<"):
            return self.content.decode("utf-8", "replace")
        return json.loads(self.content)


@cache
def real_outputs() -> tuple[ToolOutput, ...]:
    """One for each format, media type and sample. Raises KeyError for a format without samples."""
    return tuple(
        ToolOutput(name, media_type, _shortened(sample), True)
        for name, known in FORMATS.items()
        for media_type in known.media_types
        for sample in SAMPLES_OF[name]
    )


@cache
def _shortened(name: str) -> bytes:
    content = (SAMPLES / name).read_bytes()
    if name.endswith(".xml"):
        root = ElementTree.fromstring(content)
        _shorten_element(root)
        return ElementTree.tostring(root)
    return json.dumps(_shorten(json.loads(content))).encode()


def _shorten(value: Any) -> Any:
    if isinstance(value, dict):
        kept = list(value.items())[:_MEMBERS_KEPT]
        return {key: _shorten(child) for key, child in kept}
    if isinstance(value, list):
        return [_shorten(child) for child in value[:_ITEMS_KEPT]]
    return value[:_CHARACTERS_KEPT] if isinstance(value, str) else value


def _shorten_element(element: ElementTree.Element) -> None:
    for child in list(element)[_ITEMS_KEPT:]:
        element.remove(child)
    for child in element:
        _shorten_element(child)


def mutated_outputs(outputs: Sequence[ToolOutput]) -> strategies.SearchStrategy[ToolOutput]:
    """Real outputs with one to four things wrong, still well-formed."""
    return strategies.sampled_from(outputs).flatmap(
        lambda output: _with_content(output, _mutated(output.content))
    )


def torn_outputs(outputs: Sequence[ToolOutput]) -> strategies.SearchStrategy[ToolOutput]:
    """Real outputs cut off, or with some bytes replaced by others."""
    return strategies.sampled_from(outputs).flatmap(
        lambda output: _with_content(output, _torn(output.content))
    )


def _with_content(
    output: ToolOutput, contents: strategies.SearchStrategy[bytes]
) -> strategies.SearchStrategy[ToolOutput]:
    return contents.map(lambda content: replace(output, content=content, is_real=False))


def _mutated(content: bytes) -> strategies.SearchStrategy[bytes]:
    apply = _applied_to_xml if content.startswith(b"<") else _applied_to_json
    return _changes().map(lambda changes: apply(content, changes))


def _torn(content: bytes) -> strategies.SearchStrategy[bytes]:
    places = strategies.integers(0, len(content))
    return strategies.tuples(places, strategies.binary(max_size=8), strategies.booleans()).map(
        lambda drawn: (
            content[: drawn[0]] + drawn[1] + (content[drawn[0] + len(drawn[1]) :] * drawn[2])
        )
    )


Change = tuple[float, str, Any]


def _changes() -> strategies.SearchStrategy[list[Change]]:
    """(where, as a fraction of all places; what is done there; an odd value to do it with)."""
    done = strategies.sampled_from(["replace", "delete", "repeat", "rename", "wrap"])
    where = strategies.floats(0, 1, exclude_max=True)
    return strategies.lists(strategies.tuples(where, done, _ODD), min_size=1, max_size=4)


def _applied_to_json(content: bytes, changes: list[Change]) -> bytes:
    document = json.loads(content)
    for where, done, odd in changes:
        places = list(_places(document))
        if places:
            parent, key = places[int(where * len(places))]
            _DONE[done](parent, key, odd)
    return json.dumps(document).encode("utf-8", "surrogatepass")


def _places(value: Any) -> Any:
    """Each (object or list, key or index) in the document."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in list(entries):
        yield value, key
        if isinstance(child, dict | list):
            yield from _places(child)


def _replace(parent: Any, key: Any, odd: Any) -> None:
    parent[key] = copy.deepcopy(odd)


def _delete(parent: Any, key: Any, odd: Any) -> None:
    del parent[key]


def _repeat(parent: Any, key: Any, odd: Any) -> None:
    parent[key] = [copy.deepcopy(parent[key])] * 3


def _rename(parent: Any, key: Any, odd: Any) -> None:
    if isinstance(parent, dict):
        parent[str(odd)[:200]] = parent.pop(key)
    else:
        parent.insert(key, copy.deepcopy(odd))


def _wrap(parent: Any, key: Any, odd: Any) -> None:
    parent[key] = {str(key): parent[key]}


_DONE: Final[dict[str, Callable[[Any, Any, Any], None]]] = {
    "replace": _replace,
    "delete": _delete,
    "repeat": _repeat,
    "rename": _rename,
    "wrap": _wrap,
}


def _applied_to_xml(content: bytes, changes: list[Change]) -> bytes:
    root = ElementTree.fromstring(content)
    for where, done, odd in changes:
        elements = list(root.iter())
        element = elements[int(where * len(elements))]
        text = _as_xml_text(odd)
        if done == "delete":
            element.attrib.pop(next(iter(element.attrib), ""), None)
        elif done == "repeat":
            element.extend([copy.deepcopy(child) for child in element])
        elif done == "rename":
            element.tag = "testsuite" if element.tag == "testcase" else "testcase"
        elif done == "wrap":
            element.append(ElementTree.Element("testsuites", {"name": text}))
        else:
            name = next(iter(element.attrib), "name")
            element.set(name, text)
            element.text = text
    return ElementTree.tostring(root)


def _as_xml_text(odd: Any) -> str:
    # What XML can't hold travels as a question mark, in place of an error here.
    return "".join(
        character if character >= " " and not "\ud800" <= character <= "\udfff" else "?"
        for character in str(odd)
    )
