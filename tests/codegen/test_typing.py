"""What mypy says of generated code, and of handlers that don't fit their contract."""

import shutil
import subprocess
import sys
from pathlib import Path

from codegen.run import generate

from .conftest import GALLERY, HERE, LIBRARY, ROOT

CONFIGURATION = """
[tool.mypy]
strict = true
enable_error_code = ["explicit-override"]
[[tool.mypy.overrides]]
module = ["connexion.*"]
ignore_missing_imports = true
"""

HANDLERS = """
from library.routes.opening_hours import GetOpeningHours200, OpeningHoursHandlers
from typing_extensions import override


class Missing(OpeningHoursHandlers[str]):
    pass


class Wrong(OpeningHoursHandlers[str]):
    @override
    def get_opening_hours(self, context: str, /, *, day: str) -> GetOpeningHours200:
        return GetOpeningHours200({})


class LeftOver(OpeningHoursHandlers[str]):
    @override
    def get_opening_hours(self, context: str, /) -> GetOpeningHours200:
        return GetOpeningHours200({"monday": "always"})

    @override
    def get_closing_hours(self, context: str, /) -> GetOpeningHours200:
        return GetOpeningHours200({})


class Unmarked(OpeningHoursHandlers[str]):
    def get_opening_hours(self, context: str, /) -> GetOpeningHours200:
        return GetOpeningHours200({})


Missing()
"""


def mypy(folder: Path, *targets: str) -> subprocess.CompletedProcess[str]:
    (folder / "pyproject.toml").write_text(CONFIGURATION)
    return subprocess.run(
        [sys.executable, "-m", "mypy", *targets],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_generated_package_and_a_service_of_it_are_clean_under_strict_mypy(library: Path) -> None:
    shutil.copy(LIBRARY / "service.py", library / "service.py")
    done = mypy(library, "library", "service.py")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_forms_odd_names_no_operation_and_a_public_contract_of_3_0_give_clean_code_too(
    library: Path, gallery: Path
) -> None:
    generate(HERE / "contracts" / "petstore-expanded.json", library / "petstore", full=True)
    generate(HERE / "cases" / "odd_names" / "openapi.yaml", library / "odd_names", full=True)
    (library / "empty.yaml").write_text(
        "{openapi: 3.1.0, info: {title: A, version: '1'}, paths: {}}"
    )
    generate(library / "empty.yaml", library / "empty", full=True)
    # Of a union of literals mypy takes no adapter where it could be None as well.
    (library / "voting.yaml").write_text(
        "{openapi: 3.1.0, info: {title: A, version: '1'}, paths: {/votes: {post: {operationId: vote"
        ", requestBody: {content: {application/json: {schema: {enum: ['yes', 'no']}}}}"
        ", responses: {'204': {description: Counted}}}}}}"
    )
    generate(library / "voting.yaml", library / "voting", full=True)
    shutil.copytree(gallery / "gallery", library / "gallery")
    shutil.copy(GALLERY / "service.py", library / "gallery_service.py")
    packages = ("petstore", "odd_names", "empty", "voting", "gallery")
    done = mypy(library, *packages, "gallery_service.py")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_mypy_names_missing_wrong_left_over_and_unmarked_handlers(library: Path) -> None:
    (library / "handlers.py").write_text(HANDLERS)
    said = mypy(library, "handlers.py").stdout
    assert 'Cannot instantiate abstract class "Missing"' in said
    assert 'abstract attribute "get_opening_hours"' in said
    assert 'Signature of "get_opening_hours" incompatible with supertype' in said
    assert '"get_closing_hours" is marked as an override, but no base method' in said
    assert 'Method "get_opening_hours" is not using @override' in said
    assert 'Dict entry 0 has incompatible type "str": "str"' in said


def test_generated_package_is_clean_under_ruff(library: Path) -> None:
    for step in (["check"], ["format", "--check", "--line-length=100"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *step, "--isolated", "--no-cache", "library"],
            cwd=library,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout


def test_generated_package_needs_no_generator_and_may_have_any_name(library: Path) -> None:
    shutil.copytree(library / "library", library / "elsewhere" / "renamed")
    program = (
        "import sys, renamed.routes, renamed.runtime.application; "
        "sys.exit(any(name.partition('.')[0] == 'codegen' for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=library,
        env={"PYTHONPATH": str(library / "elsewhere")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert str(ROOT) not in done.stderr
