"""One run of one workflow by act, on this machine and away from whoever runs the tests."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.workflows import stubs

_SECONDS = 600


_TARGET = re.compile(r" (\d+|main)$")
"""In the name of the job that retrains."""


@dataclass(frozen=True)
class Ran:
    """A run that has ended. A job that was skipped is not in it."""

    workflow: str
    jobs: dict[str, str]
    """`success` or `failure`, by the job's name: `receive`, `retrain/retrain-1`, ..."""
    said: dict[str, str]
    """What the steps of each job wrote."""
    raw: str = field(repr=False)

    def __str__(self) -> str:
        logs = "\n".join(f"--- {job}\n{text}" for job, text in self.said.items())
        return f"{self.workflow}: {self.jobs}\n{logs or self.raw}"


def act(
    checkout: Path,
    workflow: str,
    event: str,
    payload: Path,
    *,
    env: Mapping[str, str],
    job_env: Mapping[str, str],
    token: str,
    variables: Mapping[str, str],
    secrets: Mapping[str, str],
) -> Ran:
    """Run a workflow of a checkout. `env` is all that reaches it of this process's environment."""
    command = [
        *(str(Path(sys.executable).with_name("act")), event, "--json", "--directory", "."),
        *("--workflows", f".github/workflows/{workflow}.yml", "--eventpath", str(payload)),
        *("--platform", "ubuntu-latest=-self-hosted", "--no-cache-server", "--no-skip-checkout"),
        *("--actor", "someone", "--concurrent-jobs", "2", "--pull=false"),
        # On GitHub the reference of a schedule, whose payload names none.
        *("--defaultbranch", "main"),
        *_each("--local-repository", {pin: str(folder) for pin, folder in stubs().items()}),
        *_each("--env", job_env),
        *_each("--var", variables),
        *_each("--secret", {**secrets, "GITHUB_TOKEN": token}),
    ]
    done = subprocess.run(
        command,
        cwd=checkout,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_SECONDS,
        check=False,
    )
    ran = _read(workflow, done.stdout.decode(errors="replace"))
    failed = any(result != "success" for result in ran.jobs.values())
    assert ran.jobs or not done.returncode, f"act could not run {workflow}\n{ran.raw}"
    assert bool(done.returncode) == failed, f"act ended with {done.returncode}\n{ran}"
    return ran


def _each(option: str, given: Mapping[str, str]) -> list[str]:
    return [arg for name, value in given.items() for arg in (option, f"{name}={value}")]


def _read(workflow: str, raw: str) -> Ran:
    jobs: dict[str, str] = {}
    said: dict[str, str] = defaultdict(str)
    for line in raw.splitlines():
        if not line.startswith("{"):
            continue
        told: dict[str, Any] = json.loads(line)
        job = _name(workflow, told.get("job", ""))
        if "jobResult" in told:
            jobs[job] = told["jobResult"]
        if told.get("raw_output") or told.get("stepResult") == "failure":
            said[job] += told["msg"].rstrip("\n") + "\n"
    return Ran(workflow, jobs, dict(said), raw)


def _name(workflow: str, job: str) -> str:
    """`alert/receive` is `receive`; jobs of a called workflow keep the name of the caller's job."""
    head, _, rest = job.strip().partition("/")
    if head == workflow:
        return rest.strip()
    called = rest.partition("/")[2].strip()
    return _TARGET.sub("", f"{head}/{called}")
