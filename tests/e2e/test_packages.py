"""Our packages lie at the top level, so nobody else's may have their names."""

import importlib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.e2e.service_process import ROOT

OURS = ("codegen", "generated", "handlers", "db", "policies", "formats", "service")


@pytest.mark.parametrize("name", OURS)
def test_no_other_installed_distribution_provides_one_of_our_packages(name: str) -> None:
    own = "contract-codegen" if name == "codegen" else "collector"
    assert set(packages_distributions().get(name, [own])) == {own}


@pytest.mark.parametrize("name", OURS)
def test_what_is_imported_under_our_names_is_this_tree(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__).resolve().is_relative_to(ROOT)
