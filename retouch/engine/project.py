"""A checkout as the flows see it: its DVC project, its policies and its past runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

from retouch.alerts.model import Alert
from retouch.alerts.verified import SubmittedAlert, VerifiedAlert
from retouch.alerts.words import summarise
from retouch.dvc.project import DvcProject, find_root
from retouch.engine.past_reports import PastReports
from retouch.engine.report_history import Judged, episodes, judged_candidates, judged_reports
from retouch.errors import InputError
from retouch.execution.model import Run, cpu_seconds_since, recorded_costs
from retouch.gate.holdout import HoldoutDays
from retouch.gate.model import Override, Overrides, Verdict
from retouch.gate.overrides import would_change
from retouch.git import git
from retouch.lockfile.entries import lock_file_of, outputs_in
from retouch.pipeline.costs import Cost
from retouch.pipeline.model import Pipeline, Stage
from retouch.planning.holdout_uses import candidates_judged
from retouch.planning.model import Plan
from retouch.planning.plan import Base, make_plan
from retouch.policy.model import Policy
from retouch.policy.monitors import Monitors
from retouch.policy.promotion import Promotion
from retouch.policy.silences import Silences
from retouch.registry.production import Production, production_of
from retouch.storage import documents
from retouch.storage.alert_files import read_alerts

_OURS = ("alerts/", "reports/")
"""Paths that may differ from the commit when a run starts: what came in, and what we write."""


@dataclass(frozen=True)
class Project:
    """One checkout."""

    root: Path

    @cached_property
    def dvc(self) -> DvcProject:
        """What DVC says of it. Raises InputError."""
        return DvcProject(self.root)

    @cached_property
    def pipeline(self) -> Pipeline:
        """The pipeline as checked out. Raises InputError."""
        return self.dvc.pipeline()

    @cached_property
    def policy(self) -> Policy:
        """The retraining policy. Raises InputError."""
        return documents.read_policy(self.root)

    @cached_property
    def monitors(self) -> Monitors:
        """The registry of monitors as checked out; what verifies reads the base branch's.

        Raises InputError.
        """
        return documents.read_monitors(self.root)

    @cached_property
    def silences(self) -> Silences:
        """The silences. Raises InputError."""
        return documents.read_silences(self.root)

    @cached_property
    def promotion(self) -> Promotion:
        """The promotion policy. Raises InputError."""
        return documents.read_promotion(self.root)

    @cached_property
    def production(self) -> Production:
        """The model in production: the one that HEAD records. Raises InputError."""
        commit = git.head_commit(self.root)
        return production_of(self.pipeline, self.policy.model, commit, self._committed_hash)

    def version_at(self, moment: datetime) -> str | None:
        """Return the hash of the model that was in production then; None: unknown."""
        commit = git.commit_at(self.root, moment)
        if commit is None:
            return None

        def committed(stage: Stage, path: str) -> str | None:
            lock = git.committed_text(self.root, lock_file_of(stage.name), commit)
            return outputs_in(lock, stage).get(path)

        try:
            return production_of(self.pipeline, self.policy.model, commit, committed).hash
        except InputError:
            return None

    def _committed_hash(self, stage: Stage, path: str) -> str | None:
        lock = git.committed_text(self.root, lock_file_of(stage.name))
        return outputs_in(lock, stage).get(path)

    @cached_property
    def data_until(self) -> date:
        """The first day whose data has not arrived. Raises InputError."""
        ref = self.promotion.holdout.clock
        if ref.file not in self.pipeline.params:
            raise InputError(
                f"{ref.file}: no stage of dvc.yaml reads this params file, but "
                f"{documents.PROMOTION} names it as the data's clock."
            )
        value = self.pipeline.params.get(ref.file)
        for part in ref.key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            raise InputError(
                f"{ref.file}: {ref.key}: is {value!r}, not a day written 'YYYY-MM-DD', but "
                f"{documents.PROMOTION} names it as the data's clock."
            ) from None

    @cached_property
    def costs(self) -> Mapping[str, Cost]:
        """What each stage cost when past runs recorded it. Raises InputError."""
        return recorded_costs(self._runs)

    @cached_property
    def _runs(self) -> tuple[Run, ...]:
        paths = documents.report_documents(self.root, "run.json")
        return tuple(documents.read_document(path, Run) for path in paths)

    def spent_today(self, now: datetime) -> float:
        """Return the CPU seconds of the runs of the last 24 hours. Raises InputError.

        Runs whose reports were taken away since count.
        """
        return cpu_seconds_since([*self._runs, *self._past.runs()], now - timedelta(days=1))

    @cached_property
    def _past(self) -> PastReports:
        return PastReports(self.root)

    def _judged(self) -> list[Judged]:
        return judged_reports(self.root, self._past.judged())

    def judged_before(self, alerts: Sequence[Alert] | None = None, *, whole: bool = True) -> int:
        """Return how many candidates the present hold-out has judged, by the reports.

        Those that were taken away since count. With `alerts`, only candidates tried for a slice
        that one of them speaks of. Raises InputError for a broken report and, with `whole`, for a
        clone that lacks older commits.
        """
        if whole:
            self._past.require_whole()
        wheres = None if alerts is None else [summarise(alert).where for alert in alerts]
        start, end = self.holdout.start, self.holdout.end
        days = date.fromisoformat(start), date.fromisoformat(end)
        return candidates_judged(judged_candidates(self._judged()), days, wheres)

    def digest_of(self, path: str) -> str | None:
        """Return the digest that dvc.lock records for a path, as an alert writes it."""
        found = self._recorded.get(path)
        return found and f"md5:{found}"

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of all data that dvc.lock records."""
        return tuple(sorted(path for path, digest in self._recorded.items() if digest))

    @cached_property
    def _recorded(self) -> dict[str, str | None]:
        recorded: dict[str, str | None] = {}
        for stage in self.pipeline.stages:
            recorded |= {item.path: item.recorded for item in stage.inputs}
            recorded |= {item.path: item.recorded for item in stage.outputs}
        return recorded

    @property
    def holdout(self) -> HoldoutDays:
        """The newest complete days. Raises InputError."""
        start = self.data_until - timedelta(days=self.promotion.holdout.days)
        return HoldoutDays(start=start.isoformat(), end=self.data_until.isoformat())

    def read_alerts(self, paths: Sequence[Path]) -> tuple[SubmittedAlert, ...]:
        """Read one group of alerts, oldest first; links are not followed.

        Raises InputError for alerts on another model.
        """
        submitted = read_alerts(paths, self.root)
        for one in submitted:
            if one.alert.model != self.policy.model:
                raise InputError(
                    f"{one.source}: model: {one.alert.model!r} is unknown here; "
                    f"{documents.POLICY} is about {self.policy.model!r}."
                )
        return submitted

    def plan(
        self,
        alerts: Sequence[VerifiedAlert],
        *,
        now: datetime,
        jobs: int,
        accepted_by: str | None = None,
    ) -> Plan:
        """Plan the answer to a group of alerts.

        Needs no data, changes nothing. Raises InputError.
        """
        base = Base(
            data_until=self.data_until,
            holdout_days=self.promotion.holdout.days,
            commit=git.head_commit(self.root),
            costs=self.costs,
            jobs=jobs,
            spent_today_cpu_seconds=self.spent_today(now),
            past=tuple(episodes(self._judged())) if self.policy.value else (),
            accepted_by=accepted_by,
        )
        return make_plan(alerts, self.policy, self.pipeline, base, now, self.dvc.with_edits)

    def overrides(self, report_id: str) -> tuple[Override, ...]:
        """Return what people have said of a report's checks.

        Raises InputError for a broken file.
        """
        found = documents.report_document(self.root, report_id, documents.OVERRIDES, Overrides)
        return found.overrides if found is not None else ()

    def handled(self, alert_ids: Sequence[str]) -> dict[str, Path]:
        """Return the report that holds a verdict on each alert, for those that have one.

        A verdict that people have overridden since is none. Raises InputError for a broken one, and
        when it is about other alerts as well.
        """
        found = documents.handled(self.root, alert_ids)
        for folder in set(found.values()):
            if not (said := self.overrides(folder.name)):
                continue
            verdict: Verdict = documents.read_document(folder / "verdict.json", Verdict)
            if not would_change(verdict, said):
                continue
            if set(verdict.alert_ids) != set(alert_ids):
                all_of_them = " ".join(f"alerts/{name}.json" for name in verdict.alert_ids)
                raise InputError(
                    f"reports/{folder.name}: checks were overridden since, of other alerts too.",
                    hint=f"Answer them together: `retouch run {all_of_them}`.",
                )
            found = {name: report for name, report in found.items() if report != folder}
        return found

    def require_clean(self) -> None:
        """Raise InputError unless the workspace is as committed; alerts and reports may differ."""
        changed = [p for p in git.modified_files(self.root) if not p.startswith(_OURS)]
        if changed:
            raise InputError(
                f"The workspace differs from the commit: {_listed(changed)}. A run starts from a"
                " commit, so that its report can say what it stands on.",
                hint="Commit, or put it aside: `git stash`.",
            )
        edited = [
            output.path
            for stage in self.pipeline.stages
            for output in stage.outputs
            if output.workspace not in (None, output.recorded)
        ]
        if edited:
            raise InputError(
                f"The workspace differs from dvc.lock: {_listed(edited)}.",
                hint="Put it back: `dvc checkout --force`.",
            )


def open_project(start: Path) -> Project:
    """Return the workspace that holds `start`. Raises InputError outside of a DVC project."""
    return Project(find_root(start.resolve()))


def _listed(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:3])
    return f"{shown} and {len(paths) - 3} more" if len(paths) > 3 else shown
