"""Rules about who may call: requirements, roles and scopes, secrets on their way."""

import re
from collections.abc import Iterator
from typing import Any

from ..shape import Pointer
from .rule import Remark, rule
from .subject import LintedOperation, Subject, listing, mapping

_SECRET = re.compile(
    r"(api|access|secret|private)[_-]?key|(access|refresh|auth|id|session|bearer)[_-]?token|"
    r"(client|app|api)[_-]?secret|passwd|password|secret|jwt",
    re.I,
)
_LOCAL = re.compile(
    r"http://(localhost|127\.|\[::1\]|0\.0\.0\.0|[^/:]*\.(localhost|test|internal)(?![^/:]))"
)
_VARIABLE = re.compile(r"\{([^{}]*)\}")


@rule(
    "unsecured-operation",
    "error",
    "Without a security requirement all may call it; where that is meant, `security: []` says so.",
)
def unsecured_operation(subject: Subject) -> Iterator[Remark]:
    if "security" in subject.document:
        return
    operations = list(subject.operations())
    open_ones = [each for each in operations if "security" not in each.value]
    hint = "give it a requirement, or `security: []` if everyone may call it"
    if len(open_ones) == len(operations) > 1:
        message = "no operation has a security requirement"
        yield Remark(("paths",), message, "add `security` to the contract; [] if all is public")
        return
    for operation in open_ones:
        yield Remark(operation.pointer, f"{operation.name} has no security requirement", hint)


@rule(
    "unknown-role",
    "error",
    "A role or scope that its scheme doesn't declare is a typo that locks everybody out, or a rule "
    "that nobody can look up.",
)
def unknown_role(subject: Subject) -> Iterator[Remark]:
    told: set[str] = set()
    for pointer, scheme, roles in _requirements(subject):
        declaration = _scheme(subject, scheme)
        if not declaration or scheme in told or not roles:
            continue
        declared = _declared_roles(declaration)
        if declared is None:
            if declaration.get("type") == "openIdConnect":
                continue
            told.add(scheme)
            message = f"roles of {scheme} are used, but it declares none"
            hint = "list them as `x-roles` of the scheme"
            yield Remark(("components", "securitySchemes", scheme), message, hint)
            continue
        for index, role in enumerate(roles):
            if role not in declared:
                message = f"{scheme} declares no role or scope {role!r}"
                yield Remark((*pointer, index), message, "declare it, or correct the name")


@rule(
    "secret-in-url",
    "warning",
    "URLs stand in logs, histories and `Referer` headers: a secret in one is a secret no more.",
)
def secret_in_url(subject: Subject) -> Iterator[Remark]:
    hint = "send it in a header"
    for node in subject.of_kind("security_scheme"):
        if node.value.get("type") == "apiKey" and node.value.get("in") == "query":
            yield Remark((*node.pointer, "in"), "the key stands in the URL", hint)
    for node in subject.of_kind("parameter"):
        name = node.value.get("name")
        if node.value.get("in") in ("query", "path") and _SECRET.fullmatch(str(name)):
            yield Remark(node.pointer, f"the parameter {name!r} puts a secret into the URL", hint)


@rule(
    "plain-http",
    "warning",
    "Over http:// everybody on the way reads and changes what is sent, keys included.",
)
def plain_http(subject: Subject) -> Iterator[Remark]:
    for pointer, url in _urls(subject):
        if url.lower().startswith("http://") and not _LOCAL.match(url.lower()):
            yield Remark(pointer, "this URL is not encrypted on its way", "use https://")


@rule(
    "undeclared-server-variable",
    "error",
    "A variable of a server's URL that isn't declared stays in the URL as it is.",
)
def undeclared_server_variable(subject: Subject) -> Iterator[Remark]:
    for pointer, server in _servers(subject):
        for name in _VARIABLE.findall(str(server.get("url", ""))):
            if name not in mapping(server.get("variables")):
                message = f"the variable {name!r} is not declared"
                yield Remark((*pointer, "url"), message, "add it to `variables`, with a default")


@rule(
    "server-slash",
    "warning",
    "Paths are appended to a server's URL as they are: a slash at its end makes two.",
)
def server_slash(subject: Subject) -> Iterator[Remark]:
    for pointer, server in _servers(subject):
        url = str(server.get("url", ""))
        if url != "/" and url.endswith("/"):
            yield Remark((*pointer, "url"), "the URL ends with a slash", "remove it")


def _requirements(subject: Subject) -> Iterator[tuple[Pointer, str, list[Any]]]:
    """Place, scheme and roles of each requirement: the contract's, then the operations'."""
    operations: Iterator[LintedOperation] = subject.operations()
    holders = [((), subject.document), *((each.pointer, each.value) for each in operations)]
    for pointer, value in holders:
        for index, requirement in enumerate(listing(value.get("security"))):
            for scheme, roles in mapping(requirement).items():
                yield (*pointer, "security", index, scheme), scheme, listing(roles)


def _scheme(subject: Subject, name: str) -> dict[str, Any]:
    """Empty where there is none, or it is malformed."""
    pointer = ("components", "securitySchemes", name)
    known = mapping(mapping(subject.document.get("components")).get("securitySchemes"))
    return mapping(subject.follow(pointer)[1]) if name in known else {}


def _declared_roles(scheme: dict[str, Any]) -> frozenset[str] | None:
    """Scopes of OAuth 2 flows, else `x-roles`; None where the scheme has no place for them."""
    if scheme.get("type") == "oauth2":
        flows = mapping(scheme.get("flows")).values()
        return frozenset(scope for flow in flows for scope in mapping(mapping(flow).get("scopes")))
    declared = scheme.get("x-roles")
    return frozenset(map(str, declared)) if isinstance(declared, dict | list) else None


def _servers(subject: Subject) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    holders: list[tuple[Pointer, dict[str, Any]]] = [((), subject.document)]
    holders += [(node.pointer, node.value) for node in subject.of_kind("path_item", "operation")]
    for pointer, value in holders:
        for index, server in enumerate(listing(value.get("servers"))):
            if isinstance(server, dict):
                yield (*pointer, "servers", index), server


def _urls(subject: Subject) -> Iterator[tuple[Pointer, str]]:
    for pointer, server in _servers(subject):
        yield (*pointer, "url"), str(server.get("url", ""))
    for node in subject.of_kind("security_scheme"):
        for flow, value in mapping(node.value.get("flows")).items():
            for member, url in mapping(value).items():
                if member.endswith("Url"):
                    yield (*node.pointer, "flows", flow, member), str(url)
        if "openIdConnectUrl" in node.value:
            yield (*node.pointer, "openIdConnectUrl"), str(node.value["openIdConnectUrl"])
