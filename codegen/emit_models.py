"""Writes `models/`: pydantic models of the schemas, by datamodel-code-generator as a library.

Every schema comes in under the name its type is to have; that each came out so is checked.
"""

import ast
import warnings

from .contract import Contract
from .diagnostics import Findings, Place
from .model_schemas import FILE_MODULE, MAY_BE_NULL
from .python_text import header, module
from .runtime.document import objects

_BASE_MODULE = "contract_model_of_this_package"
_BASE_PATH = f"{_BASE_MODULE}.ContractModel"
# Text to us: the types for these change what came, or refuse what the contract admits, and one
# needs a library of its own.
_TEXTS = ("email", "idn-email", "uri", "hostname", "idn-hostname")
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
            for key in (name, field.alias or name)
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


def emit_models(contract: Contract, findings: Findings) -> dict[str, str]:
    if not contract.models:
        text = "Models of the contract's schemas; it has none."
        return {"models/__init__.py": module(contract.name, text, (), "")}
    text = _generate(contract)
    defined = _defined_names(text)
    for name in contract.models:
        if name not in defined:
            hint = "rename the schema"
            message = f"datamodel-code-generator made no type {name} of its schema"
            findings.add(Place(contract.name), "CG080", message, hint)
    return {"models/__init__.py": text, "models/contract_model.py": _base(contract)}


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


def _generate(contract: Contract) -> str:
    # Loading the library takes longer than all the rest of a run that has nothing to do.
    from datamodel_code_generator import generate
    from datamodel_code_generator.enums import DataModelType, InputFileType, NamingStrategy
    from datamodel_code_generator.format import DatetimeClassType, Formatter, PythonVersion
    from datamodel_code_generator.parser import LiteralType

    document = {
        "openapi": "3.0.3" if contract.schema_version == "3.0" else "3.1.0",
        "info": {"title": contract.title, "version": "1"},
        "paths": {},
        "components": {"schemas": dict(contract.models)},
    }
    with warnings.catch_warnings():
        # It warns of constraints that pydantic can't check; requests are checked by the contract.
        warnings.simplefilter("ignore", UserWarning)
        text = generate(
            document,
            input_file_type=InputFileType.OpenAPI,
            output_model_type=DataModelType.PydanticV2BaseModel,
            target_python_version=PythonVersion.PY_311,
            custom_file_header=header(contract.name)
            + '\n\n"""Models of the contract\'s schemas, under their names there."""',
            disable_timestamp=True,
            formatters=[Formatter.BUILTIN],
            use_annotated=True,
            field_constraints=True,
            enum_field_as_literal=LiteralType.All,
            use_union_operator=True,
            use_standard_collections=True,
            use_schema_description=True,
            use_field_description=True,
            use_single_line_docstring=True,
            use_type_alias=True,
            snake_case_field=True,
            allow_population_by_field_name=True,
            output_datetime_class=DatetimeClassType.Awaredatetime,
            treat_dot_as_module=False,
            field_extra_keys={MAY_BE_NULL},
            type_mappings=[f"string+{name}=string" for name in _TEXTS],
            base_class=_BASE_PATH,
            base_class_map=dict.fromkeys(_without_optional(contract), "pydantic.BaseModel"),
            naming_strategy=NamingStrategy.ParentPrefixed,
        )
    if not isinstance(text, str):
        raise AssertionError("one module was asked of datamodel-code-generator")
    # The library takes no relative path of a class, and the package has no fixed name.
    text = text.replace(f"from {_BASE_MODULE} import ", "from .contract_model import ")
    text = text.replace(f"from {FILE_MODULE} import ", "from ..runtime.file_part import ")
    return _with_overrides_allowed(text) if _overrides_fields(text) else text


def _with_overrides_allowed(text: str) -> str:
    """JSON Schema lets the parts of an `allOf` disagree; classes that inherit from both may not."""
    first, rest = text.split("\n", 1)
    return f'{first}\n# mypy: disable-error-code="assignment, misc"\n{rest}'


def _overrides_fields(text: str) -> bool:
    """Whether a class has a field of its ancestors once more, or two bases that have the same."""
    fields: dict[str, set[str]] = {}
    for statement in ast.parse(text).body:
        if not isinstance(statement, ast.ClassDef):
            continue
        own = [each.target for each in statement.body if isinstance(each, ast.AnnAssign)]
        named = [ast.unparse(target) for target in own]
        inherited = [name for base in statement.bases for name in fields.get(ast.unparse(base), ())]
        every = [*named, *inherited]
        if len(every) > len(set(every)):
            return True
        fields[statement.name] = set(every)
    return False


def _without_optional(contract: Contract) -> list[str]:
    """Models that can't have an absent field, so need not look for any when they become JSON.

    One that others extend is none of them: these may have such fields, and become JSON as it does.
    """
    extended = {
        part["$ref"].rpartition("/")[2]
        for node in objects(dict(contract.models))
        for part in node.get("allOf", ())
        if isinstance(part, dict) and isinstance(part.get("$ref"), str)
    }
    return [
        name
        for name, schema in contract.models.items()
        if isinstance(schema, dict)
        and name not in extended
        and "properties" in schema
        and not {"allOf", "anyOf", "oneOf", "$ref"} & set(schema)
        and set(schema["properties"]) <= set(schema.get("required", ()))
    ]


def _defined_names(text: str) -> set[str]:
    names = set()
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.ClassDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Assign):
            names |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names.add(statement.target.id)
    return names
