"""Compares who may call an operation: alternatives of schemes, each with its scopes or roles.

Credentials that were enough must be enough still; a scheme under another name is the same scheme.
"""

import json
from typing import Any

from ..shape import Pointer
from .comparison import Comparison
from .side import Side, listed, mapping

Requirement = dict[str, frozenset[str]]
# What only tells people about a scheme.
_DESCRIBING = frozenset({"description", "bearerFormat"})
_WITH_SCOPES = ("oauth2", "openIdConnect")


def compare_security(comparison: Comparison, old: Pointer, new: Pointer, operation: str) -> None:
    names = _old_names(comparison)
    before, _ = _requirements(comparison.old, old)
    written, pointer = _requirements(comparison.new, new)
    after = [{names.get(name, name): scopes for name, scopes in one.items()} for one in written]
    _compare_schemes(comparison, before, pointer, operation)
    schemes = _schemes(comparison.new) | _schemes(comparison.old)
    plain = _without_roles(schemes, before), _without_roles(schemes, after)
    if _as_sets(plain[0]) != _as_sets(plain[1]):
        _compare_strength(comparison, plain, pointer, operation)
    elif _as_sets(before) != _as_sets(after):
        text = f"roles are {_shown(after)} now, were {_shown(before)}"
        comparison.now("roles-changed", text, pointer, operation)


def _requirements(side: Side, operation: Pointer) -> tuple[list[Requirement], Pointer]:
    """No requirement at all is one that nothing is needed for."""
    value = side.at(operation)
    pointer: Pointer = (*operation, "security") if "security" in value else ("security",)
    stated = listed(value["security"] if "security" in value else side.document.get("security"))
    found = [
        {str(name): frozenset(map(str, listed(scopes))) for name, scopes in mapping(one).items()}
        for one in stated
    ]
    return found or [{}], pointer if side.has(pointer) else operation


def _old_names(comparison: Comparison) -> dict[str, str]:
    """What the old contract called the schemes of the new one."""
    old, new = _schemes(comparison.old), _schemes(comparison.new)
    by_content = {_content(scheme): name for name, scheme in old.items()}
    return {
        name: name if name in old else by_content.get(_content(scheme), name)
        for name, scheme in new.items()
    }


def _schemes(side: Side) -> dict[str, dict[str, Any]]:
    schemes = mapping(mapping(side.document.get("components")).get("securitySchemes"))
    return {name: side.resolved(("components", "securitySchemes", name))[1] for name in schemes}


def _content(scheme: dict[str, Any]) -> str:
    said = {
        key: value
        for key, value in scheme.items()
        if key not in _DESCRIBING and not key.startswith("x-")
    }
    # Scopes count where operations ask for them.
    flows = {
        name: {key: value for key, value in mapping(flow).items() if key != "scopes"}
        for name, flow in mapping(said.pop("flows", None)).items()
    }
    # RFC 9110, 11.1: whatever its case.
    said |= {"scheme": str(said.get("scheme", "")).lower()}
    return json.dumps([said, flows], sort_keys=True)


def _compare_schemes(
    comparison: Comparison, before: list[Requirement], pointer: Pointer, operation: str
) -> None:
    old, new = _schemes(comparison.old), _schemes(comparison.new)
    for name in sorted({name for one in before for name in one} & old.keys() & new.keys()):
        if _content(old[name]) != _content(new[name]):
            where = ("components", "securitySchemes", name)
            text = f"the security scheme {name} is another"
            comparison.now("security-scheme-changed", text, where, operation)


def _without_roles(
    schemes: dict[str, dict[str, Any]], requirements: list[Requirement]
) -> list[Requirement]:
    """The requirements with the scopes that OAuth and OpenID Connect define, and no others."""
    return [
        {
            name: scopes if schemes.get(name, {}).get("type") in _WITH_SCOPES else frozenset()
            for name, scopes in one.items()
        }
        for one in requirements
    ]


def _as_sets(requirements: list[Requirement]) -> set[str]:
    return {
        json.dumps({name: sorted(scopes) for name, scopes in one.items()}, sort_keys=True)
        for one in requirements
    }


def _compare_strength(
    comparison: Comparison,
    found: tuple[list[Requirement], list[Requirement]],
    pointer: Pointer,
    operation: str,
) -> None:
    before, after = found
    refused = [one for one in before if not any(_is_enough(one, asked) for asked in after)]
    admitted = [one for one in after if not any(_is_enough(one, asked) for asked in before)]
    for one in refused:
        missing = _missing_scopes(one, after)
        if missing:
            text = f"{_shown([one])} needs the scope {', '.join(missing)} too"
            comparison.now("scope-added", text, pointer, operation)
        else:
            text = f"{_shown([one])} is no longer enough, it takes {_shown(after)}"
            comparison.now("security-tightened", text, pointer, operation)
    for one in admitted:
        unneeded = _missing_scopes(one, before)
        if unneeded:
            text = f"{_shown([one])} no longer needs the scope {', '.join(unneeded)}"
            comparison.now("scope-removed", text, pointer, operation)
        else:
            comparison.now("security-loosened", f"{_shown([one])} is enough", pointer, operation)


def _is_enough(credentials: Requirement, asked: Requirement) -> bool:
    return all(
        name in credentials and scopes <= credentials[name] for name, scopes in asked.items()
    )


def _missing_scopes(credentials: Requirement, asked: list[Requirement]) -> list[str]:
    """What it lacks where the same schemes are asked for with more scopes."""
    for one in asked:
        if one.keys() == credentials.keys():
            return sorted({scope for name in one for scope in one[name] - credentials[name]})
    return []


def _shown(requirements: list[Requirement]) -> str:
    texts = []
    for one in requirements:
        named = [
            f"{name} ({', '.join(sorted(scopes))})" if scopes else name
            for name, scopes in sorted(one.items())
        ]
        texts.append(" with ".join(named) or "no credentials")
    return " or ".join(texts)
