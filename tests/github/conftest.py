"""A fake GitHub that is told nothing its API does not know, and a client that never waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retouch.github.client import Client
from retouch.github.repository import Repository
from tests.github.bare import Bare
from tests.github.clock import Clock
from tests.github.fake import REPOSITORY, FakeGitHub


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory, sealed: None) -> Bare:
    """A repository with one commit. Not to be changed: copy it."""
    folder = tmp_path_factory.mktemp("bare") / "site.git"
    return Bare.create(folder, {"README.md": b"A site.\n"})


@pytest.fixture
def github(tmp_path: Path, bare: Bare, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FakeGitHub(bare.copy(tmp_path / "site.git")) as fake:
        yield fake
    assert fake.violations == []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(github: FakeGitHub, clock: Clock) -> Client:
    return Client(github.token, github.url, clock.waiting())


@pytest.fixture
def site(client: Client) -> Repository:
    return Repository(client, REPOSITORY)
