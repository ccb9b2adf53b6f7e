"""The hypotheses tested on the hold-out: each estimate compared with its limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from retouch.alerts.model import Predicate
from retouch.gate.block_jackknife import MeanGain, mean_gain
from retouch.gate.comparison import PRODUCTION
from retouch.gate.hypotheses import Hypothesis
from retouch.gate.losses import LARGEST_LOSS, Numbers, RareClass, loss_of, rare_class
from retouch.gate.messages import Alarm, alarm_message, check_message, restored_message
from retouch.gate.model import Check
from retouch.gate.pairing import Paired
from retouch.gate.score_table import Incomparable, read_scores, rows_text
from retouch.gate.slices import describe, select
from retouch.policy.promotion import Limits, Promotion

Result = Literal["pass", "fail", "not_enough_data"]


@dataclass(frozen=True)
class _Estimate:
    """A hypothesis with the estimated gain on its rows."""

    hypothesis: Hypothesis
    gain: MeanGain
    rare_class: RareClass | None

    def enough(self, limits: Limits) -> bool:
        many = self.gain.rows >= limits.min_rows and self.gain.days >= limits.min_days
        return many and self.rare_class is None

    @cached_property
    def two_sided_p(self) -> float:
        """P-value of the null hypothesis of no gain and no loss."""
        tails = self.gain.chance_above(0.0), self.gain.chance_below(0.0)
        return min(1.0, 2 * min(1.0 if tail is None else tail for tail in tails))


def run_checks(
    hypotheses: Sequence[Hypothesis], paired: Paired, limits: Limits, *, confidence: float
) -> tuple[Check, ...]:
    """Test the hypotheses on the rows both models were scored on.

    `confidence` is that of each one-sided bound. Harm alarms keep the policy's own confidence, with
    Holm's correction for their number: a later candidate is no less likely to do harm.
    """
    estimates = [_estimate(hypothesis, paired, confidence) for hypothesis in hypotheses]
    slices = [each for each in estimates if each.hypothesis.is_slice and each.enough(limits)]
    q_value = _q_values(slices)
    alarms = _alarms(estimates, limits)
    checks = []
    for each in estimates:
        name = each.hypothesis.name
        if each.hypothesis.family == "harm_alarm":
            check = _harm_alarm_check(each, limits, alarms.get(name))
        else:
            check = _gate_check(each, limits, confidence)
        checks.append(check.model_copy(update={"q_value": q_value.get(name)}))
    return tuple(checks)


def _estimate(hypothesis: Hypothesis, paired: Paired, confidence: float) -> _Estimate:
    losses = paired.losses(hypothesis.rows)
    found = mean_gain(losses.production, losses.candidate, losses.day, confidence=confidence)
    rare_class = paired.rare_class(hypothesis.rows)
    if rare_class is not None:
        found = MeanGain(found.rows, found.days)
    return _Estimate(hypothesis, found, rare_class)


def _alarms(estimates: Sequence[_Estimate], limits: Limits) -> dict[str, Alarm]:
    """Return Holm's test of each watched slice that has enough rows and days."""
    watched = [
        (each.hypothesis.name, p)
        for each in estimates
        if each.hypothesis.family == "harm_alarm" and each.enough(limits)
        if (p := each.gain.chance_below(each.hypothesis.limit)) is not None
    ]
    adjusted = holm([p for _, p in watched])
    return {
        name: Alarm(p, float(after), len(watched), raised=bool(after <= 1 - limits.confidence))
        for (name, p), after in zip(watched, adjusted, strict=True)
    }


def holm(p_values: Sequence[float]) -> Numbers:
    """Return Holm's adjusted p-values (Scand. J. Statist. 6, 1979), of shape (p-values,).

    Rejecting what is at most a keeps the probability of any false rejection at most a. Kept here:
    statsmodels, which has it, is too heavy a dependency for three lines.
    """
    p, count = np.asarray(p_values, dtype=float), len(p_values)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(count)
    adjusted[order] = np.maximum.accumulate(p[order] * np.arange(count, 0, -1))
    return np.minimum(adjusted, 1.0)


def _q_values(slices: Sequence[_Estimate]) -> dict[str, float]:
    """Return the slices' q-values (Benjamini and Hochberg, J. R. Stat. Soc. B 57, 1995) by name."""
    from scipy.stats import false_discovery_control  # takes a second to load

    q_values = false_discovery_control([each.two_sided_p for each in slices])
    return {each.hypothesis.name: float(q) for each, q in zip(slices, q_values, strict=True)}


def _harm_alarm_check(estimate: _Estimate, limits: Limits, alarm: Alarm | None) -> Check:
    if alarm is None:
        message = check_message(
            estimate.hypothesis, estimate.gain, "", limits, rare_class=estimate.rare_class
        )
        return _check(estimate, "not_enough_data", message, required=False)
    message = alarm_message(estimate.hypothesis, estimate.gain, alarm, limits)
    result: Result = "fail" if alarm.raised else "pass"
    check = _check(estimate, result, message, required=True)
    return check.model_copy(update={"p_value": alarm.p_value, "p_adjusted": alarm.p_adjusted})


def _gate_check(estimate: _Estimate, limits: Limits, confidence: float) -> Check:
    hypothesis, found, enough = estimate.hypothesis, estimate.gain, estimate.enough(limits)
    result = result_of(found, hypothesis.limit, hypothesis.margin) if enough else "not_enough_data"
    message = check_message(
        hypothesis, found, result, limits, confidence=confidence, rare_class=estimate.rare_class
    )
    required = enough if hypothesis.required is None else hypothesis.required
    check = _check(estimate, result, message, required=required)
    return check.model_copy(update={"p_value": found.chance_above(hypothesis.limit)})


def _check(estimate: _Estimate, result: Result, message: str, *, required: bool) -> Check:
    hypothesis, found = estimate.hypothesis, estimate.gain
    return Check(
        name=hypothesis.name,
        family=hypothesis.family,
        criterion=hypothesis.criterion,
        required=required,
        rows=found.rows,
        days=found.days,
        production=found.production,
        candidate=found.candidate,
        gain=found.gain,
        gain_lower=found.lower,
        gain_upper=found.upper,
        limit=hypothesis.limit,
        detectable=found.detectable,
        result=result,
        message=message,
    )


def result_of(found: MeanGain, limit: float, margin: float) -> Result:
    """Compare an estimated gain with its limit.

    Lower bound above the limit: pass. Upper bound below it: fail. Otherwise the power decides: if a
    true gain `margin` above the limit would be detected with less than 80 % power, the hold-out is
    too small (`not_enough_data`); if it would be detected, the candidate fails for want of proof.
    """
    if found.lower is None or found.upper is None or found.detectable is None:
        return "not_enough_data"
    if found.lower > limit:
        return "pass"
    if found.upper < limit:
        return "fail"
    return "not_enough_data" if found.detectable > margin else "fail"


_ROUND_OFF = 1e-12
_WINDOW = f"{PRODUCTION} over the alert's reference window"


def restored_check(
    hypothesis: Hypothesis,
    found: Check,
    *,
    where: Sequence[Predicate],
    factor: float,
    reference: pd.DataFrame,
    policy: Promotion,
) -> Check:
    """Check that the candidate's mean loss is within `factor` of production's before the alert.

    `hypothesis` and `found` are those of the alerted slice on the hold-out, `where` its predicates
    that could be applied; `reference` is production's score table of the alert's reference window.
    Both losses are point estimates: the slice's own check already rules out chance.
    """
    limits = policy.limits
    if found.production is None or found.candidate is None or _too_few(found, limits):
        return _restored_check(found, "not_enough_data", found.message)
    was = _reference_loss(reference, tuple(where), policy)
    if isinstance(was, Incomparable):
        return _restored_check(found, "not_enough_data", was.message)
    result: Result = "pass" if found.candidate <= factor * was * (1 + _ROUND_OFF) else "fail"
    message = restored_message(
        hypothesis.where, found.production, found.candidate, was, factor, limits
    )
    return _restored_check(
        found, result, message, limit=found.production - factor * was, reference=was
    )


def _too_few(found: Check, limits: Limits) -> bool:
    return found.rows < limits.min_rows or found.days < limits.min_days


def _reference_loss(
    reference: pd.DataFrame, where: tuple[Predicate, ...], policy: Promotion
) -> float | Incomparable:
    """Return production's mean loss on the alerted slice of the reference window."""
    limits, loss = policy.limits, loss_of(policy.limits)
    columns = tuple(dict.fromkeys(p.column for p in where if p.column in reference))
    table = read_scores(
        reference,
        _WINDOW,
        scoring=policy.score,
        holdout=None,
        loss=loss,
        required=(),
        carried=columns,
    )
    if isinstance(table, Incomparable):
        return table
    chosen = select(table.slices, where)
    if chosen.skipped:
        skipped = " and ".join(describe(p) for p in chosen.skipped)
        return Incomparable(f"The score table of {_WINDOW} has no usable column for {skipped}.")
    rows = table.rows[chosen.mask]
    if len(rows) < limits.min_rows:
        return Incomparable(
            f"Not enough data on the reference window: {rows_text(len(rows))} of the alerted slice,"
            f" where {limits.min_rows:,} are needed."
        )
    labels, scores = rows["label"].to_numpy(), rows["score"].to_numpy()
    if loss.rank_based and (few := rare_class(labels)):
        return Incomparable(
            f"Not enough data on the reference window: {rows_text(few.rows)} with the label"
            f" {few.label}, where {few.needed} are needed."
        )
    with np.errstate(all="ignore"):  # Non-finite values are refused below.
        mean = float(np.mean(loss.per_row(labels, scores)))
    if not abs(mean) <= LARGEST_LOSS:
        return Incomparable(f"The {loss.mean_name.lower()} of {_WINDOW} cannot be computed.")
    return mean


def _restored_check(
    found: Check,
    result: Result,
    message: str,
    *,
    limit: float = 0.0,
    reference: float | None = None,
) -> Check:
    return Check(
        name="restored",
        criterion="restored",
        rows=found.rows,
        days=found.days,
        production=found.production,
        candidate=found.candidate,
        gain=found.gain,
        gain_lower=found.gain_lower,
        gain_upper=found.gain_upper,
        limit=limit,
        reference=reference,
        detectable=found.detectable,
        result=result,
        message=message,
    )
