"""Translates what a test made up, and hands back a report within the contract, or the refusal."""

from collections.abc import Callable

import pytest

from formats.document import QcDocument
from formats.errors import TranslationError
from formats.registry import FORMATS, detect
from tests.formats.expectations import assert_within_contract

Translate = Callable[[bytes], QcDocument]


def translated_as(name: str, content: bytes) -> QcDocument:
    """Translate what must be recognised as the format of that name."""
    assert detect(content) == name, detect(content)
    report = FORMATS[name].translate(content)
    assert_within_contract(report)
    return report


def refusal_of(translate: Translate, content: bytes) -> TranslationError:
    with pytest.raises(TranslationError) as raised:
        translate(content)
    return raised.value


def assert_refused_at(translate: Translate, content: bytes, pointer: str) -> None:
    """Check that a refusal names the place, and doesn't repeat what stands there, k3y."""
    error = refusal_of(translate, content)
    assert error.pointer == pointer, error.pointer
    assert "k3y" not in error.detail + error.pointer
