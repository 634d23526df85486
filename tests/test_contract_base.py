"""The comparison with the contract before, as a job on GitHub makes it: checked out, then compared.

The job's clone is made by the commands that its checkout step runs, from a bare repository; which
revision the job names is read from the workflow.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
NOTHING = "0" * 40
CONTRACT = """\
openapi: 3.1.0
info: {{title: Pets, version: 1.0.0}}
paths:
  /pets:
    get:
      operationId: list_pets
      parameters: [{{name: limit, in: query, schema: {{type: integer, maximum: {maximum}}}}}]
      responses: {{'200': {{description: Pets.}}}}
"""
BREAKS = "limit-tightened"


def workflow() -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yaml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def contract_base(event: Mapping[str, str]) -> str:
    """What the workflow makes of an event: the first field of its expression that there is."""
    steps = workflow()["jobs"]["ci"]["steps"]
    [written] = [step["env"]["CONTRACT_BASE"] for step in steps if "env" in step]
    match = re.fullmatch(r"\$\{\{ (.+) \}\}", written)
    assert match
    fields = [name.removeprefix("github.event.") for name in match[1].split(" || ")]
    assert set(event) <= set(fields)
    return next((event[field] for field in fields if event.get(field)), "")


@dataclass
class Hosted:
    """A repository on a server, and the folder where its author works."""

    remote: Path
    work: Path
    jobs: Path

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        done = subprocess.run(
            ["git", "-C", str(self.work), *identity, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, maximum: int) -> str:
        (self.work / "openapi.yaml").write_text(CONTRACT.format(maximum=maximum))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", f"at most {maximum}")
        return self.git("rev-parse", "HEAD")

    def job(self, ref: str, base: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`ci/breaking` and both its outputs, in a clone as actions/checkout makes it of one ref.

        With `fetch-depth: 0` that has every branch and its history.
        """
        steps = workflow()["jobs"]["ci"]["steps"]
        [depth] = [step["with"]["fetch-depth"] for step in steps if "with" in step]
        assert depth == 0
        clone = self.jobs / str(len(list(self.jobs.iterdir())))
        clone.mkdir()
        local = ref.replace("refs/pull/", "refs/remotes/pull/").replace("refs/heads/", "origin/")
        everything = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
        pulls = [f"+{ref}:{local}"] if ref.startswith("refs/pull/") else []
        for command in (
            ["init", "--quiet", "."],
            ["remote", "add", "origin", str(self.remote)],
            ["fetch", "--quiet", "--prune", "origin", *everything, *pulls],
            ["checkout", "--quiet", "--force", "--detach", local],
        ):
            subprocess.run(["git", *command], cwd=clone, check=True, capture_output=True)
        return subprocess.run(
            ["ci/breaking"],
            cwd=clone,
            env={
                "PATH": os.environ["PATH"],
                "BIN": str(Path(sys.executable).parent),
                "CONTRACT_BASE": base,
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture
def hosted(tmp_path: Path) -> Hosted:
    """`main` at a contract with the limit 100, pushed."""
    found = Hosted(tmp_path / "remote.git", tmp_path / "work", tmp_path / "jobs")
    found.jobs.mkdir()
    (found.work / "ci").mkdir(parents=True)
    (found.work / "ci" / "breaking").write_bytes((ROOT / "ci" / "breaking").read_bytes())
    (found.work / "ci" / "breaking").chmod(0o755)
    (found.work / "pyproject.toml").write_text(
        '[tool.codegen]\nspec = "openapi.yaml"\nout = "api"\n'
    )
    subprocess.run(["git", "init", "--quiet", "--bare", str(found.remote)], check=True)
    found.git("init", "--quiet", "--initial-branch", "main")
    found.git("remote", "add", "origin", str(found.remote))
    found.commit(100)
    found.git("push", "--quiet", "origin", "main")
    return found


def pull_request(hosted: Hosted) -> str:
    """The base of a pull request that tightens the limit, while main has moved on."""
    hosted.git("checkout", "--quiet", "-b", "tighter")
    hosted.commit(50)
    hosted.git("checkout", "--quiet", "main")
    hosted.git("commit", "--quiet", "--allow-empty", "--message", "meanwhile")
    base = hosted.git("rev-parse", "HEAD")
    hosted.git("merge", "--quiet", "--no-ff", "--message", "merge", "tighter")
    hosted.git("push", "--quiet", "origin", f"{base}:main", "HEAD:refs/pull/1/merge")
    return base


def test_pull_request_is_compared_with_its_base(hosted: Hosted) -> None:
    base = pull_request(hosted)
    done = hosted.job("refs/pull/1/merge", contract_base({"pull_request.base.sha": base}))
    assert (done.returncode, BREAKS in done.stdout) == (5, True), done.stdout


def test_push_is_compared_with_what_was_there_before_all_its_commits(hosted: Hosted) -> None:
    before = hosted.git("rev-parse", "HEAD")
    for maximum in (50, 40, 40):
        hosted.commit(maximum)
    hosted.git("push", "--quiet", "origin", "main")
    done = hosted.job("refs/heads/main", contract_base({"before": before}))
    assert (done.returncode, BREAKS in done.stdout) == (5, True), done.stdout
    assert "100" in done.stdout


@pytest.mark.parametrize("before", [NOTHING, "1" * 40])
def test_push_whose_before_is_not_there_is_compared_with_the_commit_before(
    hosted: Hosted, before: str
) -> None:
    """The first push of a branch names no commit; a forced one a commit that is gone."""
    hosted.commit(50)
    hosted.git("push", "--quiet", "origin", "main")
    done = hosted.job("refs/heads/main", contract_base({"before": before}))
    assert (done.returncode, BREAKS in done.stdout) == (5, True), done.stdout
    assert "openapi.yaml against HEAD^" in done.stdout


def test_unchanged_contract_ends_with_0(hosted: Hosted) -> None:
    before = hosted.git("rev-parse", "HEAD")
    hosted.commit(100)
    hosted.git("push", "--quiet", "origin", "main")
    done = hosted.job("refs/heads/main", contract_base({"before": before}))
    assert done.returncode == 0, done.stdout
    assert "NOT COMPARED" not in done.stdout


def test_clone_that_another_user_owns_is_compared_too(hosted: Hosted) -> None:
    """In a container the job is root, and the clone is the runner's."""
    base = pull_request(hosted)
    event = contract_base({"pull_request.base.sha": base})
    done = hosted.job("refs/pull/1/merge", event, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert (done.returncode, BREAKS in done.stdout) == (5, True), done.stdout
