"""Retrain for one pull request, or for what lies on the base branch, and pack what came of it.

It happens in a checkout of the base branch. Of a pull request only alerts, their signatures and
what people have said of its checks are laid in, as data; its code, policies and params are never
run and never believed. Nothing is written but packages: the publishing job decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from retouch.engine.project import Project
from retouch.errors import CheckFailed, InputError
from retouch.execution.clean_checkout import added_files
from retouch.git import branches
from retouch.github.pulls import PullRequest, get_pull, is_from_own_branch
from retouch.github.repository import Repository
from retouch.jobs.packages.event import AlertPull
from retouch.jobs.packages.overlap import Claim
from retouch.jobs.packages.paths import WritablePaths
from retouch.jobs.retrain import packing
from retouch.jobs.retrain.authorization import heard_and_made
from retouch.jobs.retrain.branch_intake import Brought, TakenIn, take_in_all
from retouch.jobs.retrain.incoming import (
    Incoming,
    alert_files_of,
    files_of,
    read_incoming,
    wanted_of,
)
from retouch.jobs.retrain.open_pulls import (
    checked_base,
    claims_of,
    fetched,
    is_ours,
    our_pulls,
    own_branch,
    readable,
)
from retouch.jobs.retrain.packing import Target
from retouch.jobs.retrain.process_group import EDITED, Case, Job, answer

_ID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def retrain_pull(repo: Repository, number: int, job: Job) -> tuple[Path, ...]:
    """Answer the alerts that a pull request brings; return the folders of the packages.

    Raises InputError for a pull request that is not there, and a checkout that is not of its base.
    """
    found = get_pull(repo, number)
    if found is None:
        raise InputError(f"{repo.name}: there is no pull request {number}.")
    if found.status != "open" or not is_from_own_branch(repo, found):
        how = found.status if is_from_own_branch(repo, found) else "of a fork, and only planned"
        job.say(f"#{number} is {how}.")
        return ()
    base = checked_base(job.root, found.base.ref)
    writable = WritablePaths.of(Project(job.root).pipeline)
    incoming = fetched(job.root, found.head.ref, base, writable)
    if incoming is None:
        raise CheckFailed(f"{repo.name}#{number}: its branch is gone.", hint="Close it.")
    incoming = heard_and_made(incoming, repo, number, job.root, job.us)
    target = _target_of(repo, found, incoming, base, job.root)
    if incoming.faults:
        ids = tuple(filter(_ID.fullmatch, incoming.alert_ids))
        return (packing.write(job.out, target, ids, faults=incoming.faults),)
    if incoming.edited and not job.overwrites:
        job.say(f"#{number}: {EDITED}")
        return _edited(incoming, target, job)
    if not wanted_of(incoming):
        job.say(f"#{number} brings no alert.")
        return ()
    return _answers(repo, found, incoming, target, writable, job)


def _edited(incoming: Incoming, target: Target, job: Job) -> tuple[Path, ...]:
    """Pack nothing new: the publishing job sees for itself who committed, and says so there."""
    if not incoming.alerts:
        return ()
    ids, texts = incoming.alert_ids, incoming.alerts
    return (packing.write(job.out, target, ids, texts, message=EDITED),)


def _answers(
    repo: Repository,
    found: PullRequest,
    incoming: Incoming,
    target: Target,
    writable: WritablePaths,
    job: Job,
) -> tuple[Path, ...]:
    root, wanted = job.root, wanted_of(incoming)
    others = [one for one in our_pulls(repo, found.base.ref) if one.number != found.number]
    brought = readable(root, others, target.base, writable)
    claims = tuple(c for n, theirs in brought.items() for c in claims_of(n, theirs))
    saved = incoming
    if target.branch != incoming.branch and target.head is not None:
        saved = read_incoming(root, target.branch, target.head, target.base, writable)
        saved = heard_and_made(saved, repo, target.pull, root, job.us)
    taken = _take_in(incoming, saved, _sender(found, job), job)
    if taken.faults:
        return (packing.write(job.out, target, incoming.alert_ids, faults=taken.faults),)
    groups = _groups_with(wanted, taken, job)
    if not groups:
        return _recorded(incoming, saved, target, wanted, taken, job)
    alone = _ungrouped(incoming, groups)
    written = []
    for place, ids in enumerate(groups):
        goes_to, earlier = target, saved
        if place > 0:  # one branch takes one answer
            goes_to = own_branch(repo, ids[0], target.base, root)
            there = fetched(root, goes_to.branch, target.base, writable)
            earlier = heard_and_made(there, repo, goes_to.pull, root, job.us) if there else incoming
        case = _case(ids, () if place else alone, incoming, earlier, goes_to, taken, claims)
        written.append(answer(case, writable, job))
    return tuple(path for path in written if path is not None)


def _target_of(
    repo: Repository, found: PullRequest, incoming: Incoming, base: str, root: Path
) -> Target:
    """Return where the answer goes: to the pull request's branch, if that is one of ours.

    The branch of a person is never written to; what their alert came to gets one of its own.
    """
    if is_ours(repo, found):
        return Target(found.head.ref, base, incoming.head, found.number)
    if incoming.faults or not incoming.alert_ids:
        return Target(f"retouch/alert/pull-{found.number}", base)
    return own_branch(repo, incoming.alert_ids[0], base, root)


def _sender(found: PullRequest, job: Job) -> str:
    """Return who brought what a pull request brings: whoever pushed it, or its author."""
    event = job.event
    pushed = isinstance(event, AlertPull) and event.action in ("opened", "synchronize", "reopened")
    if pushed and isinstance(event, AlertPull) and event.number == found.number:
        return event.sender
    return found.author


def _take_in(incoming: Incoming, saved: Incoming, sender: str, job: Job) -> TakenIn:
    with added_files(job.root, files_of(incoming)):
        brought = Brought(incoming.head, frozenset(incoming.alert_ids), sender)
        trust, now = job.settings.trust, job.settings.clock()
        return take_in_all(Project(job.root), brought, saved.receipts, trust, job.event, now)


def _groups_with(wanted: Sequence[str], taken: TakenIn, job: Job) -> list[tuple[str, ...]]:
    """Return the groups due that hold one of these alerts; whoever asks need not wait."""
    found = [g.alert_ids for g in taken.outcome.groups if not set(wanted).isdisjoint(g.alert_ids)]
    return found or ([tuple(sorted(wanted))] if job.asked else [])


def _recorded(
    incoming: Incoming,
    saved: Incoming,
    target: Target,
    wanted: tuple[str, ...],
    taken: TakenIn,
    job: Job,
) -> tuple[Path, ...]:
    """Pack the receipts of alerts that are not to be planned now, unless the branch has them."""
    receipts = taken.receipts_of(wanted)
    there = branches.read_files(job.root, saved.head, list(receipts))
    if there == receipts and saved.ours and not saved.documents:
        job.say(f"{target.branch}: nothing new.")
        return ()
    texts = {**alert_files_of(wanted, incoming.alerts), **receipts}
    message = taken.says_of(wanted)
    return (packing.write(job.out, target, wanted, texts, message=message),)


def _ungrouped(incoming: Incoming, groups: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the alerts a branch brings that are in no group due; they are recorded with it."""
    grouped = {alert_id for ids in groups for alert_id in ids}
    return tuple(alert_id for alert_id in incoming.alert_ids if alert_id not in grouped)


def _case(
    ids: tuple[str, ...],
    alone: tuple[str, ...],
    incoming: Incoming,
    saved: Incoming,
    target: Target,
    taken: TakenIn,
    claims: tuple[Claim, ...],
) -> Case:
    mine = (*ids, *alone)
    texts = {**alert_files_of(mine, incoming.alerts), **taken.receipts_of(mine)}
    laid = {**files_of(incoming), **saved.overrides, **taken.receipts}
    earlier = saved if saved.branch == target.branch else None
    return Case(ids, target, texts, laid, earlier, alone, claims)
