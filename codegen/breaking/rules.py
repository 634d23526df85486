"""The one table of rules: what each change means to requests and to answers.

The law behind it: a request that was valid and no longer is breaks a client, and so does an answer
that is valid now and wasn't before. A rule that is milder than the law says why beside it.
"""

from dataclasses import dataclass

from .change import Direction, Judgement, class_of


@dataclass(frozen=True, slots=True)
class Rule:
    """`text` is what the reference says of it. None: the rule says nothing in that direction."""

    request: Judgement | None
    response: Judgement | None
    text: str

    @property
    def classes(self) -> str:
        """Of both directions, in words."""
        found = {"request": class_of(self.request), "response": class_of(self.response)}
        return ", ".join(f"{way} {classed}" for way, classed in found.items() if classed)

    def judgement(self, direction: Direction) -> Judgement | None:
        return self.request if direction == "request" else self.response


_SCHEMAS: dict[str, Rule] = {
    "type-narrowed": Rule("breaking", "harmless", "fewer types are allowed"),
    "type-widened": Rule("addition", "breaking", "more types are allowed"),
    "type-changed": Rule("breaking", "breaking", "other types are allowed"),
    # Keywords of objects or arrays stood there already: what was meant is now said.
    "type-stated": Rule("dangerous", "harmless", "a type that keywords implied is now said"),
    "type-unstated": Rule("addition", "dangerous", "a type is only implied by keywords now"),
    "became-nullable": Rule("addition", "breaking", "null is allowed"),
    "became-not-nullable": Rule("breaking", "harmless", "null is no longer allowed"),
    # Clients are commonly written to meet new values; those that switch over all of them break.
    "value-added": Rule("addition", "dangerous", "one more value in `enum` or `const`"),
    "value-removed": Rule("breaking", "harmless", "a value left `enum` or `const`"),
    "values-limited": Rule("breaking", "harmless", "values are limited by `enum` or `const`"),
    "values-unlimited": Rule("addition", "dangerous", "`enum` or `const` is gone"),
    "values-replaced": Rule("breaking", "breaking", "no value of `enum` or `const` is left"),
    # An answer keeps its type; only clients that enforce the old limit notice.
    "limit-tightened": Rule("breaking", "harmless", "a length, number or count is more limited"),
    "limit-loosened": Rule("addition", "dangerous", "a length, number or count is less limited"),
    "limit-changed": Rule("breaking", "dangerous", "`multipleOf` is another number"),
    "pattern-added": Rule("breaking", "harmless", "a pattern was added"),
    "pattern-removed": Rule("addition", "dangerous", "a pattern is gone"),
    # Whether one pattern admits all that another does isn't decided.
    "pattern-changed": Rule("dangerous", "dangerous", "a pattern is another one"),
    "format-added": Rule("breaking", "harmless", "a format that validators check was added"),
    "format-removed": Rule("addition", "breaking", "a format that validators check is gone"),
    "format-changed": Rule("breaking", "breaking", "a format that validators check is another"),
    "format-hint-narrowed": Rule("dangerous", "harmless", "`int64` to `int32`, or alike"),
    "format-hint-widened": Rule("addition", "dangerous", "`int32` to `int64`, or alike"),
    "format-hint-changed": Rule("dangerous", "dangerous", "a format that only tools read"),
    "encoding-changed": Rule("breaking", "breaking", "`contentEncoding` or `contentMediaType`"),
    "property-added": Rule("addition", "addition", "a property was added"),
    # Clients are commonly told to pass over what they don't know.
    "property-added-to-closed": Rule("addition", "dangerous", "the same, in a closed object"),
    "required-property-added-to-closed": Rule("breaking", "dangerous", "the same, required"),
    "required-property-added": Rule("breaking", "addition", "a required property was added"),
    # What clients still send is accepted, and does nothing.
    "property-removed": Rule("dangerous", "dangerous", "an optional property is gone"),
    "property-removed-from-closed": Rule("breaking", "dangerous", "the same, in a closed object"),
    "required-property-removed": Rule("dangerous", "breaking", "a required property is gone"),
    "required-property-removed-from-closed": Rule("breaking", "breaking", "both at once"),
    "property-removed-after-sunset": Rule("harmless", "dangerous", "after its `x-sunset`"),
    "property-removed-too-early": Rule("breaking", "breaking", "before its `x-sunset`"),
    "property-required": Rule("breaking", "harmless", "a property is required now"),
    "property-optional": Rule("addition", "breaking", "a property is no longer required"),
    "property-became-read-only": Rule("breaking", None, "it can't be sent any more"),
    "property-became-write-only": Rule(None, "dangerous", "an optional one isn't answered"),
    "required-property-became-write-only": Rule(None, "breaking", "a required one isn't answered"),
    "object-closed": Rule("breaking", "harmless", "unknown properties are no longer allowed"),
    "object-opened": Rule("addition", "dangerous", "unknown properties are allowed"),
    "pattern-property-added": Rule("breaking", "harmless", "a rule for names by pattern"),
    "pattern-property-removed": Rule("addition", "dangerous", "such a rule is gone"),
    "alternative-added": Rule("addition", "breaking", "one more schema in `oneOf` or `anyOf`"),
    "alternative-removed": Rule("breaking", "harmless", "a schema left `oneOf` or `anyOf`"),
    "alternatives-added": Rule("breaking", "harmless", "`oneOf` or `anyOf` limits what was free"),
    "alternatives-dropped": Rule("addition", "breaking", "`oneOf` or `anyOf` is gone"),
    # The two aren't held against each other, so either may admit what the other doesn't.
    "alternatives-replaced": Rule("breaking", "breaking", "a schema gave way to others, or back"),
    # Only values that fit several of the schemas differ.
    "became-exclusive": Rule("dangerous", "harmless", "`anyOf` became `oneOf`"),
    "became-inclusive": Rule("addition", "dangerous", "`oneOf` became `anyOf`"),
    "condition-added": Rule("breaking", "harmless", "`not`, `if`, `contains` or alike was added"),
    "condition-removed": Rule("addition", "dangerous", "`not`, `if`, `contains` or alike is gone"),
    "condition-changed": Rule("dangerous", "dangerous", "the same, changed; not compared further"),
    "nothing-allowed": Rule("breaking", "harmless", "the schema is `false` now"),
    "something-allowed": Rule("addition", "breaking", "the schema was `false`"),
    "default-added": Rule("harmless", None, "what an absent value means is said"),
    # Requests that leave it out stay valid, and come to mean something else.
    "default-changed": Rule("dangerous", None, "what an absent value means is another"),
    "default-removed": Rule("dangerous", None, "what an absent value means is no longer said"),
    "discriminator-added": Rule("harmless", "harmless", "a discriminator was added"),
    # No value is refused for it, but generated clients choose the type by it.
    "discriminator-removed": Rule("dangerous", "dangerous", "the discriminator is gone"),
    "discriminator-changed": Rule("dangerous", "dangerous", "its property is another"),
    "mapping-added": Rule("addition", "addition", "the discriminator maps one more name"),
    "mapping-removed": Rule("dangerous", "dangerous", "the discriminator maps one name less"),
    "mapping-changed": Rule("dangerous", "dangerous", "the discriminator maps a name elsewhere"),
    "schema-deprecated": Rule("addition", "addition", "it is marked as deprecated"),
    "schema-reactivated": Rule("harmless", "harmless", "it is no longer deprecated"),
}
_OPERATIONS: dict[str, Rule] = {
    "operation-added": Rule("addition", None, "an operation was added"),
    "operation-removed": Rule("breaking", None, "an operation is gone"),
    "operation-removed-too-early": Rule("breaking", None, "before its `x-sunset`"),
    "operation-removed-after-sunset": Rule("dangerous", None, "after its `x-sunset`"),
    "operation-deprecated": Rule("addition", None, "it is marked as deprecated"),
    "operation-reactivated": Rule("harmless", None, "it is no longer deprecated"),
    # Nothing breaks before the removal itself.
    "sunset-moved-up": Rule("dangerous", None, "`x-sunset` is earlier, or gone"),
    "sunset-put-off": Rule("harmless", None, "`x-sunset` is later, or said for the first time"),
    # Nothing changes on the wire, but generated clients name their methods by it.
    "operation-id-changed": Rule("dangerous", None, "the operation has another name"),
    "parameter-added": Rule("addition", None, "an optional parameter was added"),
    "required-parameter-added": Rule("breaking", None, "a required parameter was added"),
    # No specification says that undeclared parameters are refused.
    "parameter-removed": Rule("dangerous", None, "a parameter is gone"),
    "parameter-removed-after-sunset": Rule("harmless", None, "after its `x-sunset`"),
    "parameter-removed-too-early": Rule("breaking", None, "before its `x-sunset`"),
    "parameter-moved": Rule("breaking", None, "a parameter is sent elsewhere"),
    "parameter-required": Rule("breaking", None, "a parameter is required now"),
    "parameter-optional": Rule("addition", None, "a parameter is no longer required"),
    "parameter-renamed": Rule("harmless", None, "a path parameter has another name"),
    "parameter-serialized-differently": Rule("breaking", None, "`style`, `explode` or `content`"),
    "parameter-takes-several": Rule("addition", None, "one value became a list of such values"),
    "parameter-deprecated": Rule("addition", None, "it is marked as deprecated"),
    "parameter-reactivated": Rule("harmless", None, "it is no longer deprecated"),
    "body-added": Rule("addition", "addition", "an optional body was added"),
    "required-body-added": Rule("breaking", "addition", "a required body was added"),
    "body-removed": Rule("breaking", "breaking", "the body is gone"),
    "body-required": Rule("breaking", "harmless", "the body is required now"),
    "body-optional": Rule("addition", "breaking", "the body is no longer required"),
    "media-type-added": Rule("addition", "addition", "one more media type"),
    "media-type-removed": Rule("breaking", "breaking", "a media type is gone"),
    "media-type-widened": Rule("addition", "breaking", "a range stands for the media type"),
    "media-type-narrowed": Rule("breaking", "harmless", "media types stand for the range"),
    "part-encoding-changed": Rule("dangerous", "dangerous", "`encoding` of a part"),
    # A client that only knows the other statuses of success takes this one for a failure.
    "success-status-added": Rule("addition", "dangerous", "one more status of success"),
    "success-status-removed": Rule("breaking", "breaking", "a status of success is gone"),
    "error-status-added": Rule("addition", "addition", "one more status of an error"),
    "error-status-removed": Rule("dangerous", "harmless", "a status of an error is gone"),
    "header-added": Rule("harmless", "addition", "a header was added"),
    "header-removed": Rule("dangerous", "dangerous", "an optional header is gone"),
    "required-header-removed": Rule("harmless", "breaking", "a header that always came is gone"),
    "header-optional": Rule("addition", "breaking", "a header may be absent now"),
    "header-required": Rule("breaking", "harmless", "a header always comes now"),
    "security-tightened": Rule("breaking", None, "credentials that did no longer do"),
    "security-loosened": Rule("addition", None, "other or fewer credentials do as well"),
    "scope-added": Rule("breaking", None, "OAuth or OpenID Connect asks for one more scope"),
    "scope-removed": Rule("addition", None, "OAuth or OpenID Connect asks for one scope less"),
    # Whether all of the roles are needed or any one of them is the service's to say.
    "roles-changed": Rule("dangerous", None, "other roles are named under another scheme"),
    "security-scheme-changed": Rule("breaking", None, "credentials are sent in another way"),
    "webhook-added": Rule(None, "addition", "a webhook or callback was added"),
    "webhook-removed": Rule(None, "breaking", "a webhook or callback is no longer sent"),
    "server-removed": Rule("dangerous", None, "a server is no longer listed"),
    "server-added": Rule("addition", None, "one more server is listed"),
}
RULES: dict[str, Rule] = _SCHEMAS | _OPERATIONS
