"""The open pull requests of ours, and what their branches hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from retouch.errors import InputError
from retouch.git import branches, git
from retouch.github.pulls import PullRequest, find_pull_request, is_from_own_branch, list_open_pulls
from retouch.github.repository import Repository
from retouch.jobs.packages.overlap import Claim, certain
from retouch.jobs.packages.paths import WritablePaths
from retouch.jobs.retrain.incoming import Incoming, read_incoming
from retouch.jobs.retrain.packing import Target

_OURS = re.compile(r"retouch/(alert|retrain)/[0-7][0-9A-HJKMNP-TV-Z]{25}")
LEFT_ALONE = frozenset({"hold", "discarded"})
"""Labels by which people keep us away from a pull request."""


def is_ours(repo: Repository, pull: PullRequest) -> bool:
    """Say whether a pull request carries alerts or an answer, from a branch of ours."""
    return _OURS.fullmatch(pull.head.ref) is not None and is_from_own_branch(repo, pull)


def our_pulls(repo: Repository, base_branch: str) -> tuple[PullRequest, ...]:
    """Return the open pull requests of ours onto the base branch, oldest first."""
    return tuple(pull for pull in list_open_pulls(repo, base_branch) if is_ours(repo, pull))


def brought_by(
    root: Path, pulls: Iterable[PullRequest], base: str, writable: WritablePaths
) -> dict[int, Incoming]:
    """Return what the branches of these pull requests bring, by number; those gone are left out."""
    found = {}
    for pull in pulls:
        head = branches.fetch(root, pull.head.ref)
        if head is not None:
            found[pull.number] = read_incoming(root, pull.head.ref, head, base, writable)
    return found


def claims_of(number: int, incoming: Incoming) -> list[Claim]:
    """Return what the answers on a branch hold."""
    return [
        Claim(
            pull=number,
            branch=incoming.branch,
            report_id=plan.report_id,
            alert_ids=tuple(alert.alert_id for alert in plan.alerts),
            stages=certain(plan),
            kept=_is_kept(incoming, plan.report_id),
        )
        for plan in incoming.plans
    ]


def _is_kept(incoming: Incoming, report_id: str) -> bool:
    run = incoming.runs.get(report_id)
    return run is not None and bool(run.attempts) and run.attempts[-1].kept


def checked_base(root: Path, base_branch: str) -> str:
    """Return the commit checked out. Raises InputError unless it is one of the base branch's."""
    if git.top_level(root) != root.resolve():
        raise InputError(f"{root}: the loop needs the DVC project at the top of its repository.")
    head, tip = git.head_commit(root), branches.fetch(root, base_branch)
    if tip is None or not branches.is_ancestor(root, head, tip):
        raise InputError(
            f"HEAD ({head[:10]}) is no commit of the base branch {base_branch!r}.",
            hint=f"Check that out: `git checkout --detach origin/{base_branch}`.",
        )
    return head


def readable(
    root: Path, pulls: Iterable[PullRequest], base: str, writable: WritablePaths
) -> dict[int, Incoming]:
    """Return as `brought_by` does; a branch that cannot be read holds nothing up, and is left."""
    found: dict[int, Incoming] = {}
    for one in pulls:
        try:
            found |= brought_by(root, [one], base, writable)
        except InputError:
            continue
    return found


def fetched(root: Path, branch: str, base: str, writable: WritablePaths) -> Incoming | None:
    """Return what a branch of `origin` brings; None when there is no such branch."""
    head = branches.fetch(root, branch)
    return None if head is None else read_incoming(root, branch, head, base, writable)


def own_branch(repo: Repository, report_id: str, base: str, root: Path) -> Target:
    """Return the branch of a report that no alert's branch carries, and its pull request."""
    branch = f"retouch/retrain/{report_id}"
    there = find_pull_request(repo, branch)
    number = there.number if there is not None and there.status == "open" else None
    return Target(branch, base, branches.fetch(root, branch), number)
