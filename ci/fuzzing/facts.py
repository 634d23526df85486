"""What one role's run is told by the process that started it, through its environment."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

VARIABLE: Final = "FUZZ_FACTS"


@dataclass(frozen=True, slots=True)
class Facts:
    """Whom the run calls as, and what it knows of the data.

    `own` and `neighbours` hold values by parameter name: of the run's tenant; of another tenant,
    each with a stand-in of the same shape that nobody has. `hidden` are strings no answer may hold:
    the neighbour's name, ids and marks, and every key. Whatever begins with `canary` was sent and
    may stand in no error and no log. `folder` takes what the run counted. `links` are tokens that
    work, by the tenant's report or export that they lead to.
    """

    role: str
    own: Mapping[str, list[str]]
    neighbours: Mapping[str, Mapping[str, str]]
    hidden: list[str]
    canary: str
    folder: str
    links: Mapping[str, str] = field(default_factory=dict)

    def as_environment(self) -> dict[str, str]:
        return {VARIABLE: json.dumps(asdict(self))}

    def path(self, name: str) -> Path:
        return Path(self.folder) / name


@cache
def facts() -> Facts:
    return Facts(**json.loads(os.environ[VARIABLE]))
