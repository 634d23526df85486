"""All rules of the linter, by name: this module imports each module that registers some."""

from . import (
    bodies,
    bounds,
    components,
    ignored,
    names,
    paths,
    patterns,
    responses,
    schemas,
    security,
    suppressions,
    tags,
)
from .rule import Rule, registered

MODULES = (
    names, paths, tags, responses, bodies, security, schemas, ignored, bounds, patterns, components,
    suppressions,
)  # fmt: skip
RULES: dict[str, Rule] = registered()
