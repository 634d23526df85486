"""Writes `models/`: pydantic models of the schemas, and what all of them have in common.

Every schema comes in under the name its type is to have; that each came out so is checked.
"""

from .cache import Cache
from .contract import Contract
from .diagnostics import Findings
from .emitted import Emitted
from .model_fields import lost_members
from .model_statements import Statement
from .model_text import ModelsNotMadeError, models_module
from .python_text import module
from .told_apart import untold_variants

_MOST_NAMES = 5
_MOST_TEXT = 300
_BASE_MODEL = '''
class ContractModel(BaseModel):
    """An optional field that is None is left out of the JSON: there, absent and null differ.

    Where the contract admits null, one that was set to None is null.
    """

    _optional: ClassVar[Mapping[str, str | None]] = {}

    @classmethod
    @override
    def __pydantic_on_complete__(cls) -> None:
        cls._optional = {
            key: name if _may_be_null(field) else None
            for name, field in cls.model_fields.items()
            if not field.is_required()
            for key in (name, name if field.alias is None else field.alias)
        }

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        optional, given = self._optional, self.model_fields_set
        return {
            key: value
            for key, value in handler(self).items()
            if value is not None or key not in optional or optional[key] in given
        }


def _may_be_null(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, Mapping) and extra.get("x-may-be-null") is True
'''


def emit_models(contract: Contract, findings: Findings, cache: Cache) -> dict[str, Emitted]:
    if not contract.models:
        text = "Models of the contract's schemas; it has none."
        return {"models/__init__.py": module(contract.name, text, (), "")}
    models, version = contract.models, contract.schema_version
    try:
        parts, statements = models_module(models, version, contract.name, cache)
    except ModelsNotMadeError as error:
        _tell_not_made(contract, findings, error)
        return {}
    defined = {each.name for each in statements}
    for name in models:
        if name not in defined:
            hint = "rename the schema"
            message = f"datamodel-code-generator made no type {name} of its schema"
            findings.add(contract.place_of_model(name), "CG080", message, hint)
    for name, keys in lost_members(models, statements).items():
        message = f"datamodel-code-generator made {name} without {', '.join(keys)}"
        hint = "list all of its members under `properties` of this schema, in place of its `allOf`"
        findings.add(contract.place_of_model(name), "CG080", message, hint)
    for name, (variant, field) in untold_variants(statements).items():
        message = (
            f"models can't choose {variant} by a discriminator: its field {field} hasn't just the "
            "values that stand for it"
        )
        hint = "let that property be a text that can't be null, or leave the `discriminator` out"
        findings.add(
            contract.place_of_model(_model_of(name, contract, statements)), "CG080", message, hint
        )
    return {"models/__init__.py": parts, "models/contract_model.py": _base(contract)}


def _model_of(name: str, contract: Contract, statements: list[Statement]) -> str:
    """The model that a statement is of: itself, or one that it stands in."""
    if name in contract.models:
        return name
    around = [each.name for each in statements if name in (*each.needs, *each.mentions)]
    return next((each for each in around if each in contract.models), next(iter(contract.models)))


def _tell_not_made(contract: Contract, findings: Findings, error: ModelsNotMadeError) -> None:
    """At the first of the schemas, which are made together, so that any may be what it is about."""
    names = ", ".join(error.names[:_MOST_NAMES])
    more = len(error.names) - _MOST_NAMES
    names += f" and {more} more" if more > 0 else ""
    message = f"datamodel-code-generator makes nothing of {names}: {error.reason[:_MOST_TEXT]}"
    hint = "write these schemas more simply, such as without an `allOf` that leads back to itself"
    findings.add(contract.place_of_model(error.names[0]), "CG080", message, hint)


def _base(contract: Contract) -> str:
    imports = {
        ("collections.abc", "Mapping"),
        ("pydantic.fields", "FieldInfo"),
        ("typing", "Any"),
        ("typing", "ClassVar"),
        ("pydantic", "BaseModel"),
        ("pydantic", "SerializerFunctionWrapHandler"),
        ("pydantic", "model_serializer"),
        ("typing_extensions", "override"),
    }
    text = "What all models have in common: how they become JSON."
    return module(contract.name, text, imports, _BASE_MODEL)
