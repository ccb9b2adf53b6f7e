"""How somebody has set up DVC, git or the shell changes nothing of what a retraining comes to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.made_once import made_once
from tests.toy_project import Toy


def ordinary(toy: Toy) -> dict[str, str]:
    return {}


def symlinks(toy: Toy) -> dict[str, str]:
    toy.dvc("config", "--local", "cache.type", "symlink")
    return {}


def hardlinks(toy: Toy) -> dict[str, str]:
    toy.dvc("config", "--local", "cache.type", "hardlink")
    return {}


def autostage(toy: Toy) -> dict[str, str]:
    toy.dvc("config", "--local", "core.autostage", "true")
    return {}


def shell_of_the_year_1970(toy: Toy) -> dict[str, str]:
    return {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"}


SURROUNDINGS = (symlinks, hardlinks, autostage, shell_of_the_year_1970)


def comes_to(toy: Toy, environment: dict[str, str], umask: int = -1) -> dict[str, str]:
    """Retrain for an alert by the program, and return what is kept of it."""
    alert = toy.alert("target_drift", where={"region": "eu"})
    done = subprocess.run(
        [sys.executable, "-m", "retouch", "run", alert, "--jobs", "2"],
        cwd=toy.root,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        umask=umask,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    params = (toy.root / "params.yaml").read_text()
    outcome = toy.last_run(alert).attempts[-1]
    return {"lock": toy.lock(), "params": params, "kept": str(outcome.kept)}


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory, built: Toy) -> dict[str, str]:
    def make(folder: Path) -> dict[str, str]:
        shutil.copytree(built.root.parent, folder / "all", symlinks=True)
        return comes_to(Toy(folder / "all/toy"), ordinary(built))

    return made_once(tmp_path_factory, "expected", make)


@pytest.mark.parametrize("surroundings", SURROUNDINGS, ids=lambda one: one.__name__)
def test_a_retraining_comes_to_the_same(toy: Toy, expected, surroundings):
    assert comes_to(toy, surroundings(toy), umask=0o077) == expected


def test_a_shallow_clone_without_data_comes_to_the_same(toy: Toy, expected, tmp_path: Path):
    source = f"file://{toy.root}"
    toy.git("clone", "--quiet", "--depth", "1", source, str(tmp_path / "shallow"))
    assert comes_to(Toy(tmp_path / "shallow"), {}) == expected
