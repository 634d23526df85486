"""Says of YAML that can't be parsed what is wrong and what to do, in words of people who write it.

libyaml's own messages speak of tokens; its places are right, save for tabs in the indentation.
"""

import re
from dataclasses import dataclass

import yaml

_INDENTED_BY_TAB = re.compile(r" *\t")
_NO_COLON = "could not find expected ':'"


@dataclass(frozen=True, slots=True)
class Mistake:
    """`line` and `column` count from 1."""

    line: int
    column: int
    message: str
    hint: str = ""


def mistake(text: str, error: yaml.MarkedYAMLError) -> Mistake:
    mark = error.problem_mark or error.context_mark
    if _NO_COLON in (error.problem or ""):
        # The parser looks for it on to the next key; the line that lacks it is where it began.
        mark = error.context_mark or mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.splitlines() or [""]
    problem = error.problem or "this is not YAML"
    for number in _around(line, len(lines)):
        if tab := _INDENTED_BY_TAB.match(lines[number]):
            message = "this line is indented with a tab"
            return Mistake(number + 1, tab.end(), message, "YAML takes spaces alone")
    began = error.context_mark.line + 1 if error.context_mark else line + 1
    rest = lines[line][column:] if line < len(lines) else ""
    message, hint = _in_words(problem, error.context or "", began, rest)
    return Mistake(line + 1, column + 1, message, hint)


def _around(line: int, count: int) -> list[int]:
    """The line that the parser stopped at, and the one before: a tab can mislead it that far."""
    return [number for number in (line, line - 1) if 0 <= number < count]


def _in_words(problem: str, context: str, began: int, rest: str) -> tuple[str, str]:
    """`rest` is the line from where the parser stopped."""
    char = rest[:1]
    if "mapping values are not allowed" in problem:
        hint = "quote a value that holds `: `, or indent the line as its neighbours are"
        return "a key can't stand here", hint
    if _NO_COLON in problem:
        return (
            "this line lacks a colon",
            "write `key: value`, or indent it as the text it belongs to",
        )
    if "expected key" in problem and char and char in "}]":
        return f"this {char} closes nothing", "leave it out, or open what it should close"
    if "unknown escape character" in problem:
        return f"there is no escape {rest[:2]}", "double the backslash, or use single quotes"
    if "expected key" in problem:
        hint = f"indent it as the keys of its mapping are, which began in line {began}"
        return "this line is no key of the mapping that it stands in", hint
    if "expected '-' indicator" in problem:
        hint = f"indent it as the items of its list are, which began in line {began}"
        return "this line is no item of the list that it stands in", hint
    if "expected ',' or" in problem:
        bracket = problem.rstrip("'")[-1]
        return problem, f"close the bracket of line {began} with {bracket}"
    if "quoted scalar" in context and "end of stream" in problem:
        return "a quote isn't closed", f"it was opened in line {began}"
    if "cannot start any token" in problem and char == "\t":
        return "a tab stands here", "YAML takes spaces alone"
    if "cannot start any token" in problem and char:
        return f"a value can't begin with {char!r}", "quote it"
    if "undefined alias" in problem:
        return "this alias names no anchor", "quote a value that begins with *"
    if "expected alphabetic or numeric" in problem:
        return problem, "quote a value that begins with * or &"
    if "another document" in problem:
        return "a second document begins here", "a file holds one contract: leave out ---"
    return problem, ""
