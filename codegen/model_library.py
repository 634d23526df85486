"""Calls datamodel-code-generator, as a library, on schemas that are complete in themselves."""

import warnings
from collections.abc import Container, Mapping
from typing import Any

from .model_schemas import FILE_MODULE, MAY_BE_NULL

_BASE_MODULE = "contract_model_of_this_package"
_BASE_PATH = f"{_BASE_MODULE}.ContractModel"
# By their JSON type the formats that have no type of their own here: what the library makes of them
# changes what came (a password becomes asterisks, a year 365 days), refuses what the contract
# admits (bytes in Base64 that aren't UTF-8), is no JSON of that type, or needs another library.
_NO_TYPES = {
    "string": (
        "byte", "date-time-local", "decimal", "duration", "email", "hostname", "idn-email",
        "idn-hostname", "integer", "ipv4", "ipv4-network", "ipv6", "ipv6-network", "password",
        "path", "time", "time-local", "timestamp with time zone", "ulid", "unixtime", "uri",
        "uuid1", "uuid2", "uuid3", "uuid4", "uuid5",
    ),
    "number": ("date-time", "decimal", "time", "time-delta", "unixtime"),
    "integer": ("date-time",),
}  # fmt: skip
# Types in annotations, which a field of such a name would hide from those beside it.
_NO_FIELDS = {name: f"{name}_" for name in ("bool", "bytes", "dict", "float", "int", "list", "str")}


class LibraryError(Exception):
    """The library ends in an error of its own, which the message tells."""


def generate_module(
    schemas: Mapping[str, Any], schema_version: str, extended: Container[str] = ()
) -> str:
    """A module with a type for each schema, under its name; not laid out.

    `schema_version` is "3.0" or "3.1". References lead to `#/components/schemas/<name>`.
    `extended` are those that others extend, which need not be among `schemas`. Raises LibraryError.
    """
    # Loading the library takes longer than all the rest of a run that has nothing to do.
    from datamodel_code_generator import generate
    from datamodel_code_generator.enums import DataModelType, InputFileType, NamingStrategy
    from datamodel_code_generator.format import DatetimeClassType, PythonVersion
    from datamodel_code_generator.parser import LiteralType

    document = {
        "openapi": "3.0.3" if schema_version == "3.0" else "3.1.0",
        "info": {"title": "", "version": "1"},
        "paths": {},
        "components": {"schemas": dict(schemas)},
    }
    try:
        with warnings.catch_warnings():
            # It warns of constraints that pydantic can't check; the contract checks requests.
            warnings.simplefilter("ignore", UserWarning)
            text = generate(
                document,
                input_file_type=InputFileType.OpenAPI,
                output_model_type=DataModelType.PydanticV2BaseModel,
                target_python_version=PythonVersion.PY_311,
                disable_timestamp=True,
                formatters=[],
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
                aliases=_NO_FIELDS,
                type_mappings=[
                    f"{kind}+{name}={kind}" for kind, names in _NO_TYPES.items() for name in names
                ],
                base_class=_BASE_PATH,
                base_class_map=dict.fromkeys(
                    _without_optional(schemas, extended), "pydantic.BaseModel"
                ),
                naming_strategy=NamingStrategy.ParentPrefixed,
            )
    except Exception as error:
        # Whatever it is: of the contract, whose place can be told, it is a part that it can't take.
        raise LibraryError(f"{type(error).__name__}: {error}") from error
    if not isinstance(text, str):
        raise AssertionError("one module was asked of datamodel-code-generator")
    # Of this one place it says so even where standard collections were asked for.
    text = text.replace("'__pydantic_extra__': Dict[", "'__pydantic_extra__': dict[")
    # The library takes no relative path of a class, and the package has no fixed name.
    text = text.replace(f"from {_BASE_MODULE} import ", "from .contract_model import ")
    return text.replace(f"from {FILE_MODULE} import ", "from ..runtime.file_part import ")


def _without_optional(schemas: Mapping[str, Any], extended: Container[str]) -> list[str]:
    """Models that can't have an absent field, so need not look for any when they become JSON.

    One that others extend is none of them: these may have such fields, and become JSON as it does.
    """
    return [
        name
        for name, schema in schemas.items()
        if isinstance(schema, dict)
        and name not in extended
        and "properties" in schema
        and not {"allOf", "anyOf", "oneOf", "$ref"} & set(schema)
        and set(schema["properties"]) <= set(schema.get("required", ()))
    ]
