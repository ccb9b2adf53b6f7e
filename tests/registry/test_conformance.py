"""What we make of tags is what GTO makes of them, in real repositories with random histories."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from retouch.git import gto_tags
from retouch.registry.registry import registry_from_tags
from tests.registry.histories import BEGAN, MODEL, History, random_history
from tests.registry.release_world import random_world

SEEDS = range(12)


def _shown(repository: Path) -> dict[str, dict[str, str | None]]:
    """Return what `gto show` says: model -> stage -> version."""
    from gto import api

    return {name: said["stage"] for name, said in api.show(str(repository)).items()}


def _versions(repository: Path, model: str) -> set[str]:
    from gto import api

    shown = api.show(str(repository), name=model, registered_only=True)
    return {item["version"] for item in shown if item["registrations"]}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_stage_and_every_version_is_as_gto_shows_it(seed: int, tmp_path: Path):
    history = random_history(seed)
    history.write(repository := tmp_path / "site.git")
    tags = gto_tags.read_tags(repository)
    shown = _shown(repository)
    stages = {"prod", *(stage for of_model in shown.values() for stage in of_model)}
    for model in (MODEL, "other"):
        registry = registry_from_tags(model, tags)
        ours = {stage: getattr(registry.in_stage(stage), "name", None) for stage in stages}
        theirs = dict.fromkeys(stages) | shown.get(model, {})
        assert ours == theirs, f"seed {seed}, {model}"
    registry = registry_from_tags(MODEL, tags)
    theirs_up = _versions(repository, MODEL) if MODEL in shown else set()
    assert {version.name for version in registry.versions} == theirs_up


@pytest.mark.parametrize("seed", range(6))
def test_gto_shows_what_retouch_makes_of_releases_whose_jobs_die(seed: int, tmp_path: Path):
    world = random_world(seed, 100)
    history = History(len(world.main))
    for tag in world.tags:
        second = int(tag.at.timestamp()) - BEGAN
        history.annotated.append((tag.name, world.place(tag.commit), second))
    history.write(repository := tmp_path / "site.git")
    registry = registry_from_tags(MODEL, gto_tags.read_tags(repository))
    ours = {stage: getattr(registry.in_stage(stage), "name", None) for stage in ("prod", "canary")}
    assert ours == {"prod": None, "canary": None} | _shown(repository).get(MODEL, {})
    assert ours == {s: getattr(world.registry.in_stage(s), "name", None) for s in ours}


def test_the_next_counter_is_the_one_gto_takes(tmp_path: Path):
    history = random_history(3)
    history.lightweight.clear()
    history.write(repository := tmp_path / "site.git")
    from gto.constants import Action
    from gto.tag import name_tag
    from scmrepo.git import Git

    with Git(str(repository)) as scm:
        theirs = name_tag(Action.ASSIGN, MODEL, stage="prod", scm=scm)
    counter = registry_from_tags(MODEL, gto_tags.read_tags(repository)).next_counter()
    assert theirs == f"{MODEL}#prod#{counter}"


@pytest.mark.parametrize("seed", range(3))
def test_of_tags_of_the_same_second_the_one_with_the_greatest_counter_counts(
    seed: int, tmp_path: Path
):
    """GTO goes by time alone, so that here its readers differ; ours goes on to the counter."""
    history = random_history(seed, ties=True)
    history.write(tied := tmp_path / "tied.git")
    apart = History(history.commits, lightweight=history.lightweight)
    order = sorted(history.annotated, key=lambda t: (t[2], _counter(t[0]), "!" in t[0], t[0]))
    apart.annotated = [(name, commit, place) for place, (name, commit, _) in enumerate(order)]
    apart.write(told_apart := tmp_path / "apart.git")
    registry = registry_from_tags(MODEL, gto_tags.read_tags(tied))
    shown = _shown(told_apart).get(MODEL, {})
    assert {s: getattr(registry.in_stage(s), "name", None) for s in shown} == shown


def _counter(name: str) -> int:
    last = name.rpartition("#")[2]
    return int(last) if last.isdigit() else 0


@pytest.mark.parametrize("ahead", [2 * 3600, 73 * 365 * 24 * 3600])
def test_after_a_tag_that_is_dated_ahead_the_next_ones_count_for_gto_too(
    ahead: int, tmp_path: Path
):
    """By a machine whose clock is 2 hours off, or in 2096."""
    history = History(2)
    history.annotated = [
        (f"{MODEL}@v1.0.0", 0, 0),
        (f"{MODEL}@v1.1.0", 1, 1),
        (f"{MODEL}#prod#1", 0, ahead),
    ]
    old, new = history.write(repository := tmp_path / "site.git")
    now = datetime.fromtimestamp(BEGAN + 60, UTC)
    for commit, version in ((new, "v1.1.0"), (old, "v1.0.0"), (new, "v1.1.0")):
        registry = registry_from_tags(MODEL, gto_tags.read_tags(repository))
        name, at = f"{MODEL}#prod#{registry.next_counter()}", registry.next_moment(now)
        gto_tags.write_tag(repository, name, commit, "m", at=at, push=False)
        assert _shown(repository)[MODEL]["prod"] == version
        registry = registry_from_tags(MODEL, gto_tags.read_tags(repository))
        assert getattr(registry.in_stage("prod"), "name", None) == version
