"""Declarative cases on synthetic rows: invariance, direction, boundary and noise.

Synthetic rows are rows of the probe's table and copies of them with some columns changed. A row's
number encodes its origin: variant times `VARIANT` plus the position of its base row in the table.
Variant 0 is the base row itself; the others follow from the cases in order. Behavioural tests after
Ribeiro et al., "Beyond accuracy: behavioral testing of NLP models with CheckList", ACL 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_numeric_dtype, is_string_dtype, pandas_dtype

from retouch.gate.comparison import ProbeScores
from retouch.gate.guardrails.results import (
    MOST_EVIDENCE,
    LimitCheck,
    Result,
    decided,
    number,
    undecided,
)
from retouch.gate.losses import Numbers
from retouch.gate.model import GuardrailResult
from retouch.gate.score_table import as_numbers, rows_text
from retouch.gate.slices import Mask
from retouch.policy.guardrails import Guardrail, Synthetic, SyntheticCase

MEASURE = "share of synthetic rows for which a case holds"
_ROUND_OFF = 1e-9

VARIANT = 10**12
MOST_ROWS = 500
"""The most base rows of a case, evenly spaced over the matching rows."""
_EXACT = 2**53
_WIDE = 2**62
_Change = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class _CaseResult:
    """The result of one case for both models."""

    case: SyntheticCase
    result: Result
    message: str
    rows: int = 0
    candidate: float | None = None
    """The share of rows for which it holds; None where that is unknown."""
    production: float | None = None
    worst: list[dict[str, Any]] = field(default_factory=list)


def evaluate(
    guardrail: Synthetic, probed: ProbeScores | None, cases: Sequence[SyntheticCase]
) -> GuardrailResult:
    """Evaluate the guardrail's cases; `cases` are all cases that synthetic rows were made for."""
    if probed is None:
        return undecided(guardrail, MEASURE, "The scores of synthetic rows were not measured.")
    made = probed.rows.set_index("row", drop=True)
    base = made[made.index < VARIANT]
    sides = [_scores(table, made.index) for table in (probed.candidate, probed.production)]
    # Two guardrails may have equal cases: their results are equal too.
    results = [
        _case_result(case, variants, made, base, sides[0], sides[1])
        for case, variants in numbered(cases)
        if case in guardrail.cases
    ]
    return _overall_result(guardrail, results)


def _scores(table: pd.DataFrame, rows: pd.Index[Any]) -> pd.Series[float] | str:
    """Return the score of each synthetic row, NaN where missing, or the table's fault."""
    for column in ("row", "score"):
        if column not in table:
            return f"the score table has no column {column!r}"
    scores = pd.Series(as_numbers(table["score"]), index=as_numbers(table["row"]))
    if scores.index.has_duplicates:
        return "the score table has rows that occur more than once"
    return scores.reindex(rows.to_numpy(dtype=float)).set_axis(rows)


def _case_result(
    case: SyntheticCase,
    variants: Sequence[Variant],
    made: pd.DataFrame,
    base: pd.DataFrame,
    candidate: pd.Series[float] | str,
    production: pd.Series[float] | str,
) -> _CaseResult:
    fault = case_fault(case, base)
    if fault:
        return _not_evaluated(case, fault)
    numbers = made.index.to_numpy()
    places = np.flatnonzero(np.isin(numbers // VARIANT, [each.number for each in variants]))
    if not len(places):
        return _not_evaluated(case, "it changes no synthetic row")
    if isinstance(candidate, str):
        return _not_evaluated(case, candidate)
    before, after = _before_and_after(candidate, numbers, places)
    scored = np.isfinite(after) & (np.isfinite(before) | (case.rows is not None))
    if not scored.all():
        lacks = rows_text(int((~scored).sum()))
        return _not_evaluated(case, f"the candidate has no finite score for {lacks} of it")
    off = _off(case, before, after)
    share = float(_holds(case, off, before).mean())
    fails = share < case.share_at_least - _ROUND_OFF
    production_share = _share_of_production(case, production, numbers, places)
    shown = ""
    if production_share is not None:
        shown = f"; production {number(100 * production_share)} %"
    must = "all" if case.share_at_least == 1 else f"{100 * case.share_at_least:g} %"
    return _CaseResult(
        case,
        "fail" if fails else "pass",
        f"{case.name!r} holds for {number(100 * share)} % of {rows_text(len(places))}, where"
        f" {must} must{shown}",
        len(places),
        share,
        production_share,
        _worst(case, made.iloc[places], before, after, off),
    )


def _not_evaluated(case: SyntheticCase, why: str) -> _CaseResult:
    return _CaseResult(case, "not_enough_data", f"{case.name!r} could not be evaluated: {why}")


def _before_and_after(
    scores: pd.Series[float], numbers: NDArray[np.int64], places: NDArray[np.intp]
) -> tuple[Numbers, Numbers]:
    """Return the scores of the base rows and of the changed rows at these positions."""
    before = scores.reindex(numbers[places] % VARIANT).to_numpy().astype(np.float64)
    return before, scores.to_numpy().astype(np.float64)[places]


def _off(case: SyntheticCase, before: Numbers, after: Numbers) -> Numbers:
    """Return by how much each row violates the case; at most 0: it holds."""
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
    """Tell for each row whether the case holds, up to rounding error."""
    size = np.where(np.isfinite(before), np.abs(before), 0.0)
    return np.asarray(off <= _ROUND_OFF * np.maximum(1.0, size), dtype=bool)


def _share_of_production(
    case: SyntheticCase,
    scores: pd.Series[float] | str,
    numbers: NDArray[np.int64],
    places: NDArray[np.intp],
) -> float | None:
    """Return production's share, for comparison; None where its scores are incomplete."""
    if isinstance(scores, str):
        return None
    before, after = _before_and_after(scores, numbers, places)
    if not np.isfinite(after).all() or not (np.isfinite(before).all() or case.rows is not None):
        return None
    return float(_holds(case, _off(case, before, after), before).mean())


def _worst(
    case: SyntheticCase, made: pd.DataFrame, before: Numbers, after: Numbers, off: Numbers
) -> list[dict[str, Any]]:
    """Return the rows that violate the case most: the columns it changes, and the scores."""
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


def _overall_result(guardrail: Synthetic, results: Sequence[_CaseResult]) -> GuardrailResult:
    """Return the worst case that fails, else the first undecided, else the closest to its limit."""
    decides = min(results, key=lambda each: (_ORDER[each.result], each.candidate or 0.0))
    broken = [each for each in results if each.result != "pass"]
    others = [each.message for each in broken if each is not decides]
    count = f"{len(results) - len(broken)} of {len(results)} cases hold"
    message = "; ".join([decides.message, *others[:2], count])
    evidence = [row for each in _evidence(results) for row in each]
    if decides.candidate is None:
        return undecided(guardrail, MEASURE, f"{message}.", evidence)
    return decided(
        guardrail,
        LimitCheck("the share", decides.candidate, decides.case.share_at_least),
        MEASURE,
        f"{message}.",
        production=decides.production,
        candidate=decides.candidate,
        evidence=evidence,
        result=decides.result,
    )


_ORDER = {"fail": 0, "not_enough_data": 1, "pass": 2}


def _evidence(results: Sequence[_CaseResult]) -> list[list[dict[str, Any]]]:
    """Return the worst rows of each failed case, an equal share for each."""
    broken = [each.worst for each in results if each.result == "fail"]
    return [worst[: max(1, MOST_EVIDENCE // len(broken))] for worst in broken]


@dataclass(frozen=True)
class Variant:
    """One way a case changes its rows."""

    number: int
    change: _Change
    keeps_unchanged: bool
    """Whether rows it leaves as they are count too (boundary rows)."""


def cases_of(guardrails: Sequence[Guardrail]) -> tuple[SyntheticCase, ...]:
    """Return the cases of all synthetic guardrails, in their order: one table serves them all."""
    return tuple(case for each in guardrails if isinstance(each, Synthetic) for case in each.cases)


def synthetic_rows(rows: pd.DataFrame, cases: Sequence[SyntheticCase]) -> pd.DataFrame:
    """Return the base rows and their changed copies, with a new integer column `row`.

    A case gets at most `MOST_ROWS` of its matching rows, evenly spaced in their order, and copies
    only of those that it changes. A case that does not fit the columns gets no rows; `case_fault`
    says why.
    """
    rows = _plain_columns(rows.drop(columns="row", errors="ignore")).reset_index(drop=True)
    base: set[int] = set()
    copies = []
    for case, variants in numbered(cases):
        if case_fault(case, rows):
            continue
        chosen = rows.iloc[_spaced(np.flatnonzero(_matching(case, rows)))]
        base.update(chosen.index.tolist())
        for variant in variants:
            changed = variant.change(chosen.copy())
            moved = _differs(chosen, changed)
            copy = changed if variant.keeps_unchanged else changed[moved]
            copies.append(copy.assign(row=copy.index.to_numpy() + variant.number * VARIANT))
    kept = rows.iloc[sorted(base)]
    kept = kept.assign(row=kept.index.to_numpy(dtype=np.int64))
    whole = pd.concat([kept, *(copy for copy in copies if len(copy))], ignore_index=True)
    return whole.assign(row=whole["row"].astype(np.int64))


def numbered(
    cases: Sequence[SyntheticCase],
) -> Iterator[tuple[SyntheticCase, tuple[Variant, ...]]]:
    """Yield each case with its variants, which are numbered from 1 through all cases."""
    number = 1
    for case in cases:
        changes = tuple(_changes(case))
        yield (
            case,
            tuple(
                Variant(number + place, change, keeps_unchanged=case.rows is not None)
                for place, change in enumerate(changes)
            ),
        )
        number += len(changes)


def case_fault(case: SyntheticCase, rows: pd.DataFrame) -> str:
    """Return why a case does not fit these rows' columns; an empty text when it does."""
    settings = [case.invariant_to or {}, *(case.rows or ())]
    steps = (case.rises_with or {}) | (case.falls_with or {}) | (case.noise or {})
    for column in (*case.where, *(name for change in settings for name in change), *steps):
        if column not in rows.columns:
            return f"the synthetic rows have no column {column!r}"
    for column in steps:
        if not _is_number(rows[column]):
            return f"the column {column!r} of the synthetic rows is not numeric"
    for change in settings:
        for column, value in change.items():
            if not _fits(rows[column], value):
                return f"the column {column!r} of the synthetic rows cannot hold {value!r}"
    if not _matching(case, rows).any():
        return "no synthetic row matches its 'where'"
    return ""


def _plain_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with categories as the values they stand for."""
    categories = [name for name in rows if isinstance(rows[name].dtype, pd.CategoricalDtype)]
    return rows.astype({name: rows[name].cat.categories.dtype for name in categories})


def _matching(case: SyntheticCase, rows: pd.DataFrame) -> NDArray[np.bool_]:
    chosen = np.ones(len(rows), dtype=bool)
    for column, value in case.where.items():
        values = rows[column]
        holds = values.isna() if value is None else (values == value).fillna(False)
        chosen &= holds.to_numpy(dtype=bool)
    return chosen


def _spaced(places: NDArray[np.intp]) -> NDArray[np.intp]:
    if len(places) <= MOST_ROWS:
        return places
    return places[np.linspace(0, len(places) - 1, MOST_ROWS).round().astype(np.intp)]


def _changes(case: SyntheticCase) -> Iterator[_Change]:
    for setting in (*([case.invariant_to] if case.invariant_to else ()), *(case.rows or ())):
        yield partial(_set, setting)
    if case.noise:
        yield partial(_move, case.noise)
        yield partial(_move, {name: -step for name, step in case.noise.items()})
    elif steps := case.rises_with or case.falls_with:
        yield partial(_move, steps)


def _set(values: Mapping[str, Any], rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{name: _filled(rows[name], value) for name, value in values.items()})


def _move(steps: Mapping[str, float], rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{name: _moved(rows[name], step) for name, step in steps.items()})


def _filled(column: pd.Series[Any], value: Any) -> pd.Series[Any]:
    """Return a constant column of a type compatible with the column it replaces."""
    if _is_number(column):
        value = float("nan") if value is None else _whole(column, float(value))
        return pd.Series(value, index=column.index)
    unlike = value is None and is_bool_dtype(column)
    dtype = object if unlike else column.dtype
    return pd.Series([value] * len(column), index=column.index, dtype=dtype)


def _moved(column: pd.Series[Any], step: float) -> pd.Series[Any]:
    """Return a column shifted by a step, in a type wide enough not to overflow."""
    if column.dtype.kind in "iu":
        ends = (end for end in (column.min(), column.max()) if not pd.isna(end))
        kind = "Int64" if all(abs(int(end)) < _WIDE for end in ends) else "Float64"
        plain = isinstance(column.dtype, np.dtype)
        column = column.astype(np.dtype(kind.lower()) if plain else pandas_dtype(kind))
    return column + _whole(column, step)


def _whole(column: pd.Series[Any], value: float) -> float | int:
    """Return a value as an integer for an integer column, so that its type stays."""
    whole = column.dtype.kind in "iu" and value.is_integer() and abs(value) < _EXACT
    return int(value) if whole else value


def _is_number(column: pd.Series[Any]) -> bool:
    return bool(is_numeric_dtype(column)) and not is_bool_dtype(column)


def _fits(column: pd.Series[Any], value: Any) -> bool:
    if value is None:
        return True
    if _is_number(column):
        return isinstance(value, bool | int | float)
    if is_bool_dtype(column):
        return isinstance(value, bool)
    return is_string_dtype(column.dropna()) and isinstance(value, str)


def _differs(before: pd.DataFrame, after: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell for each row whether any column changed; two missing values are equal."""
    differs = np.zeros(len(before), dtype=bool)
    for name in before.columns:
        old, new = before[name].astype(object), after[name].astype(object)
        same = (old == new) | (old.isna() & new.isna())
        differs |= ~same.to_numpy(dtype=bool)
    return differs
