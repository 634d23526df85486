"""The formats there are, and the recognition of a file's format from its content.

A new format is one module with `translate` and `looks_like`, and one entry here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from formats import ctrf, cyclonedx, dbt, great_expectations, junit, lighthouse, sarif
from formats.document import QcDocument
from formats.errors import TranslationError
from formats.json_input import JsonObject, parse_object
from formats.xml_input import root_name

_OWN_FIELDS: Final = QcDocument.__required_keys__ | QcDocument.__optional_keys__
_OWN_STATUSES: Final = frozenset({"pass", "warn", "fail", "na"})


@dataclass(frozen=True, slots=True)
class Format:
    """One tool format. `translate` raises TranslationError alone; the media type to send first."""

    name: str
    media_types: tuple[str, ...]
    translate: Callable[[bytes], QcDocument]


@dataclass(frozen=True, slots=True)
class JsonFormat(Format):
    """A format in JSON. `looks_like` is asked of a document's root object, and never raises."""

    looks_like: Callable[[JsonObject], bool]


@dataclass(frozen=True, slots=True)
class XmlFormat(Format):
    """A format in XML. `looks_like` is asked of a document's root element, and never raises."""

    looks_like: Callable[[str], bool]


_JSON_FORMATS: Final = (
    JsonFormat(
        "sarif", ("application/sarif+json", "application/json"), sarif.translate, sarif.looks_like
    ),
    JsonFormat("lighthouse", ("application/json",), lighthouse.translate, lighthouse.looks_like),
    JsonFormat(
        "great_expectations",
        ("application/json",),
        great_expectations.translate,
        great_expectations.looks_like,
    ),
    JsonFormat("dbt", ("application/json",), dbt.translate, dbt.looks_like),
    JsonFormat(
        "cyclonedx",
        ("application/vnd.cyclonedx+json", "application/json"),
        cyclonedx.translate,
        cyclonedx.looks_like,
    ),
    JsonFormat("ctrf", ("application/json",), ctrf.translate, ctrf.looks_like),
)
_XML_FORMATS: Final = (
    XmlFormat("junit", ("application/xml", "text/xml"), junit.translate, junit.looks_like),
)

FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {item.name: item for item in (*_JSON_FORMATS, *_XML_FORMATS)}
)


def detect(content: bytes) -> str | None:
    """Name the format of `content`: a key of FORMATS, `qc` for a QC report itself, or None.

    Looks at the structure, not at a file name, and parses once for all formats.
    """
    try:
        root = parse_object(content)
    except TranslationError:
        return _detect_xml(content)
    for known in _JSON_FORMATS:
        if known.looks_like(root):
            return known.name
    return "qc" if _looks_like_own_report(root) else None


def _detect_xml(content: bytes) -> str | None:
    element = root_name(content)
    if element is None:
        return None
    return next((known.name for known in _XML_FORMATS if known.looks_like(element)), None)


def _looks_like_own_report(root: JsonObject) -> bool:
    status = root.get("status")
    if not isinstance(status, dict) or not root.keys() <= _OWN_FIELDS:
        return False
    return all(isinstance(value, str) and value in _OWN_STATUSES for value in status.values())
