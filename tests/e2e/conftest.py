"""A scene for each story. What they start as is made once, whoever of several workers is first."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.ground import US, make_ground
from tests.e2e.kill_flows import make
from tests.e2e.scene import Scene, keep, stand_on


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, sealed: None) -> Path:
    """A folder for all workers of this run."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def ground(shared: Path) -> Path:
    """What every scene starts as. Not to be changed: ask for `scene`."""
    return _once(shared / "ground", make_ground)


@pytest.fixture(scope="session")
def ground_answered(shared: Path, ground: Path) -> Path:
    """The ground with one answered alert. Not to be changed: ask for `answered`."""

    def answer(folder: Path) -> None:
        scene = stand_on(ground, folder)
        with scene.github:
            scene.open_alert("performance", **US)
        assert scene.github.violations == []
        keep(scene)

    return _once(shared / "answered", answer)


@pytest.fixture
def made(shared: Path, ground: Path) -> Callable[[str], Path]:
    """What the flows of `kill_flows.py` stand on, each made once. Not to be changed."""

    def one(name: str) -> Path:
        return (
            ground
            if name == "ground"
            else _once(shared / f"for {name}", lambda to: make(name, to, one))
        )

    return one


@pytest.fixture
def scene(tmp_path: Path, ground: Path) -> Iterator[Scene]:
    """The toy project on a GitHub of our own, built, with our workflows."""
    yield from _played(stand_on(ground, tmp_path / "scene"))


@pytest.fixture
def answered(tmp_path: Path, ground_answered: Path) -> Iterator[Scene]:
    """The same after an alert: pull request 1 fits `us` anew, and waits for a person."""
    yield from _played(stand_on(ground_answered, tmp_path / "scene"))


def _played(scene: Scene) -> Iterator[Scene]:
    with scene.github:
        yield scene
    assert scene.github.violations == []


def _once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Make a folder, unless that was done; whoever comes meanwhile waits."""
    done = folder.with_name(f"{folder.name}.done")
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            done.touch()
    return folder
