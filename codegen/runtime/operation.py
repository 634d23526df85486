"""Operations of a contract as plain data: what the emitted `operations.py` is made of.

Knows nothing of HTTP libraries; application vocabulary (`x-…`) passes through as opaque values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ParameterLocation = Literal["path", "query", "header", "cookie"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter. `pointer` is the JSON pointer of it in the bundled contract.

    `media_type` is set where the value is a document of its own, in place of a style. `declared` is
    its name in the contract where a router, which takes only identifiers in a path, knows another.
    """

    name: str
    argument: str
    location: ParameterLocation
    required: bool
    pointer: str
    style: str
    explode: bool
    media_type: str | None = None
    declared: str | None = None

    @property
    def spelled(self) -> str:
        """As requests and problems have it."""
        return self.declared or self.name

    @property
    def schema_pointer(self) -> str:
        if self.media_type is None:
            return f"{self.pointer}/schema"
        escaped = self.media_type.replace("~", "~0").replace("/", "~1")
        return f"{self.pointer}/content/{escaped}/schema"


@dataclass(frozen=True, slots=True)
class Media:
    """One media type of a body. `pointer` leads to its schema; None where there is none."""

    media_type: str
    pointer: str | None


@dataclass(frozen=True, slots=True)
class RequestBody:
    required: bool
    content: tuple[Media, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """`responses` maps a status ("200", "4XX", "default") to its media types, empty if no body.

    `security` lists alternatives; each maps a scheme's name to the roles or scopes it asks for.
    """

    id: str
    method: str
    path: str
    tag: str
    parameters: tuple[Parameter, ...] = ()
    request_body: RequestBody | None = None
    responses: Mapping[str, tuple[Media, ...]] = field(default_factory=dict)
    security: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)
