"""What the doctor looks at of DVC's data: is there a remote, and does it answer?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from retouch.errors import visible
from retouch.git_remote import store
from retouch.jobs.doctor.checkout import NO_NETWORK
from retouch.jobs.doctor.findings import Finding, each, fail, ok, skipped, warn
from retouch.system.processes import run

_OPEN = "`retouch store init`, or `dvc remote add --default NAME ADDRESS`: docs/storage.md."


def data_findings(root: Path, environment: Mapping[str, str], network: bool) -> Iterator[Finding]:
    """Yield what is found of the remote; `network`: whether it may be asked."""
    in_a_workflow = bool(environment.get("CI"))
    yield from each(("data", lambda: _remote(root, in_a_workflow, network)))


def _remote(root: Path, in_a_workflow: bool, network: bool) -> Finding:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    opened = store.opened(root)
    if opened is not None and opened.default:
        return _store(root, opened.branch.name, network)
    try:
        repo = Repo(str(root))
    except DvcException as error:
        return fail("data", f"DVC cannot open the project: {_line(error)}", "`dvc status`.")
    try:
        name = repo.config["core"].get("remote")
        if not name:
            return fail("data", "DVC has no default remote.", _OPEN)
        return _named(repo, str(name), in_a_workflow, network)
    finally:
        repo.close()


def _store(root: Path, branch: str, network: bool) -> Finding:
    if not network:
        return skipped("data", NO_NETWORK)
    asked = ["git", "ls-remote", "--heads", "origin", branch]
    done = run(asked, cwd=root, env={"GIT_TERMINAL_PROMPT": "0"})
    if done.exit_code:
        return skipped("data", f"`origin` cannot be asked: {done.last_lines(1)}")
    if not done.output.strip():
        message = f"The branch {branch}, DVC's remote here, is not on `origin` yet."
        return warn("data", message, "`dvc push && retouch store push`.")
    return ok("data", f"The branch {branch} is DVC's remote here, and on `origin`.")


def _named(repo: Any, name: str, in_a_workflow: bool, network: bool) -> Finding:
    from dvc.exceptions import DvcException

    where = str(repo.config["remote"].get(name, {}).get("url", ""))
    local = "://" not in where
    if not local and not network:
        return skipped("data", NO_NETWORK)
    try:
        odb = repo.cloud.get_remote_odb(name=name)
        there = odb.fs.exists(odb.path)
    except (DvcException, OSError, ValueError, ImportError) as error:
        message = f"DVC's remote {name} ({where}) cannot be reached: {_line(error)}"
        return fail("data", message, f"`dvc remote modify {name}`, or its credentials.")
    if local and in_a_workflow:
        message = f"DVC's remote {name} is a folder of this machine, which no other job sees."
        return warn("data", message, _OPEN)
    if local and not there:
        message = f"DVC's remote {name} is a folder that is not there yet: {where}."
        return warn("data", message, "`dvc push`.")
    if local:
        return ok("data", f"DVC's remote {name} is a folder; workflows use the branch instead.")
    return ok("data", f"DVC's remote {name} ({where}) answers.")


def _line(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return visible(lines[0][:300])
