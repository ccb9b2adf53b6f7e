"""Put a candidate to the gate: score both models on the same rows, measure, and judge."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from retouch.alerts.model import Alert
from retouch.alerts.words import summarise
from retouch.dvc.params import read_json_key
from retouch.errors import CheckFailed
from retouch.execution import transaction
from retouch.execution.scoring import Models, measure, needs_measuring, score_model, training_rows
from retouch.gate.comparison import (
    AlertedSlice,
    Comparison,
    HoldoutUse,
    Measured,
    ScoredModel,
)
from retouch.gate.guardrails.synthetic import cases_of, synthetic_rows
from retouch.gate.holdout import HoldoutDays
from retouch.gate.judge import judge
from retouch.gate.model import Judgement, Override
from retouch.gate.overrides import apply_overrides
from retouch.policy.promotion import Promotion
from retouch.registry.production import Production
from retouch.system.processes import Processes, run_parallel

if TYPE_CHECKING:
    import pandas as pd

Days = tuple[str, str]
"""First day and day after the last, `YYYY-MM-DD`."""


@dataclass(frozen=True)
class Trial:
    """What every candidate of one plan is compared with."""

    root: Path
    promotion: Promotion
    days: HoldoutDays
    production: Production
    production_copy: str
    """Where the model in production lies while the candidate has its place, from the root."""
    alerts: tuple[Alert, ...]
    jobs: int
    production_tables: str = ".retouch/production"
    """Below it lie the tables the model in production has learned from, each at its own path."""
    overrides: tuple[Override, ...] = ()
    """Checks that people have said need not hold for these alerts."""

    def judge(
        self,
        candidate: str,
        *,
        tier: str,
        must: Literal["improve", "not_get_worse"],
        restores: float | None = None,
        holdout_use: HoldoutUse = HoldoutUse(),  # noqa: B008 - frozen
    ) -> Judgement:
        """Judge the model that is in the workspace now; `candidate` is its hash.

        What it reads, and both models, have been compared with their digests.
        Both are scored on the same inputs; not so a candidate that is the model in production, byte
        for byte. Guardrails that need more than scores are measured only for one that has passed so
        far, overrides counted. Raises CheckFailed when that fails, InputError when it lacks data.
        """
        first, *others = _alerted(self.alerts) or (None,)
        ours = ScoredModel(self.production.hash, None, None)
        theirs = ScoredModel(candidate, None, None)
        reference = None
        if candidate != self.production.hash:
            ours, theirs = self._scored(candidate)
            reference = self._reference_scores if restores is not None else None
        comparison = Comparison(
            ours,
            theirs,
            holdout=self.days,
            policy=self.promotion,
            tier=tier,
            must=must,
            alerted=first,
            also_alerted=tuple(others),
            holdout_use=holdout_use,
            restores=restores,
            reference=reference,
        )
        judgement = judge(comparison)
        if self._is_worth_measuring(judgement):
            judgement = judge(replace(comparison, measured=self._measured()))
        return apply_overrides(judgement, self.overrides)

    def _is_worth_measuring(self, judgement: Judgement) -> bool:
        """Say whether what is left to measure can still decide: nothing stands against it yet."""
        used = judgement.holdout
        same_scores = judgement.outcome == "equivalent"
        named = {override.check for override in self.overrides}
        failed = (g for g in judgement.guardrails if g.result == "fail" and g.mode == "block")
        return (
            needs_measuring(self.promotion.guardrails)
            and used is not None
            and used.candidate_number <= used.candidates_allowed
            and judgement.outcome != "invalid"
            and (same_scores or _passes(judgement, named))
            and all(guardrail.name in named for guardrail in failed)
        )

    def _measured(self) -> Measured:
        models = Models(
            production=self.production_copy,
            candidate=self.production.path,
            days=(self.days.start, self.days.end),
        )
        make = partial(synthetic_rows, cases=cases_of(self.promotion.guardrails))
        with self._processes() as processes:
            return measure(self.promotion, models, make, root=self.root, processes=processes)

    def _scored(self, candidate: str) -> tuple[ScoredModel, ScoredModel]:
        learned = self.promotion.holdout.learned_from
        both = (
            ("production", self.production.hash, self.production_copy),
            ("candidate", candidate, self.production.path),
        )
        with self._processes() as processes:
            contend = [partial(self._contend, *each, processes) for each in both]
            ours, theirs = run_parallel(contend, processes, jobs=self.jobs)
        if learned is None:
            return ours, theirs
        rows = training_rows(learned, root=self.root)
        return replace(ours, learned=self._production_learned), replace(theirs, learned=rows)

    def _contend(self, label: str, model: str, path: str, processes: Processes) -> ScoredModel:
        holdout = self.promotion.holdout
        days = (self.days.start, self.days.end)
        scores = score_model(
            path, label, days, self.promotion.score, root=self.root, processes=processes
        )
        seen = read_json_key(self.root / path / holdout.seen_until_file, holdout.seen_until_key)
        return ScoredModel(model, seen, scores)

    @cached_property
    def _production_learned(self) -> pd.DataFrame | None:
        learned = self.promotion.holdout.learned_from
        place = self.root / self.production_tables
        return None if learned is None else training_rows(learned, root=place)

    @cached_property
    def _reference_scores(self) -> pd.DataFrame | None:
        """Production's scores on the days of the alert's reference window; None without one.

        Empty when they cannot be had, as where the data does not reach back that far: the gate
        then says so.
        """
        days = _reference_days(self.alerts)
        if days is None:
            return None
        import pandas as pd

        with self._processes() as processes:
            try:
                return score_model(
                    self.production_copy,
                    "reference",
                    days,
                    self.promotion.score,
                    root=self.root,
                    processes=processes,
                )
            except CheckFailed:
                return pd.DataFrame()

    @contextmanager
    def _processes(self) -> Iterator[Processes]:
        """Yield processes that are noted down, and stopped when anything is raised."""
        processes = Processes(on_start=lambda pid: transaction.record_child(self.root, pid))
        with _stopping(processes):
            yield processes


def _passes(judgement: Judgement, named: Collection[str]) -> bool:
    required = [check for check in judgement.checks if check.required]
    return all(check.result == "pass" or check.name in named for check in required)


@contextmanager
def _stopping(processes: Processes) -> Iterator[None]:
    """Stop the processes when anything is raised, before a pool waits for them."""
    try:
        yield
    except BaseException:
        processes.stop()
        raise


def _reference_days(alerts: tuple[Alert, ...]) -> Days | None:
    """Return the days of the reference window of the alert that the judged slice comes from."""
    first = next((alert for alert in alerts if alert.slice.where), alerts[0] if alerts else None)
    reference = first.slice.reference if first else None
    if reference is None or reference.window is None:
        return None
    start, end = reference.window.days
    return start.isoformat(), end.isoformat()


def _alerted(alerts: tuple[Alert, ...]) -> tuple[AlertedSlice, ...]:
    """Return the distinct slices the alerts speak of; an alert on all rows adds none."""
    wheres = dict.fromkeys(alert.slice.where for alert in alerts if alert.slice.where)
    words = {alert.slice.where: " and ".join(summarise(alert).where) for alert in alerts}
    return tuple(AlertedSlice(description=words[where], where=where) for where in wheres)
