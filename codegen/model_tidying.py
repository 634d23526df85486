"""Takes out of the library's modules what says nothing: idle settings, empty lines of prose.

A line that goes is left as an empty text, so that all others keep their numbers.
"""

import ast
from collections.abc import Iterable


def tidy(lines: list[str], body: Iterable[ast.stmt]) -> None:
    """`lines` have their ends, and `body` is what stands in them; settings leave both."""
    for node in body:
        if isinstance(node, ast.Expr) and is_prose(node):
            _shorten_prose(lines, node)
        elif isinstance(node, ast.ClassDef):
            _shorten_settings(lines, node)
            tidy(lines, node.body)


def is_prose(node: ast.Expr) -> bool:
    return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def name_in_json(field: ast.AnnAssign) -> str:
    for node in ast.walk(field.annotation):
        if isinstance(node, ast.keyword) and node.arg == "alias":
            return str(ast.literal_eval(node.value))
    return ast.unparse(field.target)


def _shorten_prose(lines: list[str], node: ast.Expr) -> None:
    """Contracts end a text by a line feed where they write it as a block, be it of one line."""
    quotes, *text = lines[node.lineno - 1 : node.end_lineno]
    if quotes.strip() != '"""' or text[-1].strip() != '"""':
        return
    while text[1:] and not text[-2].strip():
        del text[-2]
    if len(text) == 2 and not text[0].rstrip().endswith(('"', "\\")):
        text = [f'{quotes.rstrip()}{text[0].strip()}"""\n']
        quotes = ""
    _replace(lines, node, [quotes, *text])


def _shorten_settings(lines: list[str], node: ast.ClassDef) -> None:
    """To one line, or none.

    That fields may be given by name says nothing where that is what they are called in JSON too.
    """
    fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
    for each in node.body:
        call = each.value if isinstance(each, ast.Assign) else None
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "ConfigDict":
            if fields and all(name_in_json(one) == ast.unparse(one.target) for one in fields):
                call.keywords = [each for each in call.keywords if each.arg != "populate_by_name"]
            _replace(lines, each, [f"    {ast.unparse(each)}\n"] if call.keywords else [])
            if not call.keywords:
                node.body.remove(each)
            return


def _replace(lines: list[str], node: ast.stmt, text: list[str]) -> None:
    begin, end = node.lineno - 1, node.end_lineno or node.lineno
    lines[begin:end] = [*text, *[""] * (end - begin - len(text))]
