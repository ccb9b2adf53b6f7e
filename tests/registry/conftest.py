"""The toy project with two models on main: the one it was built with, and a retrained one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from retouch.git.gto_tags import read_tags
from retouch.registry.registry import ModelRegistry, registry_from_tags
from tests.github.bare import Bare
from tests.github.fake import REPOSITORY, FakeGitHub
from tests.toy_project import Told, Toy

CANARY = "release: {on_merge: canary, canary: {margin: 1, scale: 2}}\n"


@dataclass(frozen=True)
class Released:
    """A checkout of main with `origin` beside it."""

    folder: Path
    baseline: str
    """The commit of the first model."""
    merge: str
    """The commit of the second one: HEAD."""
    alert: str

    @property
    def toy(self) -> Toy:
        return Toy(self.folder / "toy")

    @property
    def origin(self) -> Path:
        return self.folder / "site.git"

    def promote(self, *args: str) -> Told:
        return self.toy.retouch("promote", *args)

    def promoted(self, *args: str) -> dict[str, Any]:
        """Promote, which must work, and return what was printed."""
        told = self.promote("--json", *args)
        assert told.code == 0, told
        return dict(json.loads(told.out))

    def both(self) -> None:
        """Make versions of both models."""
        self.promoted("--commit", self.baseline)
        self.promoted()

    @property
    def registry(self) -> ModelRegistry:
        """What the tags of `origin` say."""
        return registry_from_tags("means", read_tags(self.origin))

    def in_stage(self, stage: str) -> str | None:
        version = self.registry.in_stage(stage)
        return None if version is None else version.name

    def tags(self) -> list[str]:
        """Return the names of all tags at `origin`."""
        return [tag.name for tag in read_tags(self.origin)]

    def clone(self, name: str) -> Toy:
        """Return another clone of `origin`: no data, no cache."""
        self.toy.git("clone", "--quiet", str(self.origin), str(self.folder / name))
        return Toy(self.folder / name)

    def hook(self, text: str) -> None:
        """Let `origin` run a script before it takes a ref: $1 is its name."""
        path = self.origin / "hooks" / "update"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, built: Toy) -> Released:
    """Not to be changed: ask for `released`."""
    folder = tmp_path_factory.mktemp("released")
    shutil.copytree(built.root.parent, folder, symlinks=True, dirs_exist_ok=True)
    toy = Toy(folder / "toy")
    path = toy.root / "policies" / "promotion.yaml"
    path.write_text(path.read_text() + CANARY)
    (toy.root / "requirements.lock").write_text("pandas==2\n")
    toy.commit("A canary first")
    baseline = toy.git("rev-parse", "HEAD").strip()
    toy.git("checkout", "--quiet", "-b", "answer")
    alert = toy.alert("target_drift", where={"region": "eu"})
    told = toy.retouch("run", alert, "--jobs", "2")
    assert told.code == 0, told
    assert toy.last_run(alert).attempts[-1].kept
    toy.commit("Retrain eu")
    toy.git("checkout", "--quiet", "main")
    toy.git("merge", "--quiet", "--no-ff", "answer", "--message", "Merge the answer")
    toy.git("branch", "--quiet", "--delete", "answer")
    toy.git("clone", "--quiet", "--bare", ".", "../site.git")
    toy.git("remote", "add", "origin", "../site.git")
    return Released(folder, baseline, toy.git("rev-parse", "HEAD").strip(), alert)


@pytest.fixture
def released(made: Released, tmp_path: Path) -> Released:
    """A copy of it, to do anything with."""
    shutil.copytree(made.folder, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Released(tmp_path, made.baseline, made.merge, made.alert)


@pytest.fixture(scope="session")
def promoted(made: Released, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """Not to be changed: ask for `versions`."""
    folder = tmp_path_factory.mktemp("promoted")
    shutil.copytree(made.folder, folder, symlinks=True, dirs_exist_ok=True)
    released = Released(folder, made.baseline, made.merge, made.alert)
    released.both()
    return released


@pytest.fixture
def versions(promoted: Released, tmp_path: Path) -> Released:
    """A copy in which the first model is v1.0.0, in prod, and the second v1.1.0, in canary."""
    shutil.copytree(promoted.folder, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Released(tmp_path, promoted.baseline, promoted.merge, promoted.alert)


@contextmanager
def github_over(origin: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    """Serve a bare repository as the fake GitHub, with the environment that leads there."""
    with FakeGitHub(Bare(origin)) as fake:
        for name, value in {
            "NO_PROXY": "127.0.0.1",
            "GITHUB_TOKEN": fake.token,
            "GITHUB_API_URL": fake.url,
            "GITHUB_REPOSITORY": REPOSITORY,
        }.items():
            monkeypatch.setenv(name, value)
        yield fake
    assert fake.violations == []


@pytest.fixture
def github(released: Released, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    """The fake GitHub over `origin` itself."""
    with github_over(released.origin, monkeypatch) as fake:
        yield fake
