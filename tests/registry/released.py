"""The toy project with two models on main: the one it was built with, and a retrained one."""

from __future__ import annotations

import json
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
