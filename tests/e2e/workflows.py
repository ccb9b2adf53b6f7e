"""The workflow files: what starts each, which actions they use, what act cannot read of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from retouch.jobs.doctor.github import SHIPPED
from tests.toy_project import ROOT

FOLDER = ROOT / ".github/workflows"
STUBS = ROOT / "tests/actions"
_PIN = re.compile(r"uses: (actions/([\w-]+)@[0-9a-f]{40})\b")


def read_workflow(path: Path) -> dict[str, Any]:
    """Return a workflow; its triggers are under `on`, which YAML takes for a truth value."""
    return _with_text_keys(yaml.safe_load(path.read_text()))


def for_act(name: str, text: str) -> str:
    """Return a workflow as act can run it, each job with a token of its own.

    act refuses to parse `queue` and `deployment`, which it would ignore anyway. It gives all jobs
    the same token, with which nobody could see whether a job's permissions are enough.
    """
    document = _with_text_keys(yaml.safe_load(text))
    for job, body in document["jobs"].items():
        for step in body.get("steps", ()):
            env = step.get("env", {})
            if "GITHUB_TOKEN" in env:
                token = f"'{token_of(name, job)}'"
                env["GITHUB_TOKEN"] = env["GITHUB_TOKEN"].replace("github.token", token)
        _forget(body)
    _forget(document)
    return yaml.safe_dump(document, sort_keys=False).replace("uses: $/", "uses: ./")


def token_of(name: str, job: str) -> str:
    """Return the token that a job of a workflow is given."""
    return f"ghs_{name}_{job}"


def permissions_of(token: str) -> dict[str, str] | None:
    """Return what the token of a job may do, as the fake GitHub names it; None: of no job."""
    name, _, job = token.removeprefix("ghs_").partition("_")
    if not (FOLDER / f"{name}.yml").is_file():
        return None
    given = read_workflow(FOLDER / f"{name}.yml")["jobs"][job]["permissions"]
    return {"metadata": "read"} | {k.replace("-", "_"): level for k, level in given.items()}


def _forget(part: dict[str, Any]) -> None:
    part.get("concurrency", {}).pop("queue", None)
    if isinstance(part.get("environment"), dict):
        part["environment"].pop("deployment", None)


def _with_text_keys(document: dict[Any, Any]) -> dict[str, Any]:
    return {"on" if key is True else key: value for key, value in document.items()}


def workflow_files() -> list[Path]:
    """Return the workflows of the loop; those that test and publish Retouch itself are others."""
    return [FOLDER / f"{name}.yml" for name in sorted(SHIPPED)]


def stubs() -> dict[str, Path]:
    """Return what stands for each action that is used, by its name with the commit."""
    found = {}
    for path in (*workflow_files(), *FOLDER.parent.glob("actions/*/action.yml")):
        for pin, name in _PIN.findall(path.read_text()):
            assert (STUBS / name / "action.yml").is_file(), f"tests/actions has no {name}"
            found[pin] = STUBS / name
    return found


def starts(
    workflow: Mapping[str, Any], event: str, payload: Mapping[str, Any], changed: Collection[str]
) -> bool:
    """Tell whether GitHub starts a workflow: act looks at no types, branches and paths."""
    triggers = workflow["on"]
    if event not in triggers:
        return False
    wanted = triggers[event] or {}
    if isinstance(wanted, list):  # of a schedule
        return True
    if "types" in wanted and payload.get("action") not in wanted["types"]:
        return False
    branch = payload.get("ref", "").removeprefix("refs/heads/")
    if event == "pull_request":
        branch = payload["pull_request"]["base"]["ref"]
    if "branches" in wanted and branch not in wanted["branches"]:
        return False
    if ignored := wanted.get("branches-ignore"):
        if branch.startswith("refs/tags/"):
            return False
        if any(_pattern(glob).fullmatch(branch) for glob in ignored):
            return False
    patterns = [_pattern(path) for path in wanted.get("paths", ())]
    return not patterns or any(p.fullmatch(path) for p in patterns for path in changed)


def _pattern(glob: str) -> re.Pattern[str]:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    split = re.split(r"(\*\*/|\*\*|\*)", glob)
    return re.compile("".join(parts.get(part, re.escape(part)) for part in split))
