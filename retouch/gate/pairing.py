"""Pair two score tables row by row, or give the reason why they cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from retouch.gate.comparison import CANDIDATE, PRODUCTION
from retouch.gate.holdout import HoldoutDays
from retouch.gate.losses import LARGEST_LOSS, LOSSES, Loss, Numbers, RareClass, rare_class
from retouch.gate.score_table import (
    Incomparable,
    ScoreTable,
    first_id,
    read_scores,
    rows_text,
)
from retouch.gate.slices import Groups, Rows, group_by_value
from retouch.policy.promotion import Scoring

_SIDES = {"production": PRODUCTION, "candidate": CANDIDATE}


@dataclass(frozen=True)
class Losses:
    """Both models' losses on some rows, and the day of each; shapes (rows,)."""

    production: Numbers
    candidate: Numbers
    day: Rows
    """The index of the day, in order."""


@dataclass(frozen=True)
class Paired:
    """The rows both models were scored on, in the order of their ids."""

    rows: pd.DataFrame
    """One row per example: id and day (text), label, production_score and candidate_score, and
    the losses production_loss and candidate_loss; all numbers finite. With an interval in the
    policy also production_lower, production_upper, candidate_lower and candidate_upper."""
    slices: pd.DataFrame
    """The columns slices are cut by, row for row with `rows`."""
    loss: Loss = field(default_factory=lambda: LOSSES["absolute_error"])

    @property
    def same_scores(self) -> bool:
        """Whether both models give every row the same score and interval."""
        old, new = _SIDES
        ends = (e for e in ("score", "lower", "upper") if f"{old}_{e}" in self.rows)
        return all(self.rows[f"{old}_{e}"].equals(self.rows[f"{new}_{e}"]) for e in ends)

    @cached_property
    def days(self) -> Groups:
        """The rows by day."""
        return group_by_value(self.rows["day"])

    @cached_property
    def _columns(self) -> dict[str, Numbers]:
        names = ("label", *(f"{whose}_{of}" for whose in _SIDES for of in ("score", "loss")))
        return {name: self.rows[name].to_numpy(dtype=float) for name in names}

    def rare_class(self, rows: Rows) -> RareClass | None:
        """Return the class too rare for a rank-based loss on these rows, if any."""
        return rare_class(self._columns["label"][rows]) if self.loss.rank_based else None

    def losses(self, rows: Rows) -> Losses:
        """Return the losses of these rows; a rank-based loss is computed among them alone."""
        columns, of_rows = self._columns, []
        for whose in _SIDES:
            if self.loss.rank_based:
                of_rows.append(
                    self.loss.per_row(columns["label"][rows], columns[f"{whose}_score"][rows])
                )
            else:
                of_rows.append(columns[f"{whose}_loss"][rows])
        return Losses(of_rows[0], of_rows[1], self.days.of_row[rows])


def pair(
    production: pd.DataFrame,
    candidate: pd.DataFrame,
    *,
    scoring: Scoring,
    holdout: HoldoutDays,
    loss: Loss,
    required: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
    days: str = "the hold-out",
) -> Paired | Incomparable:
    """Join two score tables, as the scoring command wrote them, by id.

    `required` and `optional` are the slice columns to carry along: without a required one the
    comparison is invalid, an optional one is carried where both tables have it. `days` is what
    messages call the days of `holdout`. Never raises for faulty tables.
    """
    in_both = [name for name in optional if name in production and name in candidate]
    carried = tuple(dict.fromkeys((*required, *in_both)))
    sides: dict[str, ScoreTable] = {}
    for of, table in ((PRODUCTION, production), (CANDIDATE, candidate)):
        scores = read_scores(
            table,
            of,
            scoring=scoring,
            holdout=holdout,
            days=days,
            loss=loss,
            required=required,
            carried=carried,
        )
        if isinstance(scores, Incomparable):
            return scores
        sides[of] = scores
    disagreement = next(_disagreements(sides[PRODUCTION], sides[CANDIDATE]), None)
    if disagreement is not None:
        return Incomparable(disagreement)
    return _side_by_side(sides[PRODUCTION], sides[CANDIDATE], loss)


def _disagreements(old: ScoreTable, new: ScoreTable) -> Iterator[str]:
    """Yield why the two tables do not hold the same rows."""
    for there, here, of in ((old, new, CANDIDATE), (new, old, PRODUCTION)):
        ids = there.rows["id"]
        if ids.equals(here.rows["id"]):
            break
        missing = ~ids.isin(here.rows["id"]).to_numpy(dtype=bool)
        if missing.any():
            yield (
                f"The score table of {of} lacks {rows_text(int(missing.sum()))} of the other's"
                f" {len(ids):,}; {first_id(ids, missing)}."
            )
    for name, production, candidate in (
        ("label", old.rows["label"], new.rows["label"]),
        ("day", old.rows["day"], new.rows["day"]),
        *((name, old.slices[name], new.slices[name]) for name in old.slices.columns),
    ):
        differs = _differs(production, candidate)
        if differs.any():
            yield (
                f"The two score tables disagree on the {name} of {rows_text(int(differs.sum()))};"
                f" {first_id(old.rows['id'], differs)}."
            )
    if _shuffled(old.rows["score"], new.rows["score"]):
        yield "Both score tables hold the same scores in a different order: one has permuted rows."


def _differs(production: pd.Series[Any], candidate: pd.Series[Any]) -> pd.Series[bool]:
    """Compare value by value; two missing values are equal."""
    if production.equals(candidate):
        return pd.Series(False, index=production.index)
    production, candidate = production.astype(object), candidate.astype(object)
    return ~((production == candidate) | (production.isna() & candidate.isna())).astype(bool)


def _shuffled(production: pd.Series[float], candidate: pd.Series[float]) -> bool:
    """Tell whether the scores are equal as a multiset but not row by row.

    Models with few distinct scores may do so by chance, so most must be distinct. Permuted scores
    of a *different* model cannot be recognised here (see `validity`).
    """
    mostly_distinct = production.nunique() > len(production) / 2
    same_multiset = np.array_equal(np.sort(production), np.sort(candidate))
    return mostly_distinct and same_multiset and not np.array_equal(production, candidate)


def _side_by_side(old: ScoreTable, new: ScoreTable, loss: Loss) -> Paired | Incomparable:
    rows = old.rows[["id", "day", "label"]].copy()
    label = rows["label"].to_numpy()
    for whose, table in (("production", old.rows), ("candidate", new.rows)):
        for column in ("score", "lower", "upper"):
            if column in table:
                rows[f"{whose}_{column}"] = table[column]
        with np.errstate(all="ignore"):  # Non-finite values are refused below.
            losses = loss.per_row(label, table["score"].to_numpy())
        if loss.rank_based:
            losses = np.nan_to_num(losses, nan=0.5)  # One class only: no check uses it.
        unusable = ~(np.abs(losses) <= LARGEST_LOSS)
        if unusable.any():
            return Incomparable(
                f"The {loss.mean_name.lower()} of {_SIDES[whose]} cannot be computed for"
                f" {rows_text(int(unusable.sum()))}; {first_id(rows['id'], unusable)}."
            )
        rows[f"{whose}_loss"] = losses
    return Paired(rows, old.slices, loss)
