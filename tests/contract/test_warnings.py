"""Our own contract has nothing that the generator would warn of: each warning is of a mistake."""

from codegen.diagnostics import Findings
from codegen.render import load
from tests.support.contract import ROOT


def test_contract_gives_no_warning() -> None:
    findings = Findings()
    load(ROOT / "openapi.yaml", "openapi.yaml", findings)
    assert findings.warnings == []
