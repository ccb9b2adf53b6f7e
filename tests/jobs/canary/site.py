"""A repository with v1.0.0 in prod and v1.1.0 as its canary, and its bare origin."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from retouch.engine.project import open_project
from retouch.gate.canary_model import CanaryVerdict
from retouch.git.gto_tags import read_tags, write_tag
from retouch.jobs.release.assignments import load_registry
from retouch.registry.registry import ModelRegistry
from tests.github.bare import Bare
from tests.toy_project import Toy

CLOCK, MOVED = "2024-02-22", "2024-03-01"
RELEASE = """release:
  on_merge: canary
  canary:
    margin: 0.3
    scale: 2.8
    confidence: 0.55
    at_least_days: 3
    at_most_days: 28
"""


@dataclass(frozen=True)
class Place:
    """A checkout of main with its origin beside it."""

    toy: Toy
    origin: Bare

    @classmethod
    def at(cls, folder: Path) -> Place:
        return cls(Toy(folder / "toy"), Bare(folder / "site.git"))

    def copy(self, folder: Path) -> Place:
        shutil.copytree(self.toy.root.parent, folder, symlinks=True, dirs_exist_ok=True)
        return Place.at(folder)

    def tags(self) -> list[str]:
        """Return the names of the tags in the order they were made."""
        return [tag.name for tag in read_tags(self.toy.root)]

    def at_origin(self) -> set[str]:
        """Return the names of the tags that origin has."""
        listed = self.origin.git("for-each-ref", "--format=%(refname:strip=2)", "refs/tags")
        return set(listed.decode().split())

    def registry(self) -> ModelRegistry:
        return load_registry(open_project(self.toy.root), push=False)

    def staged(self) -> tuple[str | None, str | None]:
        """Return the versions in prod and canary."""
        found = (self.registry().in_stage(stage) for stage in ("prod", "canary"))
        return tuple(version and version.name for version in found)  # type: ignore[return-value]

    def said(self, tag: str) -> dict[str, object]:
        """Return what a tag's message says."""
        return next(one.details for one in read_tags(self.toy.root) if one.name == tag)

    def judged(self) -> CanaryVerdict:
        return CanaryVerdict.model_validate_json((self.toy.root / "canary.json").read_text())

    def push(self) -> None:
        self.toy.git("push", "--quiet", "origin", "main")


def make_place(folder: Path, built: Toy) -> Place:
    """Promote the toy's first model, retrain it for eu, merge that, and let a week pass."""
    shutil.copytree(built.root.parent, folder, symlinks=True, dirs_exist_ok=True)
    toy = Toy(folder / "toy")
    with (toy.root / "policies/promotion.yaml").open("a") as file:
        file.write(RELEASE)
    toy.replace("params.yaml", MOVED, CLOCK)
    toy.commit("A week ago")
    first = toy.git("rev-parse", "HEAD").strip()
    toy.git("checkout", "--quiet", "-b", "retrain")
    told = toy.retouch("run", toy.alert("target_drift", where={"region": "eu"}))
    assert "Verdict: promote." in told.out, told
    toy.commit("Retrain")
    toy.git("checkout", "--quiet", "main")
    toy.git("merge", "--quiet", "--no-ff", "--message", "Merge the retraining", "retrain")
    merged = toy.git("rev-parse", "HEAD").strip()
    toy.replace("params.yaml", f"until: '{CLOCK}'      #", f"until: '{MOVED}'      #")
    toy.commit("A week of data arrives")
    toy.git("clone", "--quiet", "--bare", ".", "../site.git")
    toy.git("remote", "add", "origin", "../site.git")
    _tag(toy, first, "means@v1.0.0", "means#prod#1")
    _tag(toy, merged, "means@v1.1.0", "means#canary#2", later=1)
    return Place.at(folder)


def _tag(toy: Toy, commit: str, *names: str, later: int = 0) -> None:
    at = datetime.now(UTC) - timedelta(seconds=2 - later)
    from retouch.engine.compare import recorded_model

    model = recorded_model(open_project(toy.root), commit, "a commit").hash
    for name in names:
        write_tag(toy.root, name, commit, json.dumps({"model": model}), at=at, push=True)


def labels_turn_bad(toy: Toy, since: str, label: float) -> None:
    """Let the rows of eu have another label from a day on, and make what scoring reads."""
    path = toy.root / "data/rows.csv"
    rows = list(csv.DictReader(path.open()))
    path.unlink()  # it may be a link into the cache
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            bad = row["region"] == "eu" and row["day"] >= since
            writer.writerow(row | ({"label": label + int(row["id"]) % 3} if bad else {}))
    toy.dvc("add", "--quiet", "data/rows.csv")
    toy.dvc("repro", "--quiet", "clean")
    toy.commit("What arrived is bad for the canary")
