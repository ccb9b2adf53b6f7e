"""A light interpreter of workflow files in place of act: the real `run:` of every step, in order.

It is there for tables of hundreds of runs, where act is too slow, and it does what act cannot: end
a job in the middle, run the failed jobs of a run again, and tell the fake GitHub of jobs and their
logs. Permissions come from the token of each job, as under act. It knows no services, containers,
time limits or concurrency. Actions are ours, or stand in `tests/actions`; jobs run one at a time.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.e2e.act import Ran
from tests.e2e.expressions import Names, filled, holds, text_of
from tests.e2e.workflows import STUBS, read_workflow, token_of
from tests.github.fake import FakeGitHub

_SECONDS = 300


@dataclass
class Run:
    """A run of a workflow, whose failed jobs can be run again."""

    number: int
    workflow: str
    event: str
    payload: Mapping[str, Any]
    sha: str
    attempt: int = 1
    results: dict[str, str] = field(default_factory=dict)
    """`success`, `failure` or `skipped`, by the job's name within the run."""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return "failure" in self.results.values()

    def told(self) -> Ran:
        """Return it as runs of act are told."""
        jobs = {name: result for name, result in self.results.items() if result != "skipped"}
        return Ran(self.workflow, jobs, dict(self.said), "")


@dataclass
class Interpreter:
    """Runs workflows of a clone, each job in a folder of its own."""

    folder: Path
    """For what jobs leave."""
    checkout: Path
    """A clone whose workflow files count."""
    github: FakeGitHub
    env: Mapping[str, str]
    """All that reaches a job of this process's environment."""
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    on_job: Callable[[Run, str], None] = lambda run, job: None
    """Called as a job begins."""
    after_job: Callable[[Run, str], None] = lambda run, job: None
    _process: subprocess.Popen[bytes] | None = None

    def start(self, workflow: str, event: str, payload: Mapping[str, Any], sha: str) -> Run:
        """Run a workflow as a commit has it."""
        known = [one.number for one in self.runs] + [job["run"] for job in self.github.jobs]
        run = Run(max(known, default=0) + 1, workflow, event, payload, sha)
        self.runs.append(run)
        self._run(run)
        return run

    def rerun(self, run: Run) -> Run:
        """Run the failed jobs of a run again, and those that need them."""
        run.attempt += 1
        failed = {name for name, result in run.results.items() if result == "failure"}
        for name in failed:
            del run.results[name]
        self._run(run)
        return run

    def kill(self) -> None:
        """End the step that runs, and all that it started, as a runner that dies would."""
        assert self._process is not None
        with_children = [self._process.pid, *self.descendants()]
        for pid in with_children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def descendants(self) -> list[int]:
        """Return the processes that the step has started."""
        if self._process is None:
            return []
        try:
            return [p.pid for p in psutil.Process(self._process.pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _run(self, run: Run) -> None:
        document = read_workflow(self.checkout / f".github/workflows/{run.workflow}.yml")
        inputs = self._inputs(document, run)
        _Calls(self, run, run.workflow, "", inputs, self.secrets).all(document)

    def _inputs(self, document: Mapping[str, Any], run: Run) -> dict[str, Any]:
        declared = ((document["on"].get(run.event) or {}) if run.event != "schedule" else {}) or {}
        given = run.payload.get("inputs") or {}
        found = {}
        for name, facts in (declared.get("inputs") or {}).items():
            value = given.get(name, facts.get("default", ""))
            found[name] = str(value).lower() == "true" if facts.get("type") == "boolean" else value
        return found

    def shell(self, script: str, folder: Path, env: Mapping[str, str], log: Path) -> bool:
        """Run a script as the runner does; tell whether it succeeded."""
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
                cwd=folder,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            code = self._process.wait(_SECONDS)
        return code == 0


@dataclass
class _Calls:
    """The jobs of one workflow file, within a run: the run's own, or one that it calls."""

    interpreter: Interpreter
    run: Run
    file: str
    prefix: str
    inputs: Mapping[str, Any]
    secrets: Mapping[str, Any]
    anew: set[str] = field(default_factory=set)
    """Jobs that this attempt has run."""

    def all(self, document: Mapping[str, Any]) -> dict[str, str]:
        """Run all jobs, after those that they need; return the outputs of the workflow."""
        jobs = document["jobs"]
        for name in _ordered(jobs):
            self._job(name, jobs[name])
        declared = ((document["on"].get("workflow_call") or {}).get("outputs")) or {}
        facts = {"outputs": self.run.outputs, "result": self.run.results}
        done = {job: {key: facts[key].get(self.prefix + job) for key in facts} for job in jobs}
        names = self._names({}, [], jobs=done)
        return {name: text_of(filled(told["value"], names)) for name, told in declared.items()}

    def _job(self, name: str, body: Mapping[str, Any]) -> None:
        needs = body.get("needs", [])
        needs = [needs] if isinstance(needs, str) else needs
        own = self.prefix + name
        upstream = [self._result(need) for need in needs]
        again = any(self.prefix + need in self.anew for need in needs)
        if not again and own in self.run.results:
            return
        names = self._names({need: need for need in needs}, upstream)
        if not holds(body.get("if"), names):
            self.run.results[own] = "skipped"
            return
        self.run.results.pop(own, None)
        self.anew.add(own)
        legs = list(_legs(filled(body.get("strategy", {}).get("matrix", {}), names)))
        for number, matrix in enumerate(legs):
            leg = own if len(legs) == 1 else f"{own}-{number + 1}"
            if again or "uses" in body or leg not in self.run.results:
                self._leg(leg, name, body, needs, matrix)

    def _leg(
        self,
        leg: str,
        name: str,
        body: Mapping[str, Any],
        needs: list[str],
        matrix: Mapping[str, Any],
    ) -> None:
        names = self._names({need: need for need in needs}, [], matrix=matrix)
        if "uses" in body:
            self._call(leg, body, names)
            return
        shown = text_of(filled(body.get("name", name), names))
        title = f"{leg.rpartition('/')[0].replace('/', ' / ')} / {shown}" if "/" in leg else shown
        _Job(self, leg, name, title, body, matrix, {need: need for need in needs}).whole()

    def _call(self, leg: str, body: Mapping[str, Any], names: Names) -> None:
        file = Path(body["uses"]).stem
        document = read_workflow(self.interpreter.checkout / f".github/workflows/{file}.yml")
        declared = document["on"]["workflow_call"] or {}
        given = filled(body.get("with", {}), names)
        inputs = {
            name: given.get(name, facts.get("default", ""))
            for name, facts in (declared.get("inputs") or {}).items()
        }
        secrets = body.get("secrets", {})
        passed = self.secrets if secrets == "inherit" else filled(secrets, names)
        called = _Calls(self.interpreter, self.run, file, f"{leg}/", inputs, passed)
        self.run.outputs[leg] = called.all(document)

    def _result(self, need: str) -> str:
        own = self.prefix + need
        found = [
            result
            for name, result in self.run.results.items()
            if name == own or name.startswith((f"{own}/", f"{own}-"))
        ]
        for result in ("failure", "success"):
            if result in found:
                return result
        return "skipped"  # or not run yet

    def _names(
        self,
        needs: Mapping[str, str],
        upstream: list[str],
        *,
        matrix: Mapping[str, Any] = {},
        jobs: Mapping[str, Any] = {},
    ) -> Names:
        told = {
            need: {
                "result": self._result(need),
                "outputs": self.run.outputs.get(self.prefix + need, {}),
            }
            for need in needs
        }
        contexts = self.common() | {"needs": told, "matrix": matrix, "jobs": jobs}
        functions: dict[str, Callable[..., Any]] = {
            "success": lambda: all(result == "success" for result in upstream),
            "failure": lambda: "failure" in upstream,
            "always": lambda: True,
            "cancelled": lambda: False,
        }
        return Names(contexts, functions)

    def common(self) -> dict[str, Any]:
        """Return the contexts that are the same for all jobs of the file."""
        run, github = self.run, self.interpreter.github
        pull = run.payload.get("pull_request")
        ref = f"refs/pull/{pull['number']}/merge" if pull else f"refs/heads/{github.default_branch}"
        return {
            "github": {
                "event": dict(run.payload),
                "event_name": run.event,
                "repository": github.name,
                "repository_owner": github.owner,
                "ref": ref,
                "ref_name": ref.removeprefix("refs/heads/").removeprefix("refs/pull/"),
                "base_ref": pull["base"]["ref"] if pull else "",
                "head_ref": pull["head"]["ref"] if pull else "",
                "sha": run.sha,
                "actor": "someone",
                "workflow": run.workflow,
                "run_id": str(run.number),
                "run_attempt": str(run.attempt),
                "server_url": "https://github.com",
                "api_url": github.url,
                "token": "",
            },
            "inputs": dict(self.inputs),
            "vars": dict(self.interpreter.variables),
            "secrets": dict(self.secrets),
            "env": {},
            "steps": {},
            "runner": {"os": "Linux", "arch": "X64"},
            "strategy": {},
            "needs": {},
            "matrix": {},
        }


@dataclass
class _Job:
    """One job in a folder of its own."""

    calls: _Calls
    own: str
    name: str
    title: str
    body: Mapping[str, Any]
    matrix: Mapping[str, Any]
    needs: Mapping[str, str]

    def whole(self) -> None:
        """Run its steps, and note what came of it."""
        run, interpreter = self.calls.run, self.calls.interpreter
        count = f"{run.number}-{run.attempt}-{self.own.replace('/', '-')}"
        self.root = interpreter.folder / f"job-{count}"
        shutil.rmtree(self.root, ignore_errors=True)
        self.work, self.temp = self.root / "work", self.root / "temp"
        for folder in (self.work, self.temp):
            folder.mkdir(parents=True)
        self.log = self.root / "log"
        self.log.touch()
        self.token = token_of(self.calls.file, self.name)
        self.names = self.calls._names(self.needs, [], matrix=self.matrix)
        contexts = dict(self.names.contexts)
        contexts["github"] = contexts["github"] | {"token": self.token}
        contexts["runner"] = contexts["runner"] | {"temp": str(self.temp)}
        self.env = self._environment(contexts["github"])
        shown = interpreter.github.ran(run.number, self.title, None, attempt=run.attempt)
        interpreter.on_job(run, self.own)
        good, steps = self._steps(self.body["steps"], contexts, {})
        interpreter.after_job(run, self.own)
        names = Names(contexts | {"steps": steps}, self._functions(good))
        outputs = filled(self.body.get("outputs", {}), names)
        run.outputs[self.own] = {key: text_of(value) for key, value in outputs.items()}
        run.results[self.own] = "success" if good else "failure"
        run.said[self.own] = self.log.read_text(errors="replace")
        shutil.rmtree(self.root, ignore_errors=True)
        interpreter.github.ends(shown, run.results[self.own], run.said[self.own])

    def _environment(self, github: Mapping[str, Any]) -> dict[str, str]:
        run, interpreter = self.calls.run, self.calls.interpreter
        event = self.root / "event.json"
        event.write_text(json.dumps(dict(run.payload)))
        artifacts = interpreter.folder / f"artifacts-{run.number}"
        artifacts.mkdir(exist_ok=True)
        upper = ("repository", "ref", "ref_name", "sha", "actor", "workflow", "event_name")
        return dict(interpreter.env) | {
            **{f"GITHUB_{name.upper()}": str(github[name]) for name in upper},
            "GITHUB_RUN_ID": github["run_id"],
            "GITHUB_RUN_ATTEMPT": github["run_attempt"],
            "GITHUB_JOB": self.name,
            "GITHUB_SERVER_URL": github["server_url"],
            "GITHUB_API_URL": github["api_url"],
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_WORKSPACE": str(self.work),
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_OS": "Linux",
            "ARTIFACTS": str(artifacts),
        }

    def _steps(
        self, steps: list[Any], contexts: Mapping[str, Any], more: Mapping[str, str]
    ) -> tuple[bool, dict[str, Any]]:
        """Run steps one after the other; return whether all succeeded, and what they put out."""
        good, done = True, dict[str, Any]()
        for number, step in enumerate(steps):
            names = Names({**contexts, "steps": done, "env": more}, self._functions(good))
            if not holds(step.get("if"), names):
                continue
            ok, outputs = self._step(step, names, more)
            outcome = "success" if ok else "failure"
            told = {"outputs": outputs, "outcome": outcome, "conclusion": outcome}
            done[step.get("id", f"step-{number}")] = told
            good = good and (ok or step.get("continue-on-error") is True)
        return good, done

    def _step(
        self, step: Mapping[str, Any], names: Names, more: Mapping[str, str]
    ) -> tuple[bool, dict[str, str]]:
        given = {key: text_of(value) for key, value in filled(step.get("env", {}), names).items()}
        if "run" in step:
            return self._script(text_of(filled(step["run"], names)), {**more, **given})
        uses = step["uses"]
        folder = self.work / uses if uses.startswith("./") else STUBS / uses.split("@")[0][8:]
        path = folder / "action.yml"
        action = read_workflow(path)
        values = filled(step.get("with", {}), names)
        plain = Names({**names.contexts, "inputs": {}}, names.functions)
        inputs = {
            name: text_of(values.get(name, filled(facts.get("default", ""), plain)))
            for name, facts in (action.get("inputs") or {}).items()
        }
        unknown = values.keys() - inputs.keys()
        assert not unknown, f"{uses} takes no {unknown}"
        inner = {**names.contexts, "inputs": inputs}
        inner["github"] = names.contexts["github"] | {"action_path": str(folder)}
        good, steps = self._steps(action["runs"]["steps"], inner, {**more, **given})
        told = Names({**inner, "steps": steps}, names.functions)
        outputs = action.get("outputs") or {}
        return good, {n: text_of(filled(facts["value"], told)) for n, facts in outputs.items()}

    def _script(self, script: str, more: Mapping[str, str]) -> tuple[bool, dict[str, str]]:
        files = {name: self.root / name.lower() for name in ("OUTPUT", "ENV", "PATH")}
        files["STEP_SUMMARY"] = self.root / "summary"
        for path in files.values():
            path.write_text("")
        env = self.env | more | {f"GITHUB_{name}": str(path) for name, path in files.items()}
        good = self.calls.interpreter.shell(script, self.work, env, self.log)
        self.env |= _assignments(files["ENV"].read_text())
        paths = files["PATH"].read_text().split()
        self.env["PATH"] = os.pathsep.join([*reversed(paths), self.env["PATH"]])
        return good, _assignments(files["OUTPUT"].read_text())

    def _functions(self, good: bool) -> dict[str, Callable[..., Any]]:
        return {
            "success": lambda: good,
            "failure": lambda: not good,
            "always": lambda: True,
            "cancelled": lambda: False,
            "hashFiles": self._hash_files,
        }

    def _hash_files(self, *patterns: str) -> str:
        files = sorted(p for pattern in patterns for p in self.work.glob(pattern) if p.is_file())
        if not files:
            return ""
        return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _ordered(jobs: Mapping[str, Any]) -> list[str]:
    """Return the names of jobs, each after those that it needs."""
    found: list[str] = []

    def add(name: str) -> None:
        needs = jobs[name].get("needs", [])
        for need in [needs] if isinstance(needs, str) else needs:
            add(need)
        if name not in found:
            found.append(name)

    for name in jobs:
        add(name)
    return found


def _legs(matrix: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the legs of a matrix; without one there is one leg."""
    axes = {name: values for name, values in matrix.items() if name not in ("include", "exclude")}
    for chosen in itertools.product(*axes.values()):
        yield dict(zip(axes, chosen, strict=True))


def _assignments(text: str) -> dict[str, str]:
    """Read `name=value` lines, and values of several lines between two marks."""
    found, lines = dict[str, str](), iter(text.splitlines())
    for line in lines:
        name, sign, value = line.partition("=")
        mark, several, end = line.partition("<<")
        if several and (not sign or len(mark) < len(name)):
            found[mark] = "\n".join(itertools.takewhile(end.__ne__, lines))
        elif sign:
            found[name] = value
    return found
