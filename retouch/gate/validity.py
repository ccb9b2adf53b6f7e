"""Why a comparison is invalid: training rows in the hold-out, or scores no model would give.

Permuted rows keep the distribution of the scores and lose their correlation with the labels. A
poor model is not invalid, so every rule requires more than a weak correlation: none at all, where
the other model, or the same model in other groups, has a strong one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from retouch.gate.comparison import CANDIDATE, PRODUCTION
from retouch.gate.holdout import HoldoutDays
from retouch.gate.losses import Numbers
from retouch.gate.pairing import Paired
from retouch.gate.score_table import as_days, as_text, first_id, rows_text
from retouch.gate.slices import Groups, Rows, group_by_value


def training_overlap(
    of: str, learned: pd.DataFrame, ids: pd.Series[Any], holdout: HoldoutDays
) -> str | None:
    """Return in one sentence which rows of the hold-out a model was trained on; None: none.

    `of` is what the sentence calls the model, `learned` has the columns `id` and `day`, `ids` are
    those of the hold-out. Ids are compared as text; integers also by value.
    """
    if "id" not in learned:
        return f"The training rows of {of} have no column 'id'."
    if learned.empty:
        return f"The table of training rows of {of} is empty, so overlap cannot be ruled out."
    known = as_text(learned["id"])[learned["id"].notna()]
    if known.empty:
        return f"The training rows of {of} have no ids, so overlap cannot be ruled out."
    again = ids.isin(known)
    if ids.str.isdecimal().any():
        again |= ids.isin(_whole(known))
    if again.any():
        return (
            f"{_capitalized(of)} was trained on {rows_text(int(again.sum()))} of the hold-out's"
            f" {len(ids):,}; {first_id(ids, again)}."
        )
    return _late_rows(of, learned, holdout)


def _whole(ids: pd.Series[str]) -> pd.Series[str]:
    """Return integers in their plain form: `007` and `7.0` as `7`."""
    numbers = ids[ids.str.fullmatch(r"[0-9]+(\.0+)?")]
    return numbers.str.replace(r"\.0+$|^0+(?=[0-9])", "", regex=True)


def _late_rows(of: str, learned: pd.DataFrame, holdout: HoldoutDays) -> str | None:
    """Return which training days are not before the hold-out; missing days are ignored."""
    if "day" not in learned or learned["day"].isna().all():
        return None
    rows = learned[learned["day"].notna()].reset_index(drop=True)
    ids, days = as_text(rows["id"]), as_days(rows["day"])
    if days.isna().any():
        return (
            f"The training rows of {of} include {rows_text(int(days.isna().sum()))} whose"
            f" day cannot be read; {first_id(ids, days.isna())}."
        )
    late = days >= holdout.start
    if not late.any():
        return None
    return (
        f"{_capitalized(of)} was trained on {rows_text(int(late.sum()))} of {days[late].min()}"
        f" and later, and the hold-out starts on {holdout.start}; {first_id(ids, late)}."
    )


def _capitalized(of: str) -> str:
    return of[0].upper() + of[1:]


MIN_DAY_ROWS = 20
"""A day with fewer rows may have one score by chance."""
FEW_DISTINCT_SCORES = 20
"""A model with no more distinct scores is a table of means, whose correlation may be zero."""
Sides = tuple[tuple[str, Numbers], tuple[str, Numbers]]


def implausible_scores(paired: Paired, columns: tuple[str, ...], min_rows: int) -> str | None:
    """Return in one sentence why scores cannot be a model's; None when they are plausible.

    Each value of `columns` with at least `min_rows` rows is checked by itself. Fewer rows in total,
    or constant labels, cannot be checked.
    """
    labels = paired.rows["label"].to_numpy(dtype=float)
    if len(labels) < min_rows or np.ptp(labels) == 0:
        return None
    one, other = (
        paired.rows[f"{of}_score"].to_numpy(dtype=float) for of in ("production", "candidate")
    )
    sides: Sides = (PRODUCTION, one), (CANDIDATE, other)
    by = {name: group_by_value(paired.slices[name]) for name in dict.fromkeys(columns)}
    return next(_found(sides, labels, paired.days, by, min_rows), None)


def _found(
    sides: Sides, labels: Numbers, days: Groups, by: dict[str, Groups], min_rows: int
) -> Iterator[str]:
    yield from _constant_within_groups(sides, labels, "day", days, MIN_DAY_ROWS)
    for name, groups in by.items():
        yield from _constant_within_groups(sides, labels, name, groups, min_rows)
    everything = Groups(("all rows",), np.zeros(len(labels), dtype=np.intp))
    yield from _uncorrelated(sides, labels, everything)
    for name, groups in {"all": everything, "day": days, **by}.items():
        yield from _permuted(sides, labels, name, groups, min_rows)


def _constant_within_groups(
    sides: Sides, labels: Numbers, name: str, groups: Groups, least: int
) -> Iterator[str]:
    """Find groups with a single score where most other groups have several."""
    if len(groups.names) < 2:
        return
    (_, one), (_, other) = sides
    many, varied = groups.sizes >= least, _varies(labels, groups)
    for (of, scores), others in zip(sides, (other, one), strict=True):
        varies = _varies(scores, groups)
        stuck = many & varied & ~varies
        if name != "day":  # A constant day is a fault even if both models have it.
            stuck &= _varies(others, groups)
        usual = varies[many & ~stuck]
        if stuck.any() and usual.size and usual.mean() > 0.5:
            group = int(np.flatnonzero(stuck)[0])
            first = scores[groups.of_row == group][0]
            yield (
                f"The score table of {of} has the same score, {first:g}, in all"
                f" {rows_text(int(groups.sizes[group]))} with {name} = {groups.names[group]}."
            )


def _varies(values: Numbers, groups: Groups) -> np.ndarray[Any, np.dtype[np.bool_]]:
    by_group = pd.Series(values).groupby(groups.of_row)
    varies: np.ndarray[Any, np.dtype[np.bool_]] = (by_group.max() > by_group.min()).to_numpy()
    return varies


def _uncorrelated(sides: Sides, labels: Numbers, everything: Groups) -> Iterator[str]:
    """Find scores that are uncorrelated with the labels over all rows."""
    for of, scores in sides:
        found = score_label_correlation(scores, labels, everything).pooled
        if found.is_none and len(np.unique(scores)) > FEW_DISTINCT_SCORES:
            yield (
                f"The scores of {of} are uncorrelated with the labels"
                f" ({_correlation(found)} over {rows_text(len(scores))}): rows are permuted, or the"
                " model has no skill."
            )


def _permuted(
    sides: Sides, labels: Numbers, name: str, groups: Groups, min_rows: int
) -> Iterator[str]:
    """Find scores that are uncorrelated with the labels within groups, or within one group."""
    (_, one), (_, other) = sides
    production, candidate = (
        score_label_correlation(one, labels, groups),
        score_label_correlation(other, labels, groups),
    )
    if production.pooled.rows >= min_rows:
        yield from _permuted_within(production.pooled, candidate.pooled, name)
    for group in np.flatnonzero(groups.sizes >= min_rows):
        yield from _permuted_in_group(
            production, candidate, int(group), f"{name} = {groups.names[group]}"
        )


def _permuted_within(production: Correlation, candidate: Correlation, name: str) -> Iterator[str]:
    within = {"all": "Over all rows", "day": "Within days"}.get(name, f"Within each {name}")
    for of, this, that in ((PRODUCTION, production, candidate), (CANDIDATE, candidate, production)):
        if _looks_permuted(this, that):
            yield (
                f"{within}, the scores of {of} are uncorrelated with the labels"
                f" ({_correlation(this)}; the other model's {that.value:.2f}): its rows are"
                " permuted."
            )
    if _both_look_permuted(production, candidate):
        yield (
            f"{within}, the scores of both models are uncorrelated with the labels"
            f" ({_correlation(production)} and {candidate.value:.2f}): rows are permuted."
        )


def _permuted_in_group(
    production: GroupCorrelations, candidate: GroupCorrelations, group: int, where: str
) -> Iterator[str]:
    """Find a group where the correlation with the labels is lost and elsewhere it is not."""
    one, other = production.within[group], candidate.within[group]
    falls = [
        each.elsewhere[group].is_much_above(each.within[group]) for each in (production, candidate)
    ]
    for of, this, that, fell in (
        (PRODUCTION, one, other, falls[0]),
        (CANDIDATE, other, one, falls[1]),
    ):
        if fell and _looks_permuted(this, that):
            yield (
                f"The scores of {of} are uncorrelated with the labels where {where}"
                f" ({_correlation(this)}; the other model's {that.value:.2f}): its rows are"
                " permuted."
            )
    if all(falls) and _both_look_permuted(one, other):
        yield (
            f"The scores of both models are uncorrelated with the labels where {where}"
            f" ({_correlation(one)} and {other.value:.2f}): rows are permuted."
        )


def _looks_permuted(this: Correlation, that: Correlation) -> bool:
    """Tell whether scores are distributed as the other model's, but in random order."""
    return this.is_slight and that.is_much_above(this) and this.spreads_as(that.spread)


def _both_look_permuted(one: Correlation, other: Correlation) -> bool:
    """Tell whether both models' scores spread as the labels do, but in random order."""
    return all(c.is_slight and c.spreads_as(c.label_spread) for c in (one, other))


def _correlation(found: Correlation) -> str:
    return f"correlation {found.value + 0.0:.2f}"


NULL_ERRORS = 3.0
"""A correlation below this many standard errors is taken for zero."""
DIFFERENCE_ERRORS = 6.0
"""Two correlations differ when further apart than this many standard errors (Fisher's z)."""
CLEAR_CORRELATION = 0.3
"""A correlation of at least this is never taken for zero, however few the rows."""
SLIGHT_CORRELATION = 0.1
"""Shifting scores by one row can leave this much correlation where neighbours are alike."""
SPREAD_FACTOR = 1.5
"""Standard deviations within this factor of each other count as equal."""


@dataclass(frozen=True)
class Correlation:
    """A score-label correlation, its number of rows, and the spread of the scores.

    The larger of two coefficients: Pearson's sees a line where ranks (Spearman's) see a mere order,
    but one outlier can make or break it. Both have a standard error of 1 / sqrt(n - 1) under random
    permutation.
    """

    value: float
    """NaN where scores or labels are constant."""
    rows: int
    spread: float
    """Standard deviation of the scores about their group's mean."""
    label_spread: float

    @property
    def is_none(self) -> bool:
        """Whether it is indistinguishable from that of randomly permuted scores."""
        if self.rows < 3:
            return False
        return bool(self.value < min(CLEAR_CORRELATION, NULL_ERRORS / np.sqrt(self.rows - 1)))

    @property
    def is_slight(self) -> bool:
        """Whether it is zero or too small to matter."""
        return self.is_none or (
            self.rows > 1 / SLIGHT_CORRELATION**2 and self.value < SLIGHT_CORRELATION
        )

    def is_much_above(self, other: Correlation) -> bool:
        """Whether it is significantly larger than another (Fisher's z test)."""
        if min(self.rows, other.rows) < 4:
            return False
        error = np.sqrt(1 / (self.rows - 3) + 1 / (other.rows - 3))
        return bool((_fisher(self.value) - _fisher(other.value)) / error > DIFFERENCE_ERRORS)

    def spreads_as(self, spread: float) -> bool:
        """Whether the scores' standard deviation is about as large as this."""
        return spread / SPREAD_FACTOR <= self.spread <= spread * SPREAD_FACTOR and spread > 0


@dataclass(frozen=True)
class GroupCorrelations:
    """The correlations of one model's scores with the labels, within groups."""

    pooled: Correlation
    """Of scores and labels less the mean of their group, over all rows."""
    within: tuple[Correlation, ...]
    """In each group."""
    elsewhere: tuple[Correlation, ...]
    """In all other groups together."""


def score_label_correlation(scores: Numbers, labels: Numbers, groups: Groups) -> GroupCorrelations:
    """Correlate scores, of shape (rows,), with labels within each group and over all of them."""
    from scipy.stats import rankdata  # takes a second to load

    lines = _Sums.of(scores, labels, groups)
    ranks = _Sums.of(rankdata(scores), rankdata(labels), groups)
    sizes, total = groups.sizes, int(groups.sizes.sum())
    value = np.fmax(lines.correlations, ranks.correlations)
    others = np.fmax(lines.others.correlations, ranks.others.correlations)
    pooled = float(np.fmax(lines.total.correlations, ranks.total.correlations)[0])
    scale, label_scale = _scale(scores), _scale(labels)

    def each(values: Numbers, rows: Rows, sums: _Sums) -> tuple[Correlation, ...]:
        with np.errstate(all="ignore"):
            spread = scale * np.sqrt(sums.xx / rows)
            label_spread = label_scale * np.sqrt(sums.yy / rows)
        columns = (values, rows, spread, label_spread)
        return tuple(
            Correlation(float(v), int(n), float(s), float(y))
            for v, n, s, y in zip(*columns, strict=True)
        )

    free = np.array([max(total - len(sizes) + 1, 0)])
    return GroupCorrelations(
        pooled=each(np.array([pooled]), free, lines.total)[0],
        within=each(value, sizes, lines),
        elsewhere=each(others, total - sizes, lines.others),
    )


@dataclass(frozen=True)
class _Sums:
    """Sums of squares and products about the mean of each group; shapes (groups,)."""

    xx: Numbers
    yy: Numbers
    xy: Numbers

    @classmethod
    def of(cls, x: Numbers, y: Numbers, groups: Groups) -> _Sums:
        x, y = _centred(x / _scale(x), groups), _centred(y / _scale(y), groups)

        def by_group(product: Numbers) -> Numbers:
            sums = np.bincount(groups.of_row, weights=product, minlength=len(groups.names))
            return sums.astype(np.float64)

        return cls(by_group(x * x), by_group(y * y), by_group(x * y))

    @property
    def total(self) -> _Sums:
        xx, yy, xy = (part.sum(keepdims=True) for part in (self.xx, self.yy, self.xy))
        return _Sums(xx, yy, xy)

    @property
    def others(self) -> _Sums:
        xx, yy, xy = (part.sum() - part for part in (self.xx, self.yy, self.xy))
        return _Sums(np.maximum(xx, 0.0), np.maximum(yy, 0.0), xy)

    @property
    def correlations(self) -> Numbers:
        none = 1e-20  # Rounding error of values scaled to 1.
        with np.errstate(all="ignore"):
            found = self.xy / (np.sqrt(self.xx) * np.sqrt(self.yy))
        return np.where((self.xx > none) & (self.yy > none), found, np.nan)


def _centred(values: Numbers, groups: Groups) -> Numbers:
    count = len(groups.names)
    sums = np.bincount(groups.of_row, weights=values, minlength=count)
    centred: Numbers = values - (sums / groups.sizes)[groups.of_row]
    return centred


def _scale(values: Numbers) -> float:
    """Return the largest absolute value, the scale by which squares cannot overflow."""
    return float(np.abs(values).max()) or 1.0


def _fisher(value: float) -> float:
    return float(np.arctanh(np.clip(value, -0.999999, 0.999999)))
