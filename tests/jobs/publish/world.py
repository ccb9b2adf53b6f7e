"""A toy project on the fake GitHub, and an answer in a package as the retraining job leaves it."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from retouch.cli.main import main
from retouch.engine.project import open_project
from retouch.engine.submit_alerts import open_pull_requests
from retouch.github.client import Client
from retouch.github.repository import Repository
from retouch.jobs.packages.paths import WritablePaths
from retouch.jobs.publish.publish import PublishResult, publish
from retouch.jobs.publish.pull_request import Publisher, Site
from retouch.jobs.retrain.branch_contents import Destination
from retouch.jobs.retrain.process_group import changed_by, new_objects, pack
from retouch.planning.model import Plan
from retouch.storage.documents import report_json
from tests.github.bare import Bare
from tests.github.clock import Clock
from tests.github.fake import REPOSITORY, TOKEN, FakeGitHub
from tests.toy_project import Told, Toy


@dataclass(frozen=True)
class Answered:
    """Folders that were made once: copy them."""

    folder: Path
    """`toy`, the checkout of main; `site.git`, GitHub's; `store`, DVC's remote; `packages/1`."""
    alert: str
    """Path of the alert."""

    @property
    def alert_id(self) -> str:
        return Path(self.alert).stem


def answer_once(folder: Path, built: Toy) -> Answered:
    """Refit eu in a copy of the built toy, and pack what came of it."""
    shutil.copytree(built.root.parent, folder, symlinks=True)
    toy = Toy(folder / "toy")
    toy.git("clone", "--quiet", "--bare", ".", "../site.git")
    toy.git("remote", "add", "origin", "../site.git")
    toy.git("remote", "set-url", "origin", str(folder / "site.git"))
    work = toy.copy("work")
    alert = work.alert("target_drift", where={"region": "eu"})
    before = open_project(work.root)
    writable = WritablePaths.of(before.pipeline)  # read before anything runs
    told = work.retouch("run", alert, "--jobs", "2")
    assert told.code == 0, told
    run = work.last_run(alert)
    assert run.attempts[-1].kept
    texts, _ = changed_by(work.root, writable)
    plan = Plan.model_validate_json((work.report(alert) / "plan.json").read_text())
    report_id, commit = plan.report_id, toy.git("rev-parse", "HEAD").strip()
    destination = Destination(f"retouch/alert/{report_id}", commit)
    pack(
        folder / "packages",
        destination.proposal((report_id,), report_id=report_id),
        {
            alert: (work.root / alert).read_bytes(),
            **texts,
            **report_json(work.root, report_id, limit=10_000_000),
        },
        new_objects(before, run),
    )
    shutil.copyfile(work.root / alert, folder / "alert.json")
    shutil.rmtree(work.root)
    return Answered(folder, alert)


@dataclass
class World:
    """One copy of all of it, for one test."""

    folder: Path
    answered: Answered
    github: FakeGitHub
    clock: Clock

    @property
    def toy(self) -> Toy:
        return Toy(self.folder / "toy")

    @property
    def packages(self) -> Path:
        return self.folder / "packages"

    @property
    def branch(self) -> str:
        return f"retouch/alert/{self.answered.alert_id}"

    @property
    def repo(self) -> Repository:
        return Repository(Client(TOKEN, self.github.url, self.clock.waiting()), REPOSITORY)

    @property
    def site(self) -> Site:
        return Site(self.repo)

    def publish(self, **changed: Any) -> list[PublishResult]:
        publisher = Publisher(self.toy.root, changed.pop("site", self.site), "main", **changed)
        return list(publish(self.packages, publisher))

    def deliver(self) -> int:
        """Open the alert's pull request, and let the package know of it."""
        list(open_pull_requests([self.folder / "alert.json"], self.repo))
        pull = self.github.pulls[-1]
        self.change(head=self.github.git.head(self.branch), pull=pull["number"])
        return int(pull["number"])

    def change(self, name: str = "1", **changed: Any) -> None:
        """Change what a package says of itself."""
        path = self.packages / name / "proposal.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changed))

    def without_figures(self) -> None:
        """Leave out of the verdict what figures are drawn of, which takes a second each time."""
        path = self.packages / f"1/files/reports/{self.answered.alert_id}/verdict.json"
        verdict = json.loads(path.read_text())
        for judgement in verdict["judgements"]:
            judgement |= {"days": [], "checks": judgement["checks"][:1]}
        path.write_text(json.dumps(verdict))

    def end(self) -> dict[str, Any]:
        """Return what everything came to, without ids and times."""
        git, pulls = self.github.git, self.github.pulls
        mine = {name: sha for name, sha in git.branches().items() if name.startswith("retouch/")}
        return {
            "branches": {name: git.tree_of(sha) for name, sha in mine.items()},
            "messages": {
                name: git.git("log", "--format=%B", f"main..{name}").decode() for name in mine
            },
            "pulls": [(p["head"], p["state"], p["title"], p["labels"]) for p in pulls],
            "bodies": [_without_heads(p["body"] or "") for p in pulls],
            "comments": [
                (c["number"], c["author"], _without_heads(c["body"])) for c in self.github.comments
            ],
            "status": self.status(),
            "store": sorted(p.name for p in (self.folder / "store").rglob("*") if p.is_file()),
        }

    def command(self, *args: str) -> Told:
        """Type a command of ours in the checkout."""
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.chdir(self.toy.root),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = main(list(args))
        return Told(code, out.getvalue(), err.getvalue())

    def files_at(self, branch: str) -> dict[str, str]:
        """Return blob ids by path."""
        listed = self.github.git.git("ls-tree", "-r", branch).decode().splitlines()
        return {line.split("\t")[1]: line.split()[2] for line in listed}

    def status(self) -> tuple[str, str]:
        """Return our status on the head of the last pull request."""
        head = self.github.git.head(self.github.pulls[-1]["head"])
        found = [s for s in self.github.statuses if s["sha"] == head]
        return (found[-1]["state"], found[-1]["description"]) if found else ("", "")


def _without_heads(text: str) -> str:
    return re.sub(r"(/blob/|retouch:result v1 )[0-9a-f]{40}\b", r"\1HEAD", text)


@contextlib.contextmanager
def enter(folder: Path, answered: Answered) -> Iterator[World]:
    """Copy everything into a folder, and serve it; nothing may be asked that GitHub knows not."""
    shutil.copytree(answered.folder, folder, symlinks=True)
    toy = Toy(folder / "toy")
    toy.git("remote", "set-url", "origin", str(folder / "site.git"))
    with FakeGitHub(Bare(folder / "site.git")) as fake, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("GITHUB_API_URL", fake.url)
        patch.setenv("GITHUB_TOKEN", TOKEN)
        patch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        yield World(folder, answered, fake, Clock())
    assert fake.violations == []
