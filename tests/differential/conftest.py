"""Real DVC projects: built once by DVC itself, and a copy of one for each case."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.differential.projects import Project


class Workshop:
    """Projects that DVC has built and git has committed, by seed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = Path(os.environ["RAN_LOG"])

    def copy(self, project: Project, root: Path) -> Path:
        """Put a copy of the built project at `root`."""
        template = self._folder / str(project.seed)
        if not template.exists():
            self._build(project, template)
        shutil.copytree(template, root, symlinks=True)
        return root

    def reproduce(self, root: Path, *targets: str, **options) -> tuple[set[str], set[str]]:
        """Let DVC reproduce; return the stages whose command ran, and all it reproduced."""
        from dvc.repo import Repo

        self._log.write_text("")
        with contextlib.chdir(root), Repo(".") as repo:
            how = {"single_item": True} if targets else {"all_pipelines": True}
            done = repo.reproduce(list(targets) or None, **how, **options)
            return (
                set(self._log.read_text().split()),
                {stage.addressing for stage in done if stage.cmd is not None},
            )

    def add(self, root: Path, *paths: str) -> None:
        """Let DVC track data files."""
        from dvc.repo import Repo

        with contextlib.chdir(root), Repo(".") as repo:
            repo.add(list(paths))

    def _build(self, project: Project, root: Path) -> None:
        from dvc.repo import Repo

        root.mkdir()
        _git(root, "init", "--quiet")
        project.write(root)
        Repo.init(str(root)).close()
        if project.tracked:
            self.add(root, *project.tracked)
        self.reproduce(root)
        _git(root, "add", "--all")
        _git(root, "commit", "--quiet", "--message", "base")


def _git(root: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory, sealed) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("projects")
    logging.getLogger("dvc").setLevel(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAN_LOG", str(folder / "ran.log"))
        yield Workshop(folder)
