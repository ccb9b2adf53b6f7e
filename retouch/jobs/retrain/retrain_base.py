"""Retrain for the alerts that lie on the base branch, and pack what came of each group."""

from __future__ import annotations

from pathlib import Path

from retouch.alerts.receipt import Receipt
from retouch.engine.project import Project
from retouch.execution.clean_checkout import added_files
from retouch.git import branches
from retouch.github.pulls import PullRequest, find_pull_request
from retouch.github.repository import Repository
from retouch.jobs.packages.overlap import Claim, answered_by
from retouch.jobs.packages.paths import WritablePaths
from retouch.jobs.retrain.authorization import heard_and_made
from retouch.jobs.retrain.branch_intake import TakenIn, take_in_all
from retouch.jobs.retrain.open_pulls import (
    LEFT_ALONE,
    checked_base,
    claims_of,
    fetched,
    our_pulls,
    readable,
)
from retouch.jobs.retrain.packing import Target
from retouch.jobs.retrain.process_group import EDITED, Case, Job, answer
from retouch.planning.model import Plan


def retrain_main(repo: Repository, base_branch: str, job: Job) -> tuple[Path, ...]:
    """Answer the groups of alerts that lie on the base branch and are due; return the packages.

    Raises InputError for a checkout that is not of the base branch.
    """
    base = checked_base(job.root, base_branch)
    writable = WritablePaths.of(Project(job.root).pipeline)
    pulls = our_pulls(repo, base_branch)
    brought = readable(job.root, pulls, base, writable)
    claims = tuple(c for n, theirs in brought.items() for c in claims_of(n, theirs))
    recorded = {i: r for theirs in brought.values() for i, r in theirs.receipts.items()}
    taken = _take_in(recorded, job)
    for fault in taken.others:
        job.say(fault)
    cases = []
    for group in taken.outcome.groups:
        ids = _not_discarded(repo, group.alert_ids, job)
        case = _case(ids, base, pulls, claims, taken, writable, job, repo) if ids else None
        cases += [case] if case else []
    return tuple(path for case in cases if (path := answer(case, writable, job)) is not None)


def _take_in(recorded: dict[str, Receipt], job: Job) -> TakenIn:
    with added_files(job.root, {}):
        trust, now = job.settings.trust, job.settings.clock()
        return take_in_all(Project(job.root), None, recorded, trust, job.event, now)


def _case(
    ids: tuple[str, ...],
    base: str,
    pulls: tuple[PullRequest, ...],
    claims: tuple[Claim, ...],
    taken: TakenIn,
    writable: WritablePaths,
    job: Job,
    repo: Repository,
) -> Case | None:
    """Return where a group is answered; None where that is being done, or people keep us away."""
    branch = f"retouch/retrain/{ids[0]}"
    there = next((one for one in pulls if one.head.ref == branch), None)
    held = there is not None and bool(LEFT_ALONE.intersection(there.labels))
    if held or answered_by(ids, branch, claims):
        return None
    saved = fetched(job.root, branch, base, writable)
    if saved is not None and saved.edited and not job.overwrites:
        job.say(f"{branch}: {EDITED}")
        return None
    head, number = saved.head if saved else None, there.number if there else None
    saved = heard_and_made(saved, repo, number, job.root, job.us) if saved else None
    laid = {**taken.receipts, **(saved.overrides if saved else {})}
    target = Target(branch, base, head, number)
    return Case(ids, target, taken.receipts_of(ids), laid, saved, claims=claims)


def _not_discarded(repo: Repository, alert_ids: tuple[str, ...], job: Job) -> tuple[str, ...]:
    """Return the alerts of a group but those whose pull request a person closed."""
    left = alert_ids
    while left:
        there = find_pull_request(repo, f"retouch/retrain/{left[0]}")
        if there is None or there.status != "closed" or job.asked:
            return left
        job.say(f"#{there.number} was closed, and its alerts are left at that.")
        gone = {left[0], *_answered_in(there, job.root)}
        left = tuple(alert_id for alert_id in left if alert_id not in gone)
    return left


def _answered_in(closed: PullRequest, root: Path) -> set[str]:
    """Return the alerts a closed pull request answered, which GitHub still knows."""
    head = branches.fetch(root, f"refs/pull/{closed.number}/head")
    if head is None:
        return set()
    paths = branches.paths_below(root, head, [f"reports/{closed.head.ref.rpartition('/')[2]}"])
    return _ids_in(branches.read_files(root, head, [p for p in paths if p.endswith("plan.json")]))


def _ids_in(plans: dict[str, bytes]) -> set[str]:
    found: set[str] = set()
    for raw in plans.values():
        try:
            found |= {alert.alert_id for alert in Plan.model_validate_json(raw).alerts}
        except ValueError:
            continue
    return found
