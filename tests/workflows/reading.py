"""The workflow files as documents: those that adopters copy, and those of this repository alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.toy_project import ROOT

GITHUB = ROOT / ".github"
OWN = ("ci", "daily", "release")
"""Workflows for the code of this repository, which no adopter copies: `test_own_workflows`."""
FILES = sorted(p for p in (GITHUB / "workflows").glob("*.yml") if p.stem not in OWN)
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
NAMES = [path.stem for path in FILES]


@dataclass(frozen=True)
class Job:
    """A job of a workflow; `at` is `alert/receive`."""

    at: str
    body: dict[str, Any]

    @property
    def calls(self) -> str | None:
        """The workflow it calls, where it does."""
        return self.body.get("uses")

    @property
    def steps(self) -> list[dict[str, Any]]:
        return self.body.get("steps", [])

    @property
    def scripts(self) -> list[str]:
        return [step["run"] for step in self.steps if "run" in step]

    @property
    def commands(self) -> set[str]:
        """Our commands that it runs, by their first words: `ci receive`, `promote`, ..."""
        found = re.findall(r"retouch ([a-z-]+(?: [a-z-]+)?)(?= |$)", "\n".join(self.scripts))
        return {_command(words) for words in found}

    @property
    def writes(self) -> set[str]:
        """What its token may write."""
        return {what for what, level in self.body["permissions"].items() if level == "write"}

    def using(self, action: str) -> list[dict[str, Any]]:
        """Return the steps that use an action: `actions/checkout`."""
        return [step for step in self.steps if step.get("uses", "").split("@")[0] == action]


def read(path: Path) -> dict[str, Any]:
    """Return a workflow; its triggers are under `on`, which YAML takes for a truth value."""
    document = yaml.safe_load(path.read_text())
    return {"on" if key is True else key: value for key, value in document.items()}


def workflow(name: str) -> dict[str, Any]:
    return read(GITHUB / "workflows" / f"{name}.yml")


def job(at: str) -> Job:
    name, _, which = at.partition("/")
    return Job(at, workflow(name)["jobs"][which])


def jobs() -> Iterator[Job]:
    """Yield every job of every workflow that adopters copy."""
    for name in NAMES:
        for which, body in workflow(name)["jobs"].items():
            yield Job(f"{name}/{which}", body)


def _command(words: str) -> str:
    first, _, second = words.partition(" ")
    return words if first in ("ci", "canary", "policy", "store") and second else first
