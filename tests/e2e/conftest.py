"""A scene for each story."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.ground import make_ground
from tests.e2e.scene import Scene, stand_on


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory, sealed: None) -> Path:
    """What every scene starts as. Not to be changed: ask for `scene`."""
    folder = tmp_path_factory.mktemp("ground")
    make_ground(folder)
    return folder


@pytest.fixture
def scene(tmp_path: Path, ground: Path) -> Iterator[Scene]:
    """The toy project on a GitHub of our own, built, with our workflows."""
    scene = stand_on(ground, tmp_path / "scene")
    with scene.github:
        yield scene
    assert scene.github.violations == []
