"""What a report is about: the documents side by side, and the status they amount to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from retouch.execution.model import Attempt, Receipt, Run
from retouch.gate.model import Check, GuardrailResult, Judgement, Override, Verdict
from retouch.planning.model import Plan, TierPlan
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.marker import Marker
from retouch.reporting.numbers import decimals_for, number, signed
from retouch.reporting.status_labels import STATUS_TEXTS, Status, StatusText, loss_name, loss_unit

ALERTED = "alerted slice"
OVERALL = "overall"


@dataclass(frozen=True)
class BaseMoved:
    """Why a report is stale: the base branch has moved."""

    to_commit: str
    stages: tuple[str, ...]
    """The stages that will run again."""


@dataclass(frozen=True)
class Case:
    """One plan with its run and its verdict, as far as they exist."""

    plan: Plan
    run: Run | None = None
    verdict: Verdict | None = None
    moved: BaseMoved | None = None

    @cached_property
    def status(self) -> Status:
        """The status. Whatever is missing is never a pass."""
        if self.moved:
            return "stale"
        if self.plan.action == "hold":
            return "held"
        if self.attempt and self.attempt.named("failed") and not self._cut_off:
            return "failed"
        if self.verdict is None:
            return "retraining"
        if self.halted_by:
            return "halted"
        if self.verdict.outcome == "equivalent" and self.is_repair and self.kept:
            return "repaired"
        return self.verdict.outcome

    @property
    def _cut_off(self) -> bool:
        """The last tier was stopped by a budget, and an earlier one was judged."""
        return self.verdict is not None and self.run is not None and bool(self.run.stopped)

    @property
    def status_text(self) -> StatusText:
        """The texts of the status."""
        return STATUS_TEXTS[self.status]

    @property
    def message(self) -> str:
        """The text of the status, and whether a check was overridden."""
        return (
            f"{self.status_text.message}, overridden"
            if self.overridden
            else self.status_text.message
        )

    @property
    def overridden(self) -> tuple[Override, ...]:
        """The overridden checks, where the candidate passed because of them."""
        passed = self.status == "promote" and self.judgement
        return self.judgement.overridden if passed and self.judgement else ()

    @property
    def marker(self) -> Marker:
        """The hidden first line."""
        plan = self.plan
        markers = {"repaired": "equivalent", "halted": "reject"}
        status = markers.get(self.status, self.status)
        return Marker(plan.report_id, plan.key[:16], status, plan.base_commit[:12])

    @cached_property
    def attempt(self) -> Attempt | None:
        """The last tier that was run."""
        return self.run.attempts[-1] if self.run and self.run.attempts else None

    @property
    def kept(self) -> bool:
        """The candidate is in the workspace, so that merging merges it."""
        return self.attempt.kept if self.attempt else False

    @cached_property
    def judgement(self) -> Judgement | None:
        """The gate's judgement of the last tier it judged."""
        return self.verdict.deciding if self.verdict else None

    @property
    def halted_by(self) -> str | None:
        """The name of the guardrail that halted the run."""
        return self.judgement.halted_by if self.judgement else None

    @property
    def same_model(self) -> bool:
        """The candidate is the model in production, byte for byte."""
        judged = self.judgement
        return judged is not None and judged.candidate_model == judged.production_model

    @cached_property
    def tier(self) -> TierPlan | None:
        """The tier the report is about: the last one run, or the first one planned."""
        name = self.attempt.tier if self.attempt else self.judgement and self.judgement.tier
        named = [tier for tier in self.plan.tiers if tier.tier == name]
        return next(iter(named or self.plan.tiers), None)

    @property
    def is_repair(self) -> bool:
        """The tier repairs an input; the slice need not improve."""
        return self.tier is not None and self.tier.must == "not_get_worse"

    @cached_property
    def receipts(self) -> Mapping[str, Receipt]:
        """What happened to the planned stages of the tier, by name."""
        return {r.stage: r for r in self.attempt.receipts} if self.attempt else {}

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The checks of the last candidate: the alerted slice first, then overall."""
        first = {ALERTED: 0, OVERALL: 1}
        results = self.judgement.checks if self.judgement else ()
        return tuple(sorted(results, key=lambda check: first.get(check.name, 2)))

    @cached_property
    def guardrails(self) -> tuple[GuardrailResult, ...]:
        """The guardrails of the last candidate: what halted the run first, then what blocks."""
        results = self.judgement.guardrails if self.judgement else ()
        return tuple(
            sorted(
                results, key=lambda g: (g.name != self.halted_by, not g.blocks, g.result == "pass")
            )
        )

    @cached_property
    def decimals(self) -> int:
        """One precision for every loss of the report."""
        judgements = self.verdict.judgements if self.verdict else ()
        checks = [check for judgement in judgements for check in judgement.checks]
        return decimals_for(
            [x for c in checks for x in (c.production, c.candidate)],
            [
                (c.gain if c.criterion == "restored" else c.gain_lower, c.limit)
                for c in checks
                if c.family == "gate"
            ],
        )

    @property
    def loss(self) -> Markdown:
        """The name of the loss."""
        return Markdown(loss_name(self.verdict.loss if self.verdict else ""))

    @property
    def unit(self) -> str:
        """The unit of the loss: the label's, squared where the loss is."""
        return loss_unit(self.verdict) if self.verdict else ""

    def alerted(self, limit: int = 60) -> Markdown:
        """Return the alerted slice: `region = central`."""
        wheres = list(dict.fromkeys(a.where for a in self.plan.alerts if a.where))
        if not wheres:
            return code(self.plan.alerts[0].dataset, limit)
        shown = join(" and ", [code(condition, limit) for condition in wheres[0][:2]])
        left_out = len(wheres) - 1 + max(0, len(wheres[0]) - 2)
        return write("{} and {} more", shown, left_out) if left_out else shown

    def check_name(self, check: Check, limit: int = 60) -> Markdown:
        """Return a check's name for display."""
        if check.criterion == "restored":
            return write("Restored: {}", self.alerted(limit))
        if check.family == "harm_alarm":
            return write("Harm alarm: {}", code(check.name, limit))
        if check.name == ALERTED:
            return write("Alerted: {}", self.alerted(limit))
        return Markdown("Overall") if check.name == OVERALL else code(check.name, limit)

    def check_scope(self, check: Check, limit: int = 60) -> Markdown:
        """Return the rows a check covers, to follow the name of the loss."""
        if check.name == OVERALL:
            return Markdown("over all rows")
        if check.name == ALERTED or check.criterion == "restored":
            return write("where {}", self.alerted(limit))
        return write("where {}", code(check.name, limit))

    def format_loss(self, value: float | None) -> Markdown:
        """Return a loss with the report's precision."""
        return number(value, self.decimals)

    def format_change(self, gain: float | None) -> Markdown:
        """Return the change of the loss, which is the gain with the opposite sign."""
        return signed(None if gain is None else -gain, self.decimals)

    def with_unit(self, text: Markdown) -> Markdown:
        """Return a number followed by the unit of the loss."""
        return write("{} {}", text, inline(self.unit, 16)) if self.unit else text


def within_noise(check: Check) -> bool:
    """Tell whether the interval of the gain contains zero."""
    low, high = check.gain_lower, check.gain_upper
    return low is not None and high is not None and low <= 0 <= high


def too_small(check: Check) -> bool:
    """Tell whether a harm alarm had too few rows or days to be evaluated."""
    small = check.result == "not_enough_data" and not check.required
    return small and check.family == "harm_alarm"


def close_to_limit(check: Check) -> bool:
    """Tell whether a passed check used up three quarters of its margin, or hardly improved."""
    if check.result != "pass" or check.gain_lower is None or not check.gain:
        return False
    if check.family == "harm_alarm" or check.criterion == "restored":
        return False
    if check.criterion == "improve":
        return check.gain_lower < 0.1 * check.gain
    return check.gain_lower - check.limit < abs(check.limit) / 4


def allowed_loss(check: Check) -> float | None:
    """Return the largest loss that a `restored` check allows the candidate."""
    return None if check.production is None else check.production - check.limit
