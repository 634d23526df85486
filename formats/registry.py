"""The formats there are, and the recognition of a file's format from its content.

A new format is one module with `translate` and `looks_like`, and one line here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from formats import junit, sarif
from formats.document import QcDocument
from formats.errors import TranslationError
from formats.json_input import parse_object

_OWN_FIELDS: Final = QcDocument.__required_keys__ | QcDocument.__optional_keys__
_OWN_STATUSES: Final = frozenset({"pass", "warn", "fail", "na"})


@dataclass(frozen=True, slots=True)
class Format:
    """One tool format. `translate` raises TranslationError alone; `looks_like` never raises."""

    name: str
    media_types: tuple[str, ...]
    translate: Callable[[bytes], QcDocument]
    looks_like: Callable[[bytes], bool]


_FORMATS: Final = (
    Format(
        "sarif", ("application/sarif+json", "application/json"), sarif.translate, sarif.looks_like
    ),
    Format("junit", ("application/xml", "text/xml"), junit.translate, junit.looks_like),
)

FORMATS: Final[Mapping[str, Format]] = MappingProxyType({item.name: item for item in _FORMATS})


def detect(content: bytes) -> str | None:
    """Name the format of `content`: a key of FORMATS, `qc` for a QC report itself, or None.

    Looks at the structure, not at a file name. Costs a parse for each format tried.
    """
    for name, known in FORMATS.items():
        if known.looks_like(content):
            return name
    return "qc" if _looks_like_own_report(content) else None


def _looks_like_own_report(content: bytes) -> bool:
    try:
        root = parse_object(content)
    except TranslationError:
        return False
    status = root.get("status")
    if not isinstance(status, dict) or not root.keys() <= _OWN_FIELDS:
        return False
    return all(isinstance(value, str) and value in _OWN_STATUSES for value in status.values())
