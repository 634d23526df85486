"""Writes the message of a SARIF result as one readable line of text: `path:line: text`.

What it reads decides no verdict, so a malformed location or argument is left out, not refused.
"""

import re
from collections.abc import Callable
from typing import Final

from formats.document import MAX_MESSAGE, MAX_TARGET
from formats.json_input import JsonObject, index_at, object_at, objects_at, text_at
from formats.sarif_rules import Rule
from formats.shortening import shorten_identifier

# A template may be shared by 20,000 results: beyond these it is shown as it stands.
MAX_PLACEHOLDERS: Final = 100
MAX_FILLED: Final = 65_536
# For the place before a text and the remarks after it.
_ROOM: Final = MAX_TARGET + 128

_BRACES: Final = re.compile(r"(\{\{|\}\}|\{[0-9]{1,4}\})")


class MessageWriter:
    """Writes the messages of one run; `shorten` takes a text and the room to leave around it."""

    def __init__(self, run: JsonObject, shorten: Callable[[str, int], str]) -> None:
        self._shorten = shorten
        self._artifacts = objects_at(run, "artifacts")
        self._logical_locations = objects_at(run, "logicalLocations")
        self._templates: dict[str, list[str]] = {}
        self._paths: dict[str, str] = {}
        self.unfilled = 0

    def write(self, result: JsonObject, rule: Rule) -> str:
        """Return the result's place and text."""
        locations = objects_at(result, "locations")
        place = self._place(locations[0]) if locations else ""
        text = self._text(object_at(result, "message"), rule) or self._rule_text(rule)
        more = len(locations) - 1
        suffix = f" (and {more} more {'place' if more == 1 else 'places'})" if more > 0 else ""
        return f"{place}: {text}{suffix}" if place else f"{text}{suffix}"

    def _text(self, message: JsonObject, rule: Rule) -> str:
        """Look the text up as §3.11.7 says, and fill in its arguments (§3.11.5)."""
        arguments = message.get("arguments")
        values = arguments if isinstance(arguments, list) else []
        own = text_at(message, "text") or text_at(message, "markdown")
        if own:
            # Tools that pass no arguments don't double their braces either.
            return self._fill(own, values) if values else own
        template = _message_string(rule, text_at(message, "id"))
        return self._shorten(self._fill(template, values), _ROOM)

    def _rule_text(self, rule: Rule) -> str:
        for key in ("shortDescription", "fullDescription"):
            text = text_at(object_at(rule.descriptor, key), "text")
            if text:
                return self._shorten(text, _ROOM)
        return text_at(rule.descriptor, "name") or "The tool gave no message."

    def _fill(self, template: str, arguments: list[object]) -> str:
        if len(template) > MAX_MESSAGE:
            self.unfilled += 1
            return template
        pieces = self._templates.get(template)
        if pieces is None:
            pieces = self._templates[template] = _BRACES.split(template)
        filled = [
            piece if number % 2 == 0 else _replacement(piece, arguments)
            for number, piece in enumerate(pieces[: 2 * MAX_PLACEHOLDERS + 2])
        ]
        if len(pieces) > 2 * MAX_PLACEHOLDERS + 1 or sum(map(len, filled)) > MAX_FILLED:
            self.unfilled += 1
            return template
        return "".join(filled)

    def _place(self, location: JsonObject) -> str:
        physical = object_at(location, "physicalLocation")
        path = self._path(object_at(physical, "artifactLocation"))
        if not path:
            return self._logical_name(location)
        line = index_at(object_at(physical, "region"), "startLine")
        return f"{path}:{line}" if line > 0 else path

    def _path(self, artifact_location: JsonObject) -> str:
        uri = text_at(artifact_location, "uri")
        index = index_at(artifact_location, "index")
        if not uri and 0 <= index < len(self._artifacts):
            uri = text_at(object_at(self._artifacts[index], "location"), "uri")
        return self._shortened(uri)

    def _logical_name(self, location: JsonObject) -> str:
        named = objects_at(location, "logicalLocations")
        if not named:
            return ""
        index = index_at(named[0], "index")
        listed = self._logical_locations
        shared = listed[index] if 0 <= index < len(listed) else {}
        for source in (named[0], shared):
            name = text_at(source, "fullyQualifiedName") or text_at(source, "name")
            if name:
                return self._shortened(name)
        return ""

    def _shortened(self, text: str) -> str:
        if len(text) <= MAX_TARGET:
            return text
        short = self._paths.get(text)
        if short is None:
            short = self._paths[text] = shorten_identifier(text, MAX_TARGET)
        return short


def _replacement(token: str, arguments: list[object]) -> str:
    if token in ("{{", "}}"):
        return token[0]
    number = int(token[1:-1])
    value = arguments[number] if number < len(arguments) else None
    return value if isinstance(value, str) else token


def _message_string(rule: Rule, message_id: str) -> str:
    if not message_id:
        return ""
    for strings in (
        object_at(rule.descriptor, "messageStrings"),
        object_at(rule.component, "globalMessageStrings"),
    ):
        found = object_at(strings, message_id)
        text = text_at(found, "text") or text_at(found, "markdown")
        if text:
            return text
    return ""
