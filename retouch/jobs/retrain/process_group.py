"""Process one group of alerts in a checkout of the base branch, and pack the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from retouch.dvc.objects import objects_of
from retouch.engine.project import Project
from retouch.engine.run import Settings, plan_alerts, run_alerts
from retouch.errors import InputError, RetouchError
from retouch.execution.clean_checkout import added_files, changed_files
from retouch.execution.model import Run
from retouch.github.repository import Repository
from retouch.jobs import package_folder as packages
from retouch.jobs.packages.event import Event, RetrainRequest
from retouch.jobs.packages.overlap import Claim, certain, waits_for
from retouch.jobs.packages.package_policy import is_kept
from retouch.jobs.packages.paths import WritablePaths, allowed
from retouch.jobs.packages.proposal import Proposal
from retouch.jobs.retrain.branch_contents import BranchContents, Destination
from retouch.planning.model import Plan
from retouch.storage import documents
from retouch.system import files
from retouch.system.untrusted_files import plain_size


def pack(
    folder: Path,
    proposal: Proposal,
    texts: Mapping[str, bytes] | None = None,
    objects: Mapping[str, Path] | None = None,
) -> Path:
    """Write a package into a folder of its own below `folder`, and return that."""
    number = len(packages.packages_in(folder)) + 1
    packages.write_package(folder / str(number), proposal, texts or {}, objects or {})
    return folder / str(number)


def changed_by(root: Path, writable: WritablePaths) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return the tracked files that a kept candidate changed, and other changes, left out."""
    kept, left = {}, []
    for path in changed_files(root):
        own = path.split("/")[0] in (documents.ALERTS, documents.REPORTS)
        if own and not writable.has_output(path):
            continue
        if allowed(path, writable) and plain_size(root / path) is not None:
            kept[path] = files.read_bytes(root / path, limit=packages.FILE_BYTES)
        else:
            left.append(path)
    return kept, tuple(left)


def new_objects(project: Project, run: Run) -> dict[str, Path]:
    """Return the objects of what the kept candidate made and the base branch has not recorded.

    `project`: as it was read before the run. Raises InputError when the cache lacks one.
    """
    before = {
        output.path: output.recorded
        for stage in project.pipeline.stages
        for output in stage.outputs
        if output.cached
    }
    made = {
        path: recorded
        for receipt in run.attempts[-1].receipts
        if receipt.outcome in ("ran", "restored")
        for path, recorded in receipt.outputs.items()
    }
    new = [(path, h) for path, h in sorted(made.items()) if path in before and before[path] != h]
    return objects_of(project.root, new) if new else {}


EDITED_MESSAGE = (
    "Somebody committed to the branch, so it is left alone; `/retrain --overwrite` replaces that."
)


@dataclass(frozen=True)
class RetrainJob:
    """How one job works, as opposed to what it works on."""

    repo: Repository
    root: Path
    """A checkout of the base branch."""
    out: Path
    """Where packages go."""
    settings: Settings
    event: Event
    log: Callable[[str], None]
    """Writes a sentence to the log."""
    login: str = "github-actions[bot]"
    """Who reports results: the login of the publishing job."""
    run_url: str | None = None
    """The page of this workflow run and attempt."""

    @property
    def on_request(self) -> bool:
        """A person asks: then what was done before is done again."""
        return isinstance(self.event, RetrainRequest)

    @property
    def overwrites(self) -> bool:
        """Discard what a person committed to the branch."""
        return isinstance(self.event, RetrainRequest) and self.event.overwrite


@dataclass(frozen=True)
class GroupTask:
    """One group of alerts, and where its result goes."""

    alert_ids: tuple[str, ...]
    destination: Destination
    commit_files: Mapping[str, bytes] = field(default_factory=dict)
    """Files of its commit besides the result: alerts, signatures, receipts."""
    overlay: Mapping[str, bytes] = field(default_factory=dict)
    """What is laid into the checkout: these, and recorded overrides."""
    previous: BranchContents | None = None
    """What its branch has of an earlier retraining."""
    record_only: tuple[str, ...] = ()
    """Alerts that come with it, and are only recorded."""
    claims: tuple[Claim, ...] = ()
    """Of other open pull requests."""

    @property
    def previous_plan(self) -> Plan | None:
        """The plan of an earlier retraining for the very same alerts."""
        plans = self.previous.plans if self.previous else ()
        wanted = set(self.alert_ids)
        return next((p for p in plans if {a.alert_id for a in p.alerts} == wanted), None)


def process_group(task: GroupTask, job: RetrainJob) -> Path | None:
    """Plan, wait or run, and write a package; return its folder. None: there is nothing new.

    A failed stage or check is a result, and packed like any other.
    """
    destination = task.destination
    with added_files(job.root, task.overlay):
        project, settings = Project(job.root), with_approval(task, job)
        try:
            plan = plan_of(project, task.alert_ids, settings)
        except InputError as error:
            return pack(job.out, destination.proposal(task.alert_ids, faults=(str(error),)))
        waits: tuple[int, ...] = ()
        if plan.action == "retrain":
            waits = waits_for(certain(plan), destination.branch, task.claims)
        if not job.on_request and is_settled(task, plan, waits=bool(waits)):
            job.log(f"{destination.branch}: nothing new.")
            return None
        planned = _PlannedGroup(task, job, project, settings, plan)
        if waits:
            numbers = ", ".join(f"#{number}" for number in waits)
            return planned.pack(waits_for=waits, message=f"It waits for {numbers}.")
        return planned.run()


def plan_of(project: Project, alert_ids: tuple[str, ...], settings: Settings) -> Plan:
    """Plan for alerts that lie in the checkout. Raises InputError."""
    paths, now = _paths(project.root, alert_ids), settings.clock()
    return plan_alerts(project, paths, now, jobs=settings.jobs, trust=settings.trust)


def is_settled(task: GroupTask, plan: Plan, *, waits: bool) -> bool:
    """Tell whether the branch already has the result of a plan that is unchanged.

    What has run counts whatever the budget is now; what waited and may run is not settled.
    """
    saved = task.previous_plan
    if saved is None or task.previous is None or task.destination.pull is None:
        return False
    if not task.previous.published:  # somebody else's commit, whatever its message says
        return False
    if saved.reads != plan.reads or saved.work != plan.work:
        return False
    if saved.report_id in task.previous.runs:
        return True
    return saved.action == "hold" if plan.action == "hold" else waits


def with_approval(task: GroupTask, job: RetrainJob) -> Settings:
    """Return settings with the approver: of this request, or of the earlier retraining."""
    approver = job.event.accepted_by if isinstance(job.event, RetrainRequest) else None
    if approver is None and task.previous_plan is not None:
        approver = task.previous_plan.accepted_by
    return replace(job.settings, trust=replace(job.settings.trust, accepted_by=approver))


@dataclass(frozen=True)
class _PlannedGroup:
    """A group with its plan, in the prepared checkout."""

    task: GroupTask
    job: RetrainJob
    project: Project
    """As it was read before anything ran."""
    settings: Settings
    plan: Plan

    def run(self) -> Path:
        """Run the plan and pack the result."""
        root, job, message = self.job.root, self.job, ""
        writable = WritablePaths.of(self.project.pipeline)
        try:
            run_alerts(self.project, _paths(root, self.task.alert_ids), self.settings)
        except RetouchError as error:
            message = error.message.splitlines()[0]
            job.log(str(error))
        filed = documents.report_json(root, self.plan.report_id, limit=packages.FILE_BYTES)
        run: Run | None = documents.report_document(root, self.plan.report_id, "run.json", Run)
        if run is None or not is_kept(run):
            return self.pack(filed, message=message)
        try:
            changed, left_out = changed_by(root, writable)
            objects = new_objects(self.project, run)
        except InputError as error:
            proposal = self.task.destination.proposal(self.task.alert_ids, faults=(str(error),))
            return pack(job.out, proposal)
        for name in left_out:
            job.log(f"{name}: was changed by a stage, but is none of its outputs; it is left out.")
        return self.pack({**filed, **changed}, objects, message=message)

    def pack(
        self,
        texts: Mapping[str, bytes] | None = None,
        objects: Mapping[str, Path] | None = None,
        *,
        waits_for: tuple[int, ...] = (),
        message: str = "",
    ) -> Path:
        """Write the package: alerts, plan, overrides, and these files and objects."""
        task, plan = self.task, self.plan
        folder = f"{documents.REPORTS}/{plan.report_id}"
        overrides = {p: raw for p, raw in task.overlay.items() if p.startswith(f"{folder}/")}
        filed = {f"{folder}/plan.json": plan.to_json().encode(), **overrides}
        proposal = task.destination.proposal(
            tuple(sorted({*task.alert_ids, *task.record_only})),
            report_id=plan.report_id,
            waits_for=waits_for,
            message=message,
        )
        return pack(
            self.job.out, proposal, {**task.commit_files, **filed, **(texts or {})}, objects
        )


def _paths(root: Path, alert_ids: tuple[str, ...]) -> list[Path]:
    return [root / documents.ALERTS / f"{alert_id}.json" for alert_id in alert_ids]
