"""Reads the parameters of one operation, and which of them its hooks claim."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from typing import Any

from .bundle import Bundle
from .contract import Annotation, Claim, Default, Location, Parameter
from .names import (
    argument_name,
    is_wordless,
    pascal,
    replace_template_names,
    spelled_argument_name,
    template_names,
    unlike,
)
from .pointers import value_at
from .read_styles import check_spread, check_style, read_media_type
from .schema_types import SchemaTypes, is_plain_value
from .shape import Pointer, written
from .suggestions import did_you_mean

_STYLE: dict[str, str] = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}
_LOCATIONS: dict[str, Location] = {
    "path": "path",
    "query": "query",
    "header": "header",
    "cookie": "cookie",
}
# OpenAPI says of these that a definition as a parameter is ignored.
_IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})
_CLAIMED_HEADERS: dict[str, tuple[str, Claim]] = {
    "if-none-match": ("x-etag", "condition"),
    "idempotency-key": ("x-idempotency", "key"),
}


def read_parameters(
    types: SchemaTypes, path: str, pointer: Pointer, operation: str
) -> tuple[Parameter, ...]:
    """In the contract's order, those of the path item first; an operation's own replace them."""
    contract = types.contract
    found: dict[tuple[str, str], Parameter] = {}
    places: dict[tuple[str, str], Pointer] = {}
    claims = _claims(types, pointer)
    for place, value in _declared(types, pointer):
        key = (str(value["in"]), str(value["name"]))
        if key[0] == "header" and key[1].lower() in _IGNORED_HEADERS:
            continue
        lowered = key[1].lower() if key[0] == "header" else key[1]
        known = (place, claims.get((key[0], lowered)))
        if known not in types.parameters:
            types.parameters[known] = _parameter(types, place, value, operation, known[1])
        found[key] = types.parameters[known]
        places[key] = place
    parameters = _with_own_arguments(types, pointer, tuple(found.values()))
    _warn_of_wordless(types, places.values(), parameters)
    _check_template(types, path, pointer, parameters)
    check_spread(types, pointer, zip(places.values(), parameters, strict=True))
    declared = {parameter.name for parameter in parameters if parameter.location == "query"}
    page = _page(contract, pointer)
    for field, name in page.items():
        if name not in declared:
            message = f"x-page names the parameter {name!r}, which is not a query parameter here"
            hint = did_you_mean(name, declared, "declare it in `parameters`")
            types.findings.add(contract.place((*pointer, "x-page", field)), "CG070", message, hint)
    _check_page_size(types, pointer, parameters, page.get("limit"))
    return parameters


def _warn_of_wordless(
    types: SchemaTypes, places: Iterable[Pointer], parameters: Iterable[Parameter]
) -> None:
    for place, parameter in zip(places, parameters, strict=True):
        if is_wordless(parameter.name):
            message = f"the parameter name {parameter.name!r} can't be a Python name"
            hint = f"its argument is {parameter.argument}"
            types.findings.add(types.contract.place(place), "CG023", message, hint)


def _check_page_size(
    types: SchemaTypes, pointer: Pointer, parameters: tuple[Parameter, ...], name: str | None
) -> None:
    for parameter in parameters:
        if (parameter.location, parameter.name) != ("query", name):
            continue
        if parameter.default is None and not parameter.required:
            place = types.contract.place((*pointer, "x-page", "limit"))
            message = f"x-page: the parameter {name!r} has no default, so a page has no size"
            types.findings.add(place, "CG070", message, "give its schema a default")


def route_of(path: str, parameters: tuple[Parameter, ...]) -> str:
    """The path as the router takes it: only identifiers may stand in braces there."""
    names = {
        parameter.name: parameter.known_as
        for parameter in parameters
        if parameter.location == "path"
    }
    return replace_template_names(path, names)


def _declared(types: SchemaTypes, pointer: Pointer) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    contract = types.contract
    for holder in (pointer[:-1], pointer):
        listed = contract.follow(holder)[1].get("parameters", [])
        seen: set[tuple[str, str]] = set()
        for index in range(len(listed)):
            used = (*holder, "parameters", index)
            place, value = contract.follow(used)
            if not isinstance(value, dict) or "in" not in value or "name" not in value:
                continue
            name = str(value["name"])
            key = (str(value["in"]), name.lower() if value["in"] == "header" else name)
            if key in seen:
                message = f"the {key[0]} parameter {name!r} is declared twice"
                types.findings.add(contract.place(used), "CG033", message)
            seen.add(key)
            yield place, value


def _parameter(
    types: SchemaTypes,
    pointer: Pointer,
    value: dict[str, Any],
    operation: str,
    claim: Claim | None,
) -> Parameter:
    name, location = str(value["name"]), _location(value["in"])
    style = str(value.get("style", _STYLE[location]))
    explode = bool(value.get("explode", style == "form"))
    media_type = read_media_type(types, pointer, value)
    if media_type is None:
        check_style(types, pointer, location, style, explode)
    schema: Pointer = (*pointer, "schema")
    if media_type is not None:
        schema = (*pointer, "content", media_type, "schema")
    lowered = name.lower() if location == "header" else name
    required = location == "path" or value.get("required") is True
    return Parameter(
        name=name,
        argument=argument_name(lowered),
        location=location,
        required=required,
        pointer=written(pointer),
        style=style,
        explode=explode,
        annotation=_annotation(types, schema, f"{pascal(operation)} {name}"),
        default=None if required else _default(types, schema),
        claim=claim,
        media_type=media_type,
    )


def _location(value: Any) -> Location:
    return _LOCATIONS[str(value)]


def _annotation(types: SchemaTypes, schema: Pointer, wanted: str) -> Annotation:
    if not types.has(schema):
        return Annotation("str")
    return types.annotation(schema, wanted)


def _default(types: SchemaTypes, schema: Pointer) -> Default | None:
    if not types.has(schema):
        return None
    own, resolved = value_at(types.contract.document, schema), types.resolved(schema)
    for declared in (own, resolved):
        if isinstance(declared, dict) and "default" in declared:
            default = declared["default"]
            # One that stands in the parameter itself is told already.
            if declared is not own and id(declared) in types.misfits:
                message = "the default of a parameter must fit its schema: handlers get it"
                types.findings.add(types.contract.place(schema), "CG061", message)
            return Default(default, repr(default) if is_plain_value(resolved, default) else None)
    return None


def _check_template(
    types: SchemaTypes, path: str, pointer: Pointer, parameters: tuple[Parameter, ...]
) -> None:
    names = template_names(path)
    declared = {parameter.name for parameter in parameters if parameter.location == "path"}
    place = types.contract.place(pointer)
    for name in dict.fromkeys(names):
        if name and name not in declared:
            message = f"the path parameter {name!r} is not declared"
            otherwise = "add it to `parameters` with `in: path` and `required: true`"
            hint = did_you_mean(name, declared - set(names), otherwise)
            types.findings.add(place, "CG030", message, hint)
    for name in sorted(declared - set(names)):
        message = f"the path parameter {name!r} doesn't stand in {path}"
        hint = did_you_mean(name, set(names) - declared, "write {" + name + "} into the path")
        types.findings.add(place, "CG031", message, hint)


def _with_own_arguments(
    types: SchemaTypes, pointer: Pointer, parameters: tuple[Parameter, ...]
) -> tuple[Parameter, ...]:
    """The parameters, with other arguments for those that would have the one of another.

    A name that needs no change is kept first, then each in the contract's order.
    """
    taken: dict[str, Parameter] = {}
    for parameter in sorted(parameters, key=_changes):
        argument = parameter.argument
        if argument in taken:
            other = taken[argument]
            argument = _other_argument(parameter, taken)
            message = (
                f"the {other.location} parameter {other.name!r} and the {parameter.location} "
                f"parameter {parameter.name!r} become the argument {parameter.argument}"
            )
            hint = f"the latter's is {argument}; rename one of the two"
            place = types.contract.place(pointer)
            types.findings.add(place, "CG024", message, hint, severity="warning")
        taken[argument] = parameter
    own = {id(parameter): argument for argument, parameter in taken.items()}
    return tuple(
        parameter
        if parameter.argument == own[id(parameter)]
        else replace(parameter, argument=own[id(parameter)])
        for parameter in parameters
    )


def _changes(parameter: Parameter) -> tuple[bool, bool, bool]:
    """How much is lost of a name where it becomes an argument; what a hook takes needs none."""
    is_changed = parameter.argument != parameter.name
    return (parameter.claim is not None, is_changed, not parameter.name.isidentifier())


def _other_argument(parameter: Parameter, taken: Container[str]) -> str:
    spelled = spelled_argument_name(parameter.name)
    if spelled not in taken:
        return spelled
    return unlike(f"{parameter.argument.rstrip('_')}_{parameter.location}", taken)


def _claims(types: SchemaTypes, pointer: Pointer) -> dict[tuple[str, str], Claim]:
    """(location, name) of each parameter that a hook takes; header names in lower case."""
    value = types.contract.follow(pointer)[1]
    claims: dict[tuple[str, str], Claim] = {
        ("header", name): claim
        for name, (extension, claim) in _CLAIMED_HEADERS.items()
        if extension in value
    }
    if "x-page" in value and not _page(types.contract, pointer):
        message = (
            "x-page must be a mapping of `limit` and `token` to the names of query parameters, and"
            " may have `unbound`, a list of such names, and `next`, a member of the answer"
        )
        types.findings.add(types.contract.place((*pointer, "x-page")), "CG070", message)
    return claims | {("query", name): "page" for name in _page(types.contract, pointer).values()}


def _page(contract: Bundle, pointer: Pointer) -> dict[str, str]:
    """The parameters that make up the page; empty where `x-page` is malformed."""
    declared = contract.follow(pointer)[1].get("x-page")
    if not isinstance(declared, dict):
        return {}
    unbound, following = declared.get("unbound", []), declared.get("next", "")
    page = {field: name for field, name in declared.items() if field not in ("unbound", "next")}
    names = [*page.values(), following, *(unbound if isinstance(unbound, list) else [None])]
    whole = set(page) == {"limit", "token"} and all(isinstance(name, str) for name in names)
    return page if whole else {}
