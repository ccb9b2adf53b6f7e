"""Hold every open answer against the base branch as it is now: which of them must be made anew.

It only reads and plans. Another job, with the right to write, says so on the pull requests; a
third retrains.
"""

from __future__ import annotations

from typing import Literal

from retouch.documents import Value
from retouch.engine.project import Project
from retouch.errors import InputError, RetouchError
from retouch.execution.clean_checkout import added_files
from retouch.github.pulls import PullRequest
from retouch.github.repository import Repository
from retouch.jobs.packages.overlap import Claim, certain, waits_for
from retouch.jobs.packages.paths import WritablePaths
from retouch.jobs.retrain.authorization import heard
from retouch.jobs.retrain.branch_intake import Brought, TakenIn, take_in_all
from retouch.jobs.retrain.incoming import Incoming, files_of, wanted_of
from retouch.jobs.retrain.open_pulls import (
    LEFT_ALONE,
    brought_by,
    checked_base,
    claims_of,
    our_pulls,
)
from retouch.jobs.retrain.packing import Target as Place
from retouch.jobs.retrain.process_group import Case, Job, is_settled, plan_of, vouched
from retouch.jobs.retrain.receive import Stale, Target
from retouch.planning.model import Plan

Standing = Literal["fresh", "stale", "due", "waiting", "edited", "held", "faulty"]
MOST_STAGES = 4


class Looked(Value):
    """Where one pull request stands against the base branch."""

    pull: int
    standing: Standing
    message: str


class Refreshed(Value):
    """What a look at all open answers came to."""

    any: bool
    targets: tuple[Target, ...]
    stale: tuple[Stale, ...]
    pulls: tuple[Looked, ...]


def refresh(repo: Repository, base_branch: str, job: Job) -> Refreshed:
    """Say of each open pull request of ours whether its answer still fits. Changes nothing.

    Raises InputError for a checkout that is not of the base branch.
    """
    base = checked_base(job.root, base_branch)
    writable = WritablePaths.of(Project(job.root).pipeline)
    pulls = our_pulls(repo, base_branch)
    brought: dict[int, Incoming] = {}
    unread: dict[int, str] = {}
    for one in pulls:
        try:
            held = brought_by(job.root, [one], base, writable)
            brought |= {n: heard(theirs, repo, n) for n, theirs in held.items()}
        except InputError as error:
            unread[one.number] = str(error)
    claims = tuple(c for n, theirs in brought.items() for c in claims_of(n, theirs))
    looked, stale = [], []
    for one in pulls:
        incoming = brought.get(one.number)
        if incoming is None:
            message = unread.get(one.number, "Its branch is gone.")
            looked.append(Looked(pull=one.number, standing="faulty", message=message))
            continue
        found, what = _look(one, incoming, base, claims, writable, job)
        looked.append(found)
        if what is not None:
            stale.append(Stale(pull=one.number, head=incoming.head, message=what))
    anew = tuple(Target(pull=f.pull) for f in looked if f.standing in ("stale", "due"))
    return Refreshed(any=bool(anew), targets=anew, stale=tuple(stale), pulls=tuple(looked))


def _look(
    one: PullRequest,
    incoming: Incoming,
    base: str,
    claims: tuple[Claim, ...],
    writable: WritablePaths,
    job: Job,
) -> tuple[Looked, str | None]:
    """Return where it stands, and what its status is to say when it is stale."""

    def told(standing: Standing, message: str) -> tuple[Looked, None]:
        return Looked(pull=one.number, standing=standing, message=message), None

    if LEFT_ALONE.intersection(one.labels):
        return told("held", "A person holds it.")
    if incoming.faults:
        return told("faulty", incoming.faults[0])
    if incoming.edited:
        return told("edited", "A person committed to its branch.")
    try:
        fresh, ids = _fresh(incoming, one.author, job)
    except RetouchError as error:
        return told("faulty", error.message)
    if fresh is None and not incoming.plans:
        return told("fresh", "Its alerts are not due.")
    if fresh is None:
        return _stale(one, "stale, being refreshed: its alerts are to be retrained no more")
    others = tuple(claim for claim in claims if claim.pull != one.number)
    runs = certain(fresh) if fresh.action == "retrain" else frozenset()
    waits = waits_for(runs, incoming.branch, others)
    place = Place(incoming.branch, base, incoming.head, one.number)
    case = Case(ids, place, {}, {}, incoming)
    ran = bool(incoming.runs)
    if is_settled(case, fresh, waits=bool(waits)):
        if waits and not ran:
            return told("waiting", f"It waits for #{waits[0]}.")
        return told("fresh", "As it was.")
    if ran:
        return _stale(one, _words(fresh))
    return told("due", "It has waited, and may go on.")


def _stale(one: PullRequest, message: str) -> tuple[Looked, str]:
    return Looked(pull=one.number, standing="stale", message=message), message


def _words(fresh: Plan) -> str:
    """Return what a status says: which stages will run again."""
    names = fresh.tiers[0].named("run") if fresh.tiers else ()
    if not names:
        return "stale, being refreshed"
    shown = ", ".join(f"`{name}`" for name in names[:MOST_STAGES])
    more = f" and {len(names) - MOST_STAGES} more" if len(names) > MOST_STAGES else ""
    return f"stale, being refreshed: {shown}{more} will run again"


def _fresh(incoming: Incoming, author: str, job: Job) -> tuple[Plan | None, tuple[str, ...]]:
    """Return the plan as it would be made now, and its alerts; None when none is due."""
    wanted = set(wanted_of(incoming))
    with added_files(job.root, files_of(incoming)):
        project = Project(job.root)
        taken = _taken(project, incoming, author, job)
        groups = [g.alert_ids for g in taken.outcome.groups if wanted.intersection(g.alert_ids)]
        if not groups:
            return None, ()
        ids = groups[0]
        case = Case(ids, Place(incoming.branch, ""), {}, {}, incoming)
        return plan_of(project, ids, vouched(case, job)), ids


def _taken(project: Project, incoming: Incoming, author: str, job: Job) -> TakenIn:
    brought = Brought(incoming.head, frozenset(incoming.alert_ids), author)
    trust, now = job.settings.trust, job.settings.clock()
    return take_in_all(project, brought, incoming.receipts, trust, job.event, now)
