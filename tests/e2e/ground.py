"""What every scene starts as: a project whose rows lie ahead of its clock, with our workflows.

Both regions jump from 100 to 130 on `JUMP`, just before the hold-out, and stay there. Where rows
`fall`, those of us are at 60 once the clock passes `CLOCK`: what was right to promote turns out
wrong.
"""

from __future__ import annotations

import csv
import random
import shutil
from datetime import date, timedelta
from pathlib import Path

from tests.e2e.act import Ran
from tests.e2e.scene import ADDRESS, Scene, environment, git, said
from tests.toy_project import ROOT, Toy, make_project

FIRST, JUMP, CLOCK, LAST = (
    date(2024, 1, 1),
    date(2024, 2, 1),
    date(2024, 2, 20),
    date(2024, 4, 10),
)
EU, US = {"where": {"region": "eu"}}, {"where": {"region": "us"}}
_AT_ONCE = """
suppression:
  group_wait: 0 minutes
  persistence:
    - {name: At once, when: {family: performance}, for: 1, keep_firing: 1}
"""
_RELEASE = """
release:
  on_merge: canary
  canary: {margin: 0.5, scale: 2.0, confidence: 0.9, at_least_days: 5, at_most_days: 45}
"""


def make_ground(folder: Path) -> None:
    """Build the project, and put it into a repository with its data on a branch."""
    folder.mkdir(exist_ok=True)
    person = make_project(folder / "person")
    _write_rows(person.root / "data/rows.csv", falls=False)
    person.dvc("add", "--quiet", "data/rows.csv")
    person.replace("params.yaml", "until: '2024-03-01'", f"until: '{CLOCK}'")
    policy = person.root / "policies/retraining.yaml"
    policy.write_text(policy.read_text().replace("[nudge, refit]", "[refit]") + _AT_ONCE)
    with (person.root / "policies/monitors.yaml").open("a") as file:
        file.write("  other: {description: Looks as well., owner: the tests, unsigned: retrain}\n")
    with (person.root / "policies/promotion.yaml").open("a") as file:
        file.write(_RELEASE)
    for part in ("workflows", "actions"):
        shutil.copytree(ROOT / ".github" / part, person.root / ".github" / part)
    person.dvc("remote", "remove", "--quiet", "store")
    told = person.retouch("build", "--record", "--jobs", "2")
    assert told.code == 0, told
    person.commit("The project, built, with its workflows")
    _publish(folder, person)


def _publish(folder: Path, person: Toy) -> None:
    env = environment(folder)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "site.git", env=env)
    git(person.root, "remote", "add", "origin", ADDRESS, env=env)
    git(person.root, "push", "--quiet", "origin", "HEAD:main", env=env)
    for program, *args in (
        ("retouch", "store", "init"),
        ("dvc", "push", "--quiet"),
        ("retouch", "store", "push"),
        ("retouch", "promote"),
    ):
        told = said(folder, program, *args)
        assert told.code == 0, told
    git(folder, "clone", "--quiet", ADDRESS, "runner", env=env)


def days_arrive(scene: Scene, until: date, *, falls: bool = False, seen: bool = True) -> list[Ran]:
    """Let the clock of the data pass; rows that fall are new ones, which a person brings along.

    Unless it is `seen`, the push starts no workflow yet.
    """
    person = scene.at_main()
    person.replace("params.yaml", f"until: '{CLOCK}'", f"until: '{until}'")
    if falls:
        _write_rows(person.root / "data/rows.csv", falls=True)
        for program, *args in (
            ("dvc", "add", "--quiet", "data/rows.csv"),
            ("dvc", "repro", "--quiet", "clean"),
            ("dvc", "push", "--quiet"),
            ("retouch", "store", "push"),
        ):
            told = said(scene.folder, program, *args)
            assert told.code == 0, told
    return scene.push(f"Days until {until} have arrived", seen=seen)


def _write_rows(path: Path, *, falls: bool) -> None:
    chance = random.Random(7)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "day", "region", "label"])
        for offset in range((LAST - FIRST).days):
            day, of_the_day = FIRST + timedelta(days=offset), chance.gauss(0, 1)
            for number in range(8):
                region = "eu" if number % 2 else "us"
                label = _level(region, day, falls=falls) + of_the_day + chance.gauss(0, 2)
                writer.writerow([offset * 8 + number + 1, day, region, round(label, 3)])


def _level(region: str, day: date, *, falls: bool) -> int:
    if day < JUMP:
        return 100
    return 60 if falls and region == "us" and day >= CLOCK else 130
