"""A repository on a GitHub of our own: people push, merge and comment, and workflows run.

    scene.open_alert("performance", where="region=eu")   a monitor opens a pull request
    scene.merge(1)                                       a person merges it

Whatever a person does starts the workflows that GitHub would start, with their real files; what a
workflow does starts none, as on GitHub, but for what it dispatches.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.act import Ran, act
from tests.e2e.interpreter import Interpreter, Run
from tests.e2e.workflows import (
    FOLDER,
    for_act,
    permissions_of,
    read_workflow,
    starts,
    workflow_files,
)
from tests.github.bare import Bare
from tests.github.fake import REPOSITORY, Call, FakeGitHub, Reply, Route
from tests.github.protection import ACTIONS, Actor
from tests.github.site import Site
from tests.toy_project import Told, Toy
from tests.workflows.reading import OWN

ADDRESS = f"https://github.com/{REPOSITORY}"
_MEMORY = "github.pickle"


class GitHubOfJobs(FakeGitHub):
    """The fake GitHub, which knows the token of each job and lets it do what the job may."""

    def who(self, token: str) -> Actor | None:
        permissions = permissions_of(token)
        return super().who(token) if permissions is None else Actor(ACTIONS, permissions)

    def _refusal(self, route: Route, call: Call, token: str) -> Reply | None:
        refusal = super()._refusal(route, call, token)
        of_a_job = permissions_of(token.removeprefix("token ")) is not None
        missing = refusal is not None and refusal.status == 403
        if of_a_job and missing:
            self.violations.append(f"{token}: may not {route.name}")
        return refusal


@dataclass
class Scene:
    """All of it lies in one folder: `site.git`, `person` (a clone), `runner` (for act)."""

    folder: Path
    github: FakeGitHub
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    count: int = 0
    """How many workflows have run."""
    interpreter: Interpreter | None = None
    """In place of act."""

    @property
    def git(self) -> Bare:
        return self.github.git

    @property
    def person(self) -> Toy:
        return Toy(self.folder / "person")

    @property
    def main(self) -> str:
        """The commit of main."""
        head = self.git.head("main")
        assert head is not None
        return head

    def file(self, path: str, ref: str = "main") -> str:
        """Return a file's text as a branch or a tag has it."""
        raw = self.git.file(ref, path)
        assert raw is not None, f"{ref} has no {path}"
        return raw.decode()

    def tags(self) -> list[str]:
        """Return the tags, in the order of their names."""
        return self.git.git("tag", "--list").decode().split()

    # What people and monitors do.

    def push(self, message: str, *, seen: bool = True) -> list[Ran]:
        """Commit what lies in the person's clone to main, and push it."""
        before = self.main
        self.person.commit(message)
        self.person_git("push", "--quiet", "origin", "HEAD:main")
        return self._pushed(before) if seen else []

    def at_main(self) -> Toy:
        """Return the person's clone, at the newest main."""
        self.person_git("fetch", "--quiet", "--prune", "--tags", "--force", "origin")
        self.person_git("checkout", "--quiet", "--force", "-B", "main", "origin/main")
        return self.person

    def open_alert(self, kind: str, number: int = 1, **said: Any) -> tuple[int, list[Ran]]:
        """Let a monitor open a pull request for an alert; return its number and what ran."""
        self._deliver(kind, number, said)
        pull = int(self.github.pulls[-1]["number"])
        return pull, self.pull_event(pull, "opened")

    def dispatch(self, kind: str, number: int = 1, **said: Any) -> list[Ran]:
        """Let a monitor send an alert as a repository_dispatch."""
        self._deliver(kind, number, said, "--dispatch")
        return self.again()

    def again(self) -> list[Ran]:
        """Let the last repository_dispatch arrive once more."""
        sent = self.github.events[-1]
        payload = {"action": sent["event_type"], "client_payload": sent["client_payload"]}
        return self.happens("repository_dispatch", payload)

    def merge(self, number: int) -> list[Ran]:
        """Merge a pull request, as a person does on GitHub."""
        before, payload = self.main, self._pull_payload(number)
        self.github.merge(number)
        payload["pull_request"] |= {"merged": True, "state": "closed"}
        return [
            *self._pushed(before),
            *self.happens("pull_request", {**payload, "action": "closed"}, since=before),
        ]

    def close(self, number: int) -> list[Ran]:
        """Close a pull request without merging it."""
        payload = self._pull_payload(number)
        self.github.close(number)
        payload["pull_request"] |= {"merged": False, "state": "closed"}
        return self.happens("pull_request", {**payload, "action": "closed"})

    def comment(self, number: int, body: str, author: str = "alice") -> list[Ran]:
        """Comment on a pull request."""
        made = self.github.comment(number, body, author)
        at = self.github.comments[-1]["created_at"]
        user = {"login": author, "type": "User"}
        payload = {
            "action": "created",
            "issue": {"number": number, "pull_request": {}, "user": user},
            "comment": {
                "id": made,
                "body": body,
                "user": user,
                "created_at": at,
                "updated_at": at,
            },
            "sender": user,
        }
        return self.happens("issue_comment", payload)

    def start(self, workflow: str, **inputs: Any) -> list[Ran]:
        """Start a workflow by hand, or as another one did."""
        texts = {n: str(v).lower() if isinstance(v, bool) else v for n, v in inputs.items()}
        path = f".github/workflows/{workflow}.yml"
        payload = {"inputs": texts or None, "ref": "refs/heads/main", "workflow": path}
        return self.happens("workflow_dispatch", payload, only=workflow)

    def wakes(self, workflow: str) -> list[Ran]:
        """Let the hour of a scheduled workflow come."""
        [when] = read_workflow(FOLDER / f"{workflow}.yml")["on"]["schedule"]
        return self.happens("schedule", {"schedule": when["cron"]}, only=workflow)

    def hours_pass(self) -> list[Ran]:
        """Let the hour of every scheduled workflow come."""
        scheduled = [
            path.stem for path in workflow_files() if "schedule" in _workflow(path.stem)["on"]
        ]
        return [ran for workflow in scheduled for ran in self.wakes(workflow)]

    def rerun(self, run: Run) -> list[Ran]:
        """Press the button *Re-run failed jobs* of an interpreted run."""
        assert self.interpreter is not None
        return [self.interpreter.rerun(run).told(), *self._dispatched()]

    def interpreted(self) -> Interpreter:
        """Have workflows interpreted from now on, with a quick clock, instead of run by act."""
        programs, env = self.folder / "programs", environment(self.folder)
        programs.mkdir(exist_ok=True)
        quick = programs / "retouch"
        quick.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.e2e.quick "$@"\n')
        quick.chmod(0o755)
        known = env | {"PATH": f"{programs}{os.pathsep}{env['PATH']}"}
        jobs = self.folder / "jobs"
        jobs.mkdir(exist_ok=True)
        self.interpreter = Interpreter(
            jobs, self.folder / "runner", self.github, known, self.variables, self.secrets
        )
        return self.interpreter

    # What GitHub makes of it.

    def pull_event(self, number: int, action: str, **more: Any) -> list[Ran]:
        """Tell of a pull request: opened, synchronize, reopened."""
        return self.happens(
            "pull_request", {**self._pull_payload(number), "action": action, **more}
        )

    def happens(
        self,
        event: str,
        payload: Mapping[str, Any],
        *,
        only: str | None = None,
        since: str = "main",
    ) -> list[Ran]:
        """Run the workflows that the event starts, except `verify` and what no adopter copies."""
        # The payload of a schedule says when, and nothing of the repository.
        whole = dict(payload) if event == "schedule" else {**self._common(), **payload}
        changed = self._changed(event, whole, since)
        names = [only] if only else [path.stem for path in workflow_files()]
        ran = [
            self._run(name, event, whole)
            for name in names
            if name not in ("verify", *OWN) and starts(_workflow(name), event, whole, changed)
        ]
        return ran + self._dispatched()

    def retouch(self, *args: str) -> Told:
        """Run our command line in the person's clone, with their token."""
        known = {"GITHUB_TOKEN": self.github.token, "GITHUB_REPOSITORY": REPOSITORY}
        return said(self.folder, "retouch", *args, GITHUB_API_URL=self.github.url, **known)

    def person_git(self, *args: str) -> None:
        git(self.person.root, *args, env=environment(self.folder))

    def _pushed(self, before: str) -> list[Ran]:
        payload = {"ref": "refs/heads/main", "before": before, "after": self.main}
        return self.happens("push", payload)

    def _deliver(self, kind: str, number: int, said: Mapping[str, Any], *options: str) -> None:
        path = self.at_main().alert(kind, number, **said)
        known = self.github.login
        self.github.login = "monitor"
        told = self.retouch("alert", "open", path, *options)
        self.github.login = known
        assert told.code == 0, told
        (self.person.root / path).unlink()

    def _dispatched(self) -> list[Ran]:
        """Run what a workflow has dispatched, which is all of ours that starts another one."""
        ran: list[Ran] = []
        while self.github.dispatched:
            asked = self.github.dispatched.pop(0)
            ran += self.start(Path(asked["workflow"]).stem, **asked["inputs"])
        return ran

    def _run(self, name: str, event: str, payload: Mapping[str, Any]) -> Ran:
        runner, env = self.folder / "runner", environment(self.folder)
        # As on GitHub a run reads the workflow of a commit; act cannot parse all of it.
        git(runner, "fetch", "--quiet", "origin", "main", env=env)
        git(runner, "checkout", "--quiet", "--force", "-B", "main", "FETCH_HEAD", env=env)
        if self.interpreter is not None:
            return self.interpreter.start(name, event, payload, self.main).told()
        for path in (runner / ".github/workflows" / one.name for one in workflow_files()):
            path.write_text(for_act(path.stem, path.read_text()))
        number = self.count = self.count + 1
        told = self.folder / f"event-{number}.json"
        told.write_text(json.dumps(payload))
        artifacts = self.folder / f"artifacts-{number}-{name}"
        artifacts.mkdir()
        return act(
            runner,
            name,
            event,
            told,
            env=env,
            job_env={"GITHUB_API_URL": self.github.url, "ARTIFACTS": str(artifacts)},
            token=self.github.token,
            variables=self.variables,
            secrets=self.secrets,
        )

    def _common(self) -> dict[str, Any]:
        owner, _, name = REPOSITORY.partition("/")
        return {
            "repository": {
                "name": name,
                "full_name": REPOSITORY,
                "default_branch": "main",
                "owner": {"login": owner},
                "html_url": ADDRESS,
            },
            "sender": {"login": "someone", "type": "User"},
        }

    def _changed(self, event: str, payload: Mapping[str, Any], since: str) -> list[str]:
        if event == "push":
            between = [payload["before"], payload["after"]]
        elif event == "pull_request":
            between = [f"{since}...{payload['pull_request']['head']['sha']}"]
        else:
            return []
        return self.git.git("diff", "--name-only", "-z", *between).decode().split("\0")[:-1]

    def _pull_payload(self, number: int) -> dict[str, Any]:
        self.github.sync()
        pull = self.github.pull(number)
        owner, _, name = REPOSITORY.partition("/")
        return {
            "number": number,
            "pull_request": {
                "number": number,
                "state": "open",
                "title": pull["title"],
                "user": {"login": pull["author"]},
                "merged": False,
                "draft": False,
                "head": {
                    "ref": pull["head"],
                    "sha": pull["sha"],
                    "repo": {
                        "full_name": f"{pull['owner']}/{name}",
                        "fork": pull["owner"] != owner,
                    },
                },
                "base": {"ref": "main", "sha": self.main, "repo": {"full_name": REPOSITORY}},
            },
        }


def stand_on(ground: Path, folder: Path) -> Scene:
    """Return a scene in a folder that starts as a copy of the ground, or of one that was kept."""
    shutil.copytree(ground, folder, symlinks=True)
    github = GitHubOfJobs(Bare(folder / "site.git"))
    scene = Scene(folder, github)
    if (folder / _MEMORY).exists():
        scene.count, memory = pickle.loads((folder / _MEMORY).read_bytes())
        vars(github).update(memory)
    return scene


def keep(scene: Scene) -> None:
    """Leave in its folder what GitHub knows, so that others can stand on it."""
    names = vars(Site(scene.git)).keys() - {"git"}
    memory = {name: getattr(scene.github, name) for name in sorted(names)}
    (scene.folder / _MEMORY).write_bytes(pickle.dumps((scene.count, memory)))


def environment(folder: Path) -> dict[str, str]:
    """Return all that a process is given: nothing of whoever runs the tests gets through."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    (folder / "gitconfig").write_text(
        f"[include]\n    path = {os.environ['GIT_CONFIG_GLOBAL']}\n"
        f'[url "file://{folder}/site.git"]\n    insteadOf = {ADDRESS}\n'
    )
    kept = ("PATH", "PYTHONPATH", "MPLCONFIGDIR", "GIT_CONFIG_NOSYSTEM", "DVC_NO_ANALYTICS")
    return {name: os.environ[name] for name in kept} | {
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "GIT_PAGER": "cat",
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site"),
        "NO_PROXY": "127.0.0.1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def said(folder: Path, program: str, *args: str, **more: str) -> Told:
    """Run a Python program in the person's clone: `retouch` or `dvc`."""
    done = subprocess.run(
        [sys.executable, "-m", program, *args],
        cwd=folder / "person",
        env=environment(folder) | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Told(done.returncode, done.stdout, done.stderr)


def _workflow(name: str) -> dict[str, Any]:
    return read_workflow(FOLDER / f"{name}.yml")


def git(folder: Path, *args: str, env: Mapping[str, str]) -> str:
    done = subprocess.run(
        ["git", *args], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"git {args}\n{done.stderr}"
    return done.stdout
