"""A world for each test: see `world`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.publish.world import Answered, World, answer_once, enter
from tests.made_once import made_once
from tests.toy_project import Toy


@pytest.fixture(scope="session")
def answered(tmp_path_factory: pytest.TempPathFactory, built: Toy) -> Answered:
    """The toy's refit of eu, packed."""
    return made_once(
        tmp_path_factory, "answered", lambda folder: answer_once(folder / "all", built)
    )


@pytest.fixture
def world(tmp_path: Path, answered: Answered) -> Iterator[World]:
    """The toy on GitHub, with an answer to be published."""
    with enter(tmp_path / "world", answered) as entered:
        yield entered
