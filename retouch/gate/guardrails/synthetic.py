"""Declarative cases on made-up rows: what a model must say of rows nobody observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retouch.gate.comparison import Probed
from retouch.gate.guardrails.bounds import (
    MOST_EVIDENCE,
    Held,
    Result,
    found,
    number,
    unknown,
)
from retouch.gate.guardrails.cases import VARIANT, Variant, fault_of, numbered
from retouch.gate.losses import Numbers
from retouch.gate.model import GuardrailResult
from retouch.gate.score_table import as_numbers, rows_text
from retouch.gate.slices import Mask
from retouch.policy.guardrails import Synthetic, SyntheticCase

MEASURE = "share of made-up rows for which a case holds"
_ROUND_OFF = 1e-9


@dataclass(frozen=True)
class _Asked:
    """One case, put to both models."""

    case: SyntheticCase
    result: Result
    message: str
    rows: int = 0
    candidate: float | None = None
    """The share of rows for which it holds; None where that cannot be told."""
    production: float | None = None
    worst: list[dict[str, Any]] = field(default_factory=list)


def evaluate(
    guardrail: Synthetic, probed: Probed | None, cases: Sequence[SyntheticCase]
) -> GuardrailResult:
    """Put the guardrail's cases to both models' scores; `cases` are all the rows were made for."""
    if probed is None:
        return unknown(guardrail, MEASURE, "The scores of made-up rows were not measured.")
    made = probed.rows.set_index("row", drop=True)
    base = made[made.index < VARIANT]
    sides = [_scores(table, made.index) for table in (probed.candidate, probed.production)]
    # Two guardrails may hold equal cases: their answers are equal too.
    asked = [
        _asked(case, variants, made, base, sides[0], sides[1])
        for case, variants in numbered(cases)
        if case in guardrail.cases
    ]
    return _concluded(guardrail, asked)


def _scores(table: pd.DataFrame, rows: pd.Index[Any]) -> pd.Series[float] | str:
    """Return the score of each made row, NaN where there is none; or what is wrong with all."""
    for column in ("row", "score"):
        if column not in table:
            return f"the answer has no column {column!r}"
    scores = pd.Series(as_numbers(table["score"]), index=as_numbers(table["row"]))
    if scores.index.has_duplicates:
        return "the answer has rows that occur more than once"
    return scores.reindex(rows.to_numpy(dtype=float)).set_axis(rows)


def _asked(
    case: SyntheticCase,
    variants: Sequence[Variant],
    made: pd.DataFrame,
    base: pd.DataFrame,
    candidate: pd.Series[float] | str,
    production: pd.Series[float] | str,
) -> _Asked:
    fault = fault_of(case, base)
    if fault:
        return _unanswered(case, fault)
    numbers = made.index.to_numpy()
    places = np.flatnonzero(np.isin(numbers // VARIANT, [each.number for each in variants]))
    if not len(places):
        return _unanswered(case, "it changes no made-up row")
    if isinstance(candidate, str):
        return _unanswered(case, candidate)
    before, after = _before_and_after(candidate, numbers, places)
    scored = np.isfinite(after) & (np.isfinite(before) | (case.rows is not None))
    if not scored.all():
        lacks = rows_text(int((~scored).sum()))
        return _unanswered(case, f"the candidate gives no finite score for {lacks} of it")
    off = _off(case, before, after)
    share = float(_holds(case, off, before).mean())
    fails = share < case.share_at_least - _ROUND_OFF
    beside = _share_of_production(case, production, numbers, places)
    shown = "" if beside is None else f"; production {number(100 * beside)} %"
    must = "all" if case.share_at_least == 1 else f"{100 * case.share_at_least:g} %"
    return _Asked(
        case,
        "fail" if fails else "pass",
        f"{case.name!r} holds for {number(100 * share)} % of {rows_text(len(places))}, where"
        f" {must} must{shown}",
        len(places),
        share,
        beside,
        _worst(case, made.iloc[places], before, after, off),
    )


def _unanswered(case: SyntheticCase, why: str) -> _Asked:
    return _Asked(case, "not_enough_data", f"{case.name!r} could not be asked: {why}")


def _before_and_after(
    scores: pd.Series[float], numbers: NDArray[np.int64], places: NDArray[np.intp]
) -> tuple[Numbers, Numbers]:
    """Return the scores of the base rows and of the made rows at these places."""
    before = scores.reindex(numbers[places] % VARIANT).to_numpy().astype(np.float64)
    return before, scores.to_numpy().astype(np.float64)[places]


def _off(case: SyntheticCase, before: Numbers, after: Numbers) -> Numbers:
    """Return by how much each row is off what the case allows; 0 or less: it holds."""
    if case.rows is not None:
        low = -np.inf if case.score_at_least is None else case.score_at_least
        high = np.inf if case.score_at_most is None else case.score_at_most
        return np.maximum(low - after, after - high)
    if case.rises_with is not None:
        return before - after - case.tolerance
    if case.falls_with is not None:
        return after - before - case.tolerance
    return np.abs(after - before) - case.tolerance


def _holds(case: SyntheticCase, off: Numbers, before: Numbers) -> Mask:
    """Say of each row whether it holds, but for the noise of arithmetic."""
    size = np.where(np.isfinite(before), np.abs(before), 0.0)
    return np.asarray(off <= _ROUND_OFF * np.maximum(1.0, size), dtype=bool)


def _share_of_production(
    case: SyntheticCase,
    scores: pd.Series[float] | str,
    numbers: NDArray[np.int64],
    places: NDArray[np.intp],
) -> float | None:
    """Return production's share, shown beside; None where its scores do not tell."""
    if isinstance(scores, str):
        return None
    before, after = _before_and_after(scores, numbers, places)
    if not np.isfinite(after).all() or not (np.isfinite(before).all() or case.rows is not None):
        return None
    return float(_holds(case, _off(case, before, after), before).mean())


def _worst(
    case: SyntheticCase, made: pd.DataFrame, before: Numbers, after: Numbers, off: Numbers
) -> list[dict[str, Any]]:
    """Return the rows for which it holds least: the columns it changes, and the scores."""
    changes: Sequence[Mapping[str, Any]] = (
        case.invariant_to or {},
        case.rises_with or {},
        case.falls_with or {},
        case.noise or {},
        *(case.rows or ()),
    )
    columns = list(dict.fromkeys(name for change in changes for name in change))
    wrong = np.flatnonzero(~_holds(case, off, before))
    worst = wrong[np.argsort(-off[wrong], kind="stable")][:MOST_EVIDENCE]
    return [
        {
            "case": case.name,
            "row": int(made.index[place] % VARIANT),
            **{f"made {name}": made[name].iloc[place] for name in columns},
            "score before": float(before[place]),
            "score": float(after[place]),
        }
        for place in worst
    ]


def _concluded(guardrail: Synthetic, asked: Sequence[_Asked]) -> GuardrailResult:
    """Return the first case that fails, else the first without an answer, else the closest."""
    decides = min(asked, key=lambda each: (_ORDER[each.result], each.candidate or 0.0))
    broken = [each for each in asked if each.result != "pass"]
    others = [each.message for each in broken if each is not decides]
    count = f"{len(asked) - len(broken)} of {len(asked)} cases hold"
    message = "; ".join([decides.message, *others[:2], count])
    evidence = [row for each in _in_turn(asked) for row in each]
    if decides.candidate is None:
        return unknown(guardrail, MEASURE, f"{message}.", evidence)
    return found(
        guardrail,
        Held("the share", decides.candidate, decides.case.share_at_least),
        MEASURE,
        f"{message}.",
        production=decides.production,
        candidate=decides.candidate,
        evidence=evidence,
        result=decides.result,
    )


_ORDER = {"fail": 0, "not_enough_data": 1, "pass": 2}


def _in_turn(asked: Sequence[_Asked]) -> list[list[dict[str, Any]]]:
    """Return the worst rows of each broken case, so many that all cases get their share."""
    broken = [each.worst for each in asked if each.result == "fail"]
    return [worst[: max(1, MOST_EVIDENCE // len(broken))] for worst in broken]
