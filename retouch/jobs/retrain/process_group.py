"""Answer one group of alerts in a checkout of the base branch, and pack what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from retouch.engine.project import Project
from retouch.engine.run import Settings, plan_alerts, run_alerts
from retouch.errors import InputError, RetouchError
from retouch.execution.clean_checkout import added_files
from retouch.execution.model import Run
from retouch.jobs.package_folder import FILE_BYTES
from retouch.jobs.packages.event import Asked, Event
from retouch.jobs.packages.overlap import Claim, certain, waits_for
from retouch.jobs.packages.paths import WritablePaths
from retouch.jobs.retrain import packing
from retouch.jobs.retrain.incoming import Incoming
from retouch.jobs.retrain.packing import Target
from retouch.planning.model import Plan
from retouch.storage import documents

EDITED = "Somebody committed to the branch, so it is left alone; `/retrain --overwrite` takes it."


@dataclass(frozen=True)
class Job:
    """How one job works, as opposed to what it works on."""

    root: Path
    out: Path
    """Where packages go."""
    settings: Settings
    event: Event
    say: Callable[[str], None]
    """Tells the log what happens, a sentence at a time."""
    us: str = "github-actions[bot]"
    """Who sets our statuses."""

    @property
    def asked(self) -> bool:
        """A person asks: then what was done before is done again."""
        return isinstance(self.event, Asked)

    @property
    def overwrites(self) -> bool:
        """Also what a person committed to the branch."""
        return isinstance(self.event, Asked) and self.event.overwrite


@dataclass(frozen=True)
class Case:
    """One group of alerts, and where its answer goes."""

    alert_ids: tuple[str, ...]
    target: Target
    texts: Mapping[str, bytes]
    """Files of its commit besides the answer: alerts, signatures, receipts."""
    laid: Mapping[str, bytes]
    """What is laid into the checkout: these, and what people have said of its checks."""
    saved: Incoming | None = None
    """What its branch holds of an earlier answer."""
    recorded: tuple[str, ...] = ()
    """Alerts that come with it, and are only recorded."""
    claims: tuple[Claim, ...] = field(default=())
    """What other open pull requests hold."""

    @property
    def saved_plan(self) -> Plan | None:
        """The plan of an earlier answer to the very same alerts."""
        plans = self.saved.plans if self.saved else ()
        wanted = set(self.alert_ids)
        return next((p for p in plans if {a.alert_id for a in p.alerts} == wanted), None)


def answer(case: Case, writable: WritablePaths, job: Job) -> Path | None:
    """Plan, wait or run, and write a package; return its folder. None: there is nothing new.

    A stage that fails and a gate that says no are outcomes, and packed like any other.
    """
    with added_files(job.root, case.laid):
        project, settings = Project(job.root), vouched(case, job)
        try:
            plan = plan_of(project, case.alert_ids, settings)
        except InputError as error:
            return packing.write(job.out, case.target, case.alert_ids, faults=(str(error),))
        waits: tuple[int, ...] = ()
        if plan.action == "retrain":
            waits = waits_for(certain(plan), case.target.branch, case.claims)
        if not job.asked and is_settled(case, plan, waits=bool(waits)):
            job.say(f"{case.target.branch}: nothing new.")
            return None
        if waits:
            numbers = ", ".join(f"#{number}" for number in waits)
            return _packed(case, plan, {}, job, waits_for=waits, message=f"It waits for {numbers}.")
        return _run(case, plan, project, settings, writable, job)


def plan_of(project: Project, alert_ids: tuple[str, ...], settings: Settings) -> Plan:
    """Plan the answer to alerts that lie in the checkout. Raises InputError."""
    return plan_alerts(
        project,
        _paths(project.root, alert_ids),
        settings.clock(),
        jobs=settings.jobs,
        trust=settings.trust,
    )


def is_settled(case: Case, plan: Plan, *, waits: bool) -> bool:
    """Say whether the branch holds the answer to a plan that came out as it was.

    What has run stands whatever the budget says now; what waited and may go is taken up.
    """
    saved = case.saved_plan
    if saved is None or case.saved is None or case.target.pull is None:
        return False
    if not case.saved.ours:  # what a person put on top has no verdict yet
        return False
    if saved.reads != plan.reads or saved.work != plan.work:
        return False
    if saved.report_id in case.saved.runs:
        return True
    return saved.action == "hold" if plan.action == "hold" else waits


def vouched(case: Case, job: Job) -> Settings:
    """Return settings that know who vouches: a person now, or the one who did for this answer."""
    vouches = job.event.accepted_by if isinstance(job.event, Asked) else None
    if vouches is None and case.saved_plan is not None:
        vouches = case.saved_plan.accepted_by
    return replace(job.settings, trust=replace(job.settings.trust, accepted_by=vouches))


def _run(
    case: Case,
    plan: Plan,
    project: Project,
    settings: Settings,
    writable: WritablePaths,
    job: Job,
) -> Path:
    root, message = job.root, ""
    _seed(case, job)
    try:
        run_alerts(project, _paths(root, case.alert_ids), settings)
    except RetouchError as error:
        message = error.message.splitlines()[0]
        job.say(str(error))
    filed = documents.report_json(root, plan.report_id, limit=FILE_BYTES)
    run: Run | None = documents.report_document(root, plan.report_id, "run.json", Run)
    if run is None or not run.attempts or not run.attempts[-1].kept:
        return _packed(case, plan, filed, job, message=message)
    try:
        changed, left = packing.changed_by(root, writable)
        objects = packing.new_objects(project, run)
    except InputError as error:
        return packing.write(job.out, case.target, case.alert_ids, faults=(str(error),))
    for name in left:
        job.say(f"{name}: was changed by a stage and is none of its outputs; it is left out.")
    return _packed(case, plan, {**filed, **changed}, job, objects=objects, message=message)


def _packed(
    case: Case,
    plan: Plan,
    texts: Mapping[str, bytes],
    job: Job,
    *,
    objects: Mapping[str, Path] | None = None,
    waits_for: tuple[int, ...] = (),
    message: str = "",
) -> Path:
    folder = f"{documents.REPORTS}/{plan.report_id}"
    filed = {
        f"{folder}/plan.json": plan.to_json().encode(),
        **{path: raw for path, raw in case.laid.items() if path.startswith(f"{folder}/")},
    }
    return packing.write(
        job.out,
        case.target,
        tuple(sorted({*case.alert_ids, *case.recorded})),
        {**case.texts, **filed, **texts},
        report_id=plan.report_id,
        objects=objects,
        waits_for=waits_for,
        message=message,
    )


def _seed(case: Case, job: Job) -> None:
    """Let DVC restore what the branch has made already, instead of running it again."""
    if case.saved is None or not case.saved.locks:
        return
    from retouch.dvc.run_cache import seed

    try:
        seed(job.root, case.saved.locks)
    except RetouchError as error:  # then it runs again, and comes out the same
        job.say(str(error))


def _paths(root: Path, alert_ids: tuple[str, ...]) -> list[Path]:
    return [root / documents.ALERTS / f"{alert_id}.json" for alert_id in alert_ids]
