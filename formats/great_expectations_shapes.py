"""Where Great Expectations' versions keep what they found, and how to recognise them.

A validation result may stand alone, in a checkpoint's result of 0.x or 1.x, or in the description
that 1.x makes of either. Judges nothing: that is `formats.great_expectations`.
"""

from typing import cast

from formats.errors import TranslationError
from formats.json_input import JsonObject, object_at, required_objects, text_at


def validations_of(root: JsonObject) -> list[tuple[JsonObject, str]]:
    """Return the validation results and where each is, the keys of `run_results` left out."""
    if "run_results" in root:
        held = root["run_results"]
        if not isinstance(held, dict):
            raise TranslationError("`run_results` must be an object.", pointer="/run_results")
        found = [_unwrapped(value) for value in held.values()]
        if not all(isinstance(validation, dict) for validation in found):
            raise TranslationError(
                "Every member of `run_results` must hold a validation result.",
                pointer="/run_results",
            )
        return [(cast(JsonObject, validation), "/run_results") for validation in found]
    if "validation_results" in root:
        described = required_objects(root, "validation_results", "")
        return [(item, f"/validation_results/{n}") for n, item in enumerate(described)]
    return [(root, "")]


def _unwrapped(held: object) -> object:
    """Return a validation result of `run_results`: 0.x keeps it beside its actions' results."""
    if isinstance(held, dict) and isinstance(held.get("validation_result"), dict):
        return held["validation_result"]
    return held


def results_key(validation: JsonObject) -> str:
    """Return where the results are: a description by 1.x calls them expectations."""
    return (
        "expectations"
        if "results" not in validation and "expectations" in validation
        else "results"
    )


def results_of(validation: JsonObject, pointer: str) -> list[JsonObject]:
    return required_objects(validation, results_key(validation), pointer)


def holds_validations(root: JsonObject) -> bool:
    """Tell whether `root` is a validation result, or a checkpoint's result of some."""
    if isinstance(root.get("run_results"), dict):
        held = [_unwrapped(value) for value in object_at(root, "run_results").values()]
        return bool(held) and all(map(_is_validation, held))
    if isinstance(root.get("validation_results"), list):
        described = cast(list[object], root["validation_results"])
        return bool(described) and all(map(_is_validation, described))
    return _is_validation(root)


def _is_validation(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    validation = cast(JsonObject, value)
    results = validation.get(results_key(validation))
    if not isinstance(results, list) or not isinstance(validation.get("success", ""), bool | None):
        return False
    if text_at(object_at(validation, "meta"), "great_expectations_version"):
        return True
    return bool(results) and all(_is_result(result) for result in results)


def _is_result(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    configuration = object_at(value, "expectation_config") or value
    kind = text_at(configuration, "type") or text_at(configuration, "expectation_type")
    return kind.startswith("expect_") and "success" in value


def table_of(validation: JsonObject, number: int) -> str:
    meta = object_at(validation, "meta")
    return (
        text_at(object_at(meta, "active_batch_definition"), "data_asset_name")
        or text_at(meta, "data_asset_name")
        or text_at(object_at(meta, "batch_kwargs"), "data_asset_name")
        or text_at(validation, "suite_name")
        or text_at(meta, "expectation_suite_name")
        or (f"(table {number + 1})" if number else "(table)")
    )
