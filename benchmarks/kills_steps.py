"""The steps of the alert and promote flows that `benchmarks.kills` kills: what begins, what ends.

All of them work on copies of the toy of the publishing tests, with a fake GitHub over its bare
origin.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retouch.alerts.envelope import seal
from retouch.git.gto_tags import read_tags
from retouch.registry.registry import registry_from_tags
from tests.jobs.publish.world import Answered, World, answer_once, enter
from tests.registry.released import CANARY
from tests.toy_project import make_project

MODEL = "means"


@dataclass(frozen=True)
class Flow:
    """One command as a process, and what is compared of its end."""

    title: str
    merged: bool
    """It starts where the answer was merged; else where it waits to be published."""
    begin: Callable[[World], None]
    command: Callable[[World], list[str]]
    end: Callable[[World], dict[str, Any]]
    left: Callable[[World], str]
    """What a killed process left behind."""
    told: Callable[[str], str]
    """What the output of the second process says, in short."""


def prepare(folder: Path) -> dict[bool, Answered]:
    """Retrain once, and merge the answer in a copy: where flows start, by `Flow.merged`."""
    (folder / "built").mkdir()
    toy = make_project(folder / "built/toy")
    policy = toy.root / "policies/promotion.yaml"
    policy.write_text(policy.read_text() + CANARY)
    (toy.root / "requirements.lock").write_text("pandas==2\n")
    assert toy.retouch("build", "--record", "--jobs", "2").code == 0
    toy.commit("The pipeline, built")
    toy.dvc("push", "--quiet")
    answered = answer_once(folder / "answered", toy)
    return {False: answered, True: _merge(folder / "merged", answered)}


def _merge(folder: Path, answered: Answered) -> Answered:
    """Publish and merge the answer; the model from before is v1.0.0, in prod."""
    with enter(folder, answered) as world:
        number = world.deliver()
        (outcome,) = world.publish()
        assert outcome.outcome == "published", outcome
        told = world.toy.retouch("promote")
        assert told.code == 0, told
        world.github.merge(number)
        world.toy.git("fetch", "--quiet", "origin")
        world.toy.git("merge", "--quiet", "--ff-only", "origin/main")
    shutil.rmtree(folder / "packages")
    return Answered(folder, answered.alert)


def _begin_sent(world: World) -> None:
    payload = {"client_payload": seal(_alert(world), None, None, "it")}
    _event(world).write_text(json.dumps({"sender": {"login": "alice"}, **payload}))


def _begin_alert(world: World) -> None:
    world.without_figures()
    world.deliver()


def _begin_main(world: World) -> None:
    world.without_figures()
    world.change(branch=f"retouch/retrain/{world.answered.alert_id}")


def _alert(world: World) -> bytes:
    return (world.folder / "alert.json").read_bytes()


def _event(world: World) -> Path:
    return world.folder / "event.json"


def _receive(world: World) -> list[str]:
    return ["ci", "receive", "--event", str(_event(world)), "--event-name", "repository_dispatch"]


def _publish(world: World) -> list[str]:
    return ["ci", "publish", str(world.packages)]


def _promote(world: World) -> list[str]:
    return ["promote", "--github", "--json"]


def _received(world: World) -> dict[str, Any]:
    git, path = world.github.git, world.answered.alert
    heads = {n: sha for n, sha in git.branches().items() if n.startswith("retouch/")}
    alerts = [git.git("show", f"{sha}:{path}") == _alert(world) for sha in heads.values()]
    states = [(s["context"], s["state"], s["description"]) for s in world.github.statuses]
    return world.end() | {"alerts": alerts, "states": states}


def _promoted(world: World) -> dict[str, Any]:
    """Return what there is of versions, without ids and times."""
    tags, mine = read_tags(world.github.git.folder), read_tags(world.toy.root)
    registry = registry_from_tags(MODEL, tags)
    stages = {stage: registry.in_stage(stage) for stage in ("prod", "canary")}
    return {
        "tags": sorted((tag.name, tag.commit, tag.message) for tag in tags),
        "mine": sorted((tag.name, tag.commit, tag.message) for tag in mine),
        "stages": {stage: found and found.name for stage, found in stages.items()},
        "versions": [version.name for version in registry.versions],
        "deployments": [
            (d["environment"], d["sha"], d["payload"], d["statuses"][-1:])  # GitHub shows the last
            for d in world.github.deployments
        ],
        "releases": [
            (r["tag"], r["name"], [(a["name"], a["digest"][7:] in r["body"]) for a in r["assets"]])
            for r in world.github.releases
        ],
        "bundle": _without_digest(world.github.releases[-1]["body"]),
        "checkout": world.toy.git("status", "--porcelain"),
    }


def _without_digest(body: str) -> str:
    """Leave out what holds the time of the version's tag, which no two runs share."""
    return re.sub(r"[\d,]+ bytes, sha256 `[0-9a-f]{64}`", "", body)


def _listed(found: Mapping[str, object]) -> str:
    return ", ".join(name for name, there in found.items() if there) or "nothing"


def _left_of_alert(world: World) -> str:
    branch = world.github.git.head(world.branch)
    pulls, statuses = world.github.pulls, world.github.statuses
    return _listed({"branch": branch, "pull request": pulls, "status": statuses})


def _left_of_answer(world: World) -> str:
    git, pulls = world.github.git, world.github.pulls
    ours = [n for n, sha in git.branches().items() if "Retouch-Proposal" in git.message(sha)]
    found = {
        "branch": ours,
        "pull request": ours and pulls,
        "labels": pulls and pulls[-1]["labels"],
        "comment": world.github.comments,
        "status": world.github.statuses,
    }
    return _listed(found)


def _left_of_version(world: World) -> str:
    before = {"means@v1.0.0", "means#prod#1"}
    there = {tag.name for tag in read_tags(world.github.git.folder)}
    mine = {tag.name for tag in read_tags(world.toy.root)} - there
    deployments, releases = world.github.deployments, world.github.releases
    found: dict[str, object] = {f"`{name}`": True for name in sorted(there - before, reverse=True)}
    found |= {f"`{name}` in the clone alone": True for name in sorted(mine)}
    found |= {
        "deployment": deployments,
        "its status": any(d["statuses"] for d in deployments),
        "release": releases,
        "its file": any(r["assets"] for r in releases),
    }
    return _listed(found)


def _told_targets(out: str) -> str:
    targets = json.loads(out)["targets"]
    return ", ".join(f"target #{target['pull']}" for target in targets) or "no target"


def _told_outcome(out: str) -> str:
    return out.strip().split(": ")[1]


def _told_steps(out: str) -> str:
    promoted = json.loads(out)
    steps, newly = promoted["plan"]["steps"], len(promoted["newly"])
    return f"{newly} of {len(steps)} steps taken"


FLOWS = {
    "receive": Flow(
        "`retouch ci receive`: an alert that was sent gets its pull request",
        False,
        _begin_sent,
        _receive,
        _received,
        _left_of_alert,
        _told_targets,
    ),
    "alert": Flow(
        "`retouch ci publish`: the answer goes on the pull request of its alert",
        False,
        _begin_alert,
        _publish,
        World.end,
        _left_of_answer,
        _told_outcome,
    ),
    "main": Flow(
        "`retouch ci publish`: the alert lies on main; the answer opens a pull request",
        False,
        _begin_main,
        _publish,
        World.end,
        _left_of_answer,
        _told_outcome,
    ),
    "promote": Flow(
        "`retouch promote --github`: a merged retrain becomes v1.1.0, the canary",
        True,
        lambda world: None,
        _promote,
        _promoted,
        _left_of_version,
        _told_steps,
    ),
}
