"""What all tests share: a sealed environment, and a toy project for those that ask for one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.made_once import made_once
from tests.toy_project import Toy, make_project, sealed_environment

# The same examples on every machine, so that what lands was tried; `HYPOTHESIS_PROFILE=wild` looks
# for others, which is worth a while after a change to what a property speaks of.
settings.register_profile("steady", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("wild", settings.get_profile("default"))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture(scope="session", autouse=True)
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nobody's git identity, DVC config or terminal reaches a test, nor the other way round."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in sealed_environment(tmp_path_factory.mktemp("home")).items():
            patch.setenv(name, value)
        for name in ("PYTHONDONTWRITEBYTECODE", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory, sealed: None) -> Toy:
    """The toy project, committed, before anything has run. Not to be changed: copy it."""
    return made_once(tmp_path_factory, "started", lambda folder: make_project(folder / "toy"))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, started: Toy) -> Toy:
    """The toy project built, committed and pushed. Not to be changed: ask for `toy`."""

    def make(folder: Path) -> Toy:
        shutil.copytree(started.root, folder / "toy", symlinks=True)
        toy = Toy(folder / "toy")
        told = toy.retouch("build", "--record", "--jobs", "2")
        assert told.code == 0, told
        toy.commit("The pipeline, built")
        toy.dvc("push", "--quiet")
        return toy

    return made_once(tmp_path_factory, "built", make)


@pytest.fixture
def toy(tmp_path: Path, built: Toy) -> Toy:
    """A copy of the built toy project, with its remote beside it, to do anything with."""
    shutil.copytree(built.root.parent, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Toy(tmp_path / "toy")


@pytest.fixture
def unbuilt(tmp_path: Path, started: Toy) -> Toy:
    """A copy of the toy project in which nothing has run yet."""
    shutil.copytree(started.root, tmp_path / "toy", symlinks=True)
    return Toy(tmp_path / "toy")
