"""The toy with two models on main, before and after both were promoted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.github.fake import FakeGitHub
from tests.made_once import made_once
from tests.registry.released import CANARY, Released, github_over
from tests.toy_project import Toy


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, built: Toy) -> Released:
    """Not to be changed: ask for `released`."""

    def make(folder: Path) -> Released:
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

    return made_once(tmp_path_factory, "released", make)


@pytest.fixture
def released(made: Released, tmp_path: Path) -> Released:
    """A copy of it, to do anything with."""
    shutil.copytree(made.folder, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Released(tmp_path, made.baseline, made.merge, made.alert)


@pytest.fixture(scope="session")
def promoted(made: Released, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """Not to be changed: ask for `versions`."""

    def make(folder: Path) -> Released:
        shutil.copytree(made.folder, folder, symlinks=True, dirs_exist_ok=True)
        released = Released(folder, made.baseline, made.merge, made.alert)
        released.both()
        return released

    return made_once(tmp_path_factory, "promoted", make)


@pytest.fixture
def versions(promoted: Released, tmp_path: Path) -> Released:
    """A copy in which the first model is v1.0.0, in prod, and the second v1.1.0, in canary."""
    shutil.copytree(promoted.folder, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Released(tmp_path, promoted.baseline, promoted.merge, promoted.alert)


@pytest.fixture
def github(released: Released, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    """The fake GitHub over `origin` itself."""
    with github_over(released.origin, monkeypatch) as fake:
        yield fake
