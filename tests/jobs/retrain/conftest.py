"""A checkout of the toy's base branch, and the fake GitHub over its bare origin."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from retouch.github.client import Client
from retouch.github.records import set_status
from retouch.github.repository import Repository
from retouch.jobs.package_folder import Package, packages_in, read_package
from retouch.planning.model import Plan
from retouch.reporting.marker import Marker, with_result_commit
from tests.github.bare import Bare
from tests.github.fake import FakeGitHub
from tests.made_once import made_once
from tests.toy_project import Told, Toy

EAGER = "suppression:\n  group_wait: 0 minutes\n"


@dataclass(frozen=True)
class Loop:
    """The two sides: a checkout as the jobs see it, and GitHub."""

    toy: Toy
    """A checkout of the base branch, as a job has it: built, with data."""
    github: FakeGitHub
    folder: Path

    def deliver(self, alert: str, *, branch: str | None = None, **more: str) -> int:
        """Put an alert of the toy's folder on a branch of its own; open its pull request."""
        texts = {alert: (self.toy.root / alert).read_text(), **more}
        (self.toy.root / alert).unlink()
        return self.github.open_pull(branch or f"retouch/alert/{Path(alert).stem}", files=texts)

    def ci(self, *args: str) -> Told:
        return self.toy.retouch("ci", *args)

    def event(self, payload: Mapping[str, Any], name: str) -> tuple[str, ...]:
        path = self.folder / f"event-{len(list(self.folder.glob('event-*')))}.json"
        path.write_text(json.dumps({"sender": {"login": "alice"}, **payload}))
        return ("--event", str(path), "--event-name", name)

    def retrain(self, *args: str, event: tuple[str, ...] = ()) -> list[Package]:
        out = self.folder / f"out-{len(list(self.folder.glob('out-*')))}"
        told = self.ci("retrain", "--out", str(out), *args, *event)
        assert told.code == 0, told
        assert self.toy.git("status", "--porcelain") == "", "the checkout is as it was"
        return [read_package(path) for path in packages_in(out)]

    def publish(self, package: Package) -> str:
        """Commit a package to its branch as the publishing job does, and return the commit."""
        git, proposal = self.github.git, package.proposal
        entries = [(path, "100644", raw) for path, raw in package.files.items()]
        tree = git.tree(git.tree_of(proposal.base), entries)
        names = "".join(sorted(package.files)) + str(proposal.base)
        digest = hashlib.sha256(names.encode()).hexdigest()
        parents = [proposal.head or proposal.base]
        if proposal.base not in git.git("rev-list", parents[0]).decode().split():
            parents.append(proposal.base)
        commit = git.commit(tree, parents, f"Answer\n\nRetouch-Proposal: {digest}")
        git.point(proposal.branch, commit)
        cache = self.toy.root / ".dvc/cache/files/md5"
        for name in package.objects:
            assert (cache / name[:2] / name[2:]).exists()
        number = proposal.pull
        if number is None:
            number = self.github.open_pull(proposal.branch, author="github-actions[bot]")
        self.report(number, "waiting for #1" if proposal.waits_for else "ready to merge")
        return commit

    def report(self, number: int, message: str = "ready to merge") -> None:
        """Comment on a pull request and set its status, as the publishing job does last."""
        state = "pending" if message.startswith("waiting") else "success"
        self.github.sync()
        head = self.github.git.head(self.github.pull(number)["head"]) or ""
        text = with_result_commit(f"{Marker('', '', '', '')}\nA report.\n", head)
        ours = [c for c in self.github.comments if c["number"] == number and "result" in c["body"]]
        if ours:
            ours[0]["body"] = text
        else:
            self.github.comment(number, text, "github-actions[bot]")
        repo = Repository(Client(self.github.token, self.github.url), self.github.name)
        set_status(repo, head, state, message)

    def pull_main(self) -> None:
        """Bring the checkout to the newest commit of the base branch, as a fresh job has it."""
        self.toy.git("fetch", "--quiet", "origin", "main")
        self.toy.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
        self.toy.dvc("checkout", "--quiet", "--force")

    def push(self, message: str = "A change") -> None:
        """Commit what was changed in the checkout, and push it to the base branch."""
        self.toy.commit(message)
        self.toy.git("push", "--quiet", "origin", "HEAD:main")


def plan_in(package: Package) -> Plan:
    report = f"reports/{package.proposal.report_id}/plan.json"
    return Plan.model_validate_json(package.files[report])


@pytest.fixture(scope="session")
def eager(tmp_path_factory: pytest.TempPathFactory, built: Toy) -> Path:
    """The built toy whose groups wait for nothing, and its bare origin. Not to be changed."""

    def make(folder: Path) -> Path:
        shutil.copytree(built.root.parent, folder, symlinks=True, dirs_exist_ok=True)
        toy = Toy(folder / "toy")
        path = toy.root / "policies/retraining.yaml"
        path.write_text(path.read_text() + EAGER)
        toy.commit("Wait for nothing")
        toy.git("clone", "--quiet", "--bare", ".", "../origin.git")
        return folder

    return made_once(tmp_path_factory, "eager", make)


@pytest.fixture(scope="session")
def answered_once(tmp_path_factory: pytest.TempPathFactory, eager: Path) -> Path:
    """The same with one answer published, on the branch of its alert. Not to be changed."""

    def make(folder: Path) -> Path:
        shutil.copytree(eager, folder / "loop", symlinks=True)
        with pytest.MonkeyPatch.context() as patch, _loop(folder / "loop", patch) as loop:
            number = loop.deliver(loop.toy.alert("data_quality"))
            (package,) = loop.retrain("--pull", str(number))
            loop.publish(package)
        return folder / "loop"

    return made_once(tmp_path_factory, "answered_once", make)


@pytest.fixture
def answered(
    tmp_path: Path, answered_once: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Loop]:
    """Pull request 1 has its answer; `out-0/1` is the package it was published from."""
    folder = tmp_path / "loop"
    shutil.copytree(answered_once, folder, symlinks=True)
    with _loop(folder, monkeypatch) as loop:
        (branch,) = (b for b in loop.github.git.branches() if b.startswith("retouch/"))
        number = loop.github.open_pull(branch, author="github-actions[bot]")
        loop.report(number)
        loop.github.calls.clear()
        yield loop
    assert loop.github.violations == []


@pytest.fixture
def loop(tmp_path: Path, eager: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loop]:
    folder = tmp_path / "loop"
    shutil.copytree(eager, folder, symlinks=True)
    with _loop(folder, monkeypatch) as loop:
        yield loop
    assert loop.github.violations == []


@contextmanager
def _loop(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Loop]:
    toy = Toy(folder / "toy")
    if "origin" in toy.git("remote").split():
        toy.git("remote", "remove", "origin")
    toy.git("remote", "add", "origin", str(folder / "origin.git"))
    patch.setenv("NO_PROXY", "127.0.0.1")
    with FakeGitHub(Bare(folder / "origin.git")) as github:
        patch.setenv("GITHUB_TOKEN", github.token)
        patch.setenv("GITHUB_API_URL", github.url)
        patch.setenv("GITHUB_REPOSITORY", github.name)
        for name in ("GITHUB_EVENT_PATH", "GITHUB_EVENT_NAME", "GITHUB_BASE_REF", "GITHUB_RUN_ID"):
            patch.delenv(name, raising=False)
        yield Loop(toy, github, folder)
