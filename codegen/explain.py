"""The command `codegen explain`: what a code means, whichever command said it.

Codes of the generator and rules of the linter have pages; rules of the comparison have a sentence.
"""

import click

from .explanations import explanation, heads
from .suggestions import did_you_mean

# Code, what a finding of it is, and what it means.
_Listed = tuple[str, str, str]


@click.command("explain", short_help="Say what a finding means, wrong and right.")
@click.argument("code", required=False)
def explain_command(code: str | None) -> None:
    """Say what CODE means, why, and show it wrong and right; without CODE, list all codes.

    The rules of `codegen lint` and `codegen breaking` are codes too.
    """
    if code is None:
        click.echo("\n\n".join(map(_table, _all_codes())))
        return
    page = _page(code)
    if page is None:
        known_codes = (known for listed in _all_codes() for known, _, _ in listed)
        hint = did_you_mean(code, known_codes, "codegen explain lists all")
        raise click.UsageError(f"there is no code {code}: {hint}")
    click.echo(page, nl=False)


def _page(code: str) -> str | None:
    # Loaded here: no other command needs the pages of all rules.
    from .lint.explanations import rule_page

    page = explanation(code.upper()) or rule_page(code.lower())
    if page is not None:
        return page
    for known, judged, meaning in _breaking_rules():
        if known == code.lower():
            return f"# {known}: {judged}\n\n{meaning}\n"
    return None


def _table(listed: list[_Listed]) -> str:
    widths = [max(len(row[column]) for row in listed) for column in (0, 1)]
    return "\n".join(
        f"{known:{widths[0]}}  {level:{widths[1]}}  {meaning}" for known, level, meaning in listed
    )


def _all_codes() -> tuple[list[_Listed], ...]:
    """Of the generator, of `codegen lint`, and of `codegen breaking`."""
    from .lint.rules import RULES

    rules: list[_Listed] = [(rule.name, rule.level, rule.reason) for rule in RULES.values()]
    return heads(), rules, _breaking_rules()


def _breaking_rules() -> list[_Listed]:
    from .breaking.rules import RULES

    listed = []
    for name, rule in RULES.items():
        listed.append((name, rule.classes, f"{rule.text[:1].upper()}{rule.text[1:]}."))
    return listed
