"""Declarative cases on made-up rows: what a model must say of rows nobody observed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_numeric_dtype, is_string_dtype, pandas_dtype

from retouch.gate.comparison import Probed
from retouch.gate.guardrails.bounds import (
    MOST_EVIDENCE,
    Held,
    Result,
    found,
    number,
    unknown,
)
from retouch.gate.losses import Numbers
from retouch.gate.model import GuardrailResult
from retouch.gate.score_table import as_numbers, rows_text
from retouch.gate.slices import Mask
from retouch.policy.guardrails import Guardrail, Synthetic, SyntheticCase

MEASURE = "share of made-up rows for which a case holds"
_ROUND_OFF = 1e-9

VARIANT = 10**12
MOST_ROWS = 500
"""Base rows of a case, evenly spaced over those it is about."""
_EXACT = 2**53
_WIDE = 2**62
_Change = Callable[[pd.DataFrame], pd.DataFrame]


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


@dataclass(frozen=True)
class Variant:
    """One way a case changes its rows."""

    number: int
    change: _Change
    keeps_unchanged: bool
    """Rows the change does not change are asked about too: boundary rows."""


def cases_of(guardrails: Sequence[Guardrail]) -> tuple[SyntheticCase, ...]:
    """Return the cases of all synthetic guardrails, in their order: one table serves them all."""
    return tuple(case for each in guardrails if isinstance(each, Synthetic) for case in each.cases)


def made_rows(rows: pd.DataFrame, cases: Sequence[SyntheticCase]) -> pd.DataFrame:
    """Return the base rows and their changed copies, with a new integer column `row`.

    A case gets at most `MOST_ROWS` of the rows it is about, evenly spaced in their order, and
    copies only of those the change changes. A case that cannot be made of these columns makes no
    row; `fault_of` says why.
    """
    rows = _plain_columns(rows.drop(columns="row", errors="ignore")).reset_index(drop=True)
    base: set[int] = set()
    copies = []
    for case, variants in numbered(cases):
        if fault_of(case, rows):
            continue
        chosen = rows.iloc[_spaced(np.flatnonzero(_about(case, rows)))]
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


def fault_of(case: SyntheticCase, rows: pd.DataFrame) -> str:
    """Say why a case cannot be made of these rows' columns; nothing when it can."""
    settings = [case.invariant_to or {}, *(case.rows or ())]
    steps = (case.rises_with or {}) | (case.falls_with or {}) | (case.noise or {})
    for column in (*case.where, *(name for change in settings for name in change), *steps):
        if column not in rows.columns:
            return f"the made-up rows have no column {column!r}"
    for column in steps:
        if not _is_number(rows[column]):
            return f"the column {column!r} of the made-up rows holds no numbers"
    for change in settings:
        for column, value in change.items():
            if not _fits(rows[column], value):
                return f"the column {column!r} of the made-up rows cannot hold {value!r}"
    if not _about(case, rows).any():
        return "no made-up row is one it is about"
    return ""


def _plain_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with categories as the values they stand for."""
    categories = [name for name in rows if isinstance(rows[name].dtype, pd.CategoricalDtype)]
    return rows.astype({name: rows[name].cat.categories.dtype for name in categories})


def _about(case: SyntheticCase, rows: pd.DataFrame) -> NDArray[np.bool_]:
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
    """Return a column of one value, of a type that goes with the column it replaces."""
    if _is_number(column):
        value = float("nan") if value is None else _whole(column, float(value))
        return pd.Series(value, index=column.index)
    unlike = value is None and is_bool_dtype(column)
    dtype = object if unlike else column.dtype
    return pd.Series([value] * len(column), index=column.index, dtype=dtype)


def _moved(column: pd.Series[Any], step: float) -> pd.Series[Any]:
    """Return a column moved by a step; narrow whole numbers would wrap round, or not hold it."""
    if column.dtype.kind in "iu":
        ends = (end for end in (column.min(), column.max()) if not pd.isna(end))
        kind = "Int64" if all(abs(int(end)) < _WIDE for end in ends) else "Float64"
        plain = isinstance(column.dtype, np.dtype)
        column = column.astype(np.dtype(kind.lower()) if plain else pandas_dtype(kind))
    return column + _whole(column, step)


def _whole(column: pd.Series[Any], value: float) -> float | int:
    """Return whole numbers as such for a column of them, so that they stay what they are."""
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
    """Say of each row whether any column changed; two missing values are alike."""
    differs = np.zeros(len(before), dtype=bool)
    for name in before.columns:
        old, new = before[name].astype(object), after[name].astype(object)
        same = (old == new) | (old.isna() & new.isna())
        differs |= ~same.to_numpy(dtype=bool)
    return differs
