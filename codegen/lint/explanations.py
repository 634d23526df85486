"""The page of each rule, for `codegen explain`: why it is, where it finds something, where not.

The examples are contracts in `examples/`, one a rule, and what is found in them is found anew.
"""

from importlib.resources import files
from pathlib import Path

from .rule import Level, Rule
from .rules import RULES
from .run import lint
from .settings import LintSettings
from .subject import Options

_FILE = "openapi.yaml"


def rule_page(name: str) -> str | None:
    """None for a rule that there isn't."""
    rule = RULES.get(name)
    if rule is None:
        return None
    findings = "".join(f"    {finding}\n" for finding in example_findings(rule))
    return _PAGE.format(
        name=name, level=rule.level, reason=rule.reason, example=example(rule), findings=findings
    )


def example(rule: Rule) -> str:
    """A contract that breaks the rule, and has what only looks like it."""
    return files(__package__).joinpath("examples", f"{rule.name}.yaml").read_text(encoding="utf-8")


def example_findings(rule: Rule, options: Options | None = None) -> list[str]:
    """What the rule alone finds in its example."""
    levels: dict[str, Level] = dict.fromkeys(RULES, "off")
    levels[rule.name] = "warning" if rule.level == "off" else rule.level
    text = example(rule).encode()
    found = lint(Path(_FILE), _FILE, LintSettings(levels, options or Options()), lambda _: text)
    return [str(finding) for finding in found if finding.code == rule.name]


_PAGE = """\
# {name} {level}

{reason}

```yaml
{example}```

What is found there:

{findings}
Another level, in pyproject.toml:

```toml
[tool.codegen.lint.rules]
{name} = "off"
```

Not for one object of the contract:

```yaml
x-lint-ignore: {{{name}: why the rule doesn't hold here}}
```
"""
