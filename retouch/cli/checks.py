"""Checks of the repository: doctor, verify, and the merge driver of dvc.lock."""

from __future__ import annotations

import json
import os
import shlex
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from retouch.cli.console import terminal
from retouch.cli.options import (
    JOBS,
    JSON,
    PATH,
    current_project,
    exit_with,
    now,
    plain_lines,
    repository_from_environment,
)
from retouch.engine.project import Project
from retouch.errors import CheckFailed, InputError, visible
from retouch.github.repository import Repository
from retouch.lockfile.integrity import REPAIR_COMMAND, Integrity
from retouch.system import files
from retouch.system.processes import cpu_count

if TYPE_CHECKING:
    from retouch.jobs.doctor.findings import Diagnosis

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "skipped": "dim"}


@click.command("doctor")
@click.option(
    "--offline",
    is_flag=True,
    help="Contact neither the git remote, nor the DVC remote, nor GitHub.",
)
@JSON
def doctor(offline: bool, as_json: bool) -> None:
    """Check that everything is set up, and print how to fix it.

    Checks the checkout, the policies, the DVC remote and the workflows; with GITHUB_TOKEN and
    GITHUB_REPOSITORY also the token's permissions. A check that cannot be made is skipped, with the
    reason. Changes nothing. Exit code 1 when a check fails.
    """
    from retouch.jobs.doctor.doctor import examine
    from retouch.jobs.doctor.github import GitHubAccess

    asking = GitHubAccess(not offline, _repository)
    found = examine(Path.cwd(), os.environ, asking)
    if as_json:
        click.echo(found.to_json(), nl=False)
    else:
        _print(found)
    exit_with(0 if found.healthy else CheckFailed.exit_code)


def _repository() -> Repository:
    """Return the repository that the environment names, without retries: doctor should be quick."""
    from retouch.github.client import API_URL, Client, Timing

    named = repository_from_environment()
    address = os.environ.get("GITHUB_API_URL") or API_URL
    timing = Timing(timeout=(5.0, 10.0), max_total_wait=0.0)
    return Repository(Client(os.environ.get("GITHUB_TOKEN", ""), address, timing), named.name)


def _print(found: Diagnosis) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, show_header=False)
    for finding in found.findings:
        message = Text(visible(finding.message))
        if finding.hint:
            message.append(f"\n{visible(finding.hint)}", style="dim")
        status = Text(finding.status, style=_COLOURS[finding.status])
        table.add_row(status, finding.about, message)
    terminal().print(table)


@click.command("verify")
@click.option(
    "--commit", default="HEAD", show_default=True, metavar="REF", help="The commit to check."
)
@click.option("--base", metavar="REF", help="Check it as the head of a branch to be merged here.")
@click.option("--data", is_flag=True, help="Check that the cache or the remote has every output.")
@click.option("--hash", "every_byte", is_flag=True, help="With --data: read and hash all of it.")
@click.option("--repair", is_flag=True, help="Rerun doubtful stages; the commit must be HEAD.")
@click.option("--mend", "repair", is_flag=True, hidden=True)  # the former name of --repair
@click.option(
    "--install-driver", is_flag=True, help="Configure this clone to merge dvc.lock by stage."
)
@JOBS
@JSON
def verify(
    commit: str,
    base: str | None,
    data: bool,
    every_byte: bool,
    repair: bool,
    install_driver: bool,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Check that every entry of dvc.lock is the result of a run.

    Git merges dvc.lock line by line, and may combine the inputs of two runs with the output of one:
    DVC then finds nothing to do, and the model is wrong. After a merge every entry must be that of
    a parent commit, or of a run's receipt in reports/. Exit code 1 when one is not, or when DVC
    would run a stage.
    """
    project = current_project()
    if install_driver:
        _install_driver(project.root)
    elif repair:
        if commit != "HEAD":
            raise InputError("--repair: works on HEAD only.", hint=f"Check out {commit} first.")
        _repair(project, base, jobs or cpu_count())
    else:
        found = _checked(project, commit, base, data or every_byte, every_byte, jobs or cpu_count())
        click.echo(_json(found) if as_json else _lines(found))
        exit_with(0 if found.sound else CheckFailed.exit_code)


def _checked(
    project: Project, commit: str, base: str | None, data: bool, every_byte: bool, jobs: int
) -> Integrity:
    """Check a commit; while bytes are read, a person at a terminal sees which."""
    from retouch.jobs.verify.verify import Bytes
    from retouch.jobs.verify.verify import verify as check_lock

    console = Console(stderr=True)
    with console.status("") if console.is_terminal else nullcontext() as status:

        def show(path: str) -> None:
            if status is not None:
                status.update(f"Reading {escape(visible(path))}")

        how = Bytes(jobs, show) if every_byte else None
        return check_lock(project, commit=commit, base=base, data=data, every_byte=how)


def _json(found: Integrity) -> str:
    document = {**found.model_dump(mode="json"), "sound": found.sound, "message": found.message}
    return json.dumps(document, indent=2, ensure_ascii=False)


def _lines(found: Integrity) -> str:
    """Return the findings about a commit, one a line."""
    counts = {
        "same_as_parent": "as in a parent commit",
        "recorded": "as recorded by a run",
        "made_here": "changed in this commit, without a receipt",
        "first": "in the first commit, with nothing to compare with",
        "doubtful": "doubtful",
    }
    each = [f"{n} {words}" for kind, words in counts.items() if (n := len(found.named(kind)))]  # type: ignore[arg-type]
    word = "Sound" if found.sound else "Not sound"
    of = f"{len(found.entries)} entries of dvc.lock"
    lines = [
        *found.message,
        f"{word}: {of}: {', '.join(each)}." if each else f"{word}: no entries.",
    ]
    made = found.named("made_here")
    if made:
        lines.append(f"Without a receipt: {', '.join(made)}.")
    return visible("\n".join(lines))


def _repair(project: Project, base: str | None, jobs: int) -> None:
    from retouch.engine.run import Settings
    from retouch.jobs.verify.verify import repair as repair_lock

    settings = Settings(jobs, plain_lines(project), now)
    repaired = repair_lock(project, settings, base=base)
    if repaired.recovered:
        click.echo(f"Undid an interrupted run: {repaired.recovered}.")
    if not repaired.receipts:
        click.echo("Nothing to repair.")
        return
    for receipt in repaired.receipts:
        click.echo(visible(f"{receipt.stage}: {receipt.outcome}: {receipt.because}."))
    if repaired.changed:
        click.echo(visible(f"The results differ from dvc.lock: {', '.join(repaired.changed)}."))
    else:
        click.echo("The results are those in dvc.lock, and now have a receipt.")
    click.echo("Commit them with reports/mend/: `git add --update && git add reports/mend`.")


def _install_driver(root: Path) -> None:
    """Write the merge driver into this clone's git configuration."""
    from retouch.git import history

    command = f"{shlex.quote(sys.executable)} -m retouch merge-lock %O %A %B %P"
    history.install_merge_driver(root, "retouch-lock", "dvc.lock by stage", command)
    click.echo("This clone now merges dvc.lock by stage, where .gitattributes contains:")
    click.echo("  dvc.lock merge=retouch-lock")


@click.command("merge-lock")
@click.argument("base", type=PATH)
@click.argument("ours", type=PATH)
@click.argument("theirs", type=PATH)
@click.argument("path", default="dvc.lock")
def merge_lock(base: Path, ours: Path, theirs: Path, path: str) -> None:
    """Merge two versions of dvc.lock by stage (git merge driver).

    The result is written to OURS. A stage that both sides ran with different results is left out:
    the file stays valid, DVC runs that stage again, and exit code 1 makes git report a conflict.
    `retouch verify --install-driver` installs the driver.
    """
    from retouch.lockfile.integrity import merge_locks

    texts = [files.read_text(file, limit=50_000_000) for file in (base, ours, theirs)]
    merged = merge_locks(*texts, source=path)
    files.write_text(ours, merged.text)
    if merged.left_out:
        names = ", ".join(merged.left_out)
        message = (
            f"{path}: both sides ran {names}, with different results. The file is valid and has"
            f" no entry for them: `git add {shlex.quote(path)}`, commit, then `{REPAIR_COMMAND}`."
        )
        click.echo(visible(message), err=True)
        exit_with(CheckFailed.exit_code)
