"""What a story comes to, without what no two runs share: ids, times, measured costs.

Compared are: the files of each branch (of reports and receipts their names, as they hold times and
costs) and the first line of its newest commit's message; tags with the first line of their commit's
message; pull requests and issues with title, state, labels and how their text begins; comments in
the same way, and how many; the newest status of each
context on each pull request's head; deployments with their newest status; releases with the names
of their files; objects in the store.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tests.e2e.scene import Scene
from tests.github.site import Record

UNRELATED = "NOTES.md"
"""What a person pushes to main that concerns nobody."""
_HEX, _NUMBER = re.compile(r"\b[0-9a-f]{7,64}\b"), re.compile(r"\d+(?:[.,:]\d+)*")


def end_state(scene: Scene) -> dict[str, Any]:
    """Return all of it; two states are the same when they are equal."""
    github, git = scene.github, scene.git
    github.sync()
    return {
        "branches": {name: _branch(scene, name) for name in git.branches()},
        "tags": {name: _subject(scene, f"{name}^{{commit}}") for name in scene.tags()},
        "pulls": {p["number"]: _told(p) | {"draft": p["draft"]} for p in github.pulls},
        "issues": {i["number"]: _told(i) for i in github.issues},
        "comments": Counter((c["number"], scrubbed(c["body"])) for c in github.comments),
        "statuses": {p["number"]: _statuses(github.statuses, p["sha"]) for p in github.pulls},
        "deployments": [_deployment(d) for d in github.deployments],
        "releases": [
            (r["tag"], r["name"], sorted(asset["name"] for asset in r["assets"]))
            for r in github.releases
        ],
    }


def differences(found: Any, expected: Any, where: str = "") -> list[str]:
    """Return in words where a state is another one."""
    if found == expected:
        return []
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = sorted(found.keys() | expected.keys(), key=str)
        pairs = [(key, found.get(key), expected.get(key)) for key in keys]
        return [line for key, *both in pairs for line in differences(*both, f"{where}{key}: ")]
    return [f"{where}{found} instead of {expected}"]


def scrubbed(text: str) -> str:
    """Return how a text begins, without its numbers and ids; further down are measured costs."""
    lines = [line for line in text.splitlines() if line.strip()]
    return _NUMBER.sub("N", _HEX.sub("H", "\n".join(lines[:3])))


def _branch(scene: Scene, name: str) -> dict[str, str]:
    listed = scene.git.git("ls-tree", "-r", "-z", f"refs/heads/{name}").decode().split("\0")
    files = dict[str, str]()
    for line in filter(None, listed):
        facts, _, path = line.partition("\t")
        measured = path.startswith("reports/") or path.endswith(".receipt.json")
        files[path] = "" if measured else facts.split()[2]
    files.pop(UNRELATED, None)
    if name == scene.github.default_branch:
        return files
    return files | {"(message)": _subject(scene, f"refs/heads/{name}")}


def _subject(scene: Scene, ref: str) -> str:
    return scene.git.message(ref).partition("\n")[0]


def _told(issue: Record) -> dict[str, Any]:
    facts = {name: issue[name] for name in ("state", "title")}
    return facts | {"labels": sorted(issue["labels"]), "body": scrubbed(issue["body"] or "")}


def _statuses(statuses: list[Record], sha: str) -> dict[str, tuple[str, str]]:
    return {
        one["context"]: (one["state"], scrubbed(one["description"] or ""))
        for one in statuses
        if one["sha"] == sha
    }


def _deployment(deployment: Record) -> tuple[str, str, str, str]:
    newest = deployment["statuses"][-1]["state"] if deployment["statuses"] else "none"
    payload = str(deployment["payload"])
    return deployment["environment"], deployment["ref"], scrubbed(payload), newest
