"""Why paired rows cannot be judged by."""

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
from retouch.gate.slices import Groups, Rows, each_value


def overlap(
    of: str, learned: pd.DataFrame, ids: pd.Series[Any], holdout: HoldoutDays
) -> str | None:
    """Say in one sentence what a model has learned from the hold-out; None when nothing.

    `of` is what a sentence calls the model, `learned` has the columns `id` and `day`, `ids` are
    those of the hold-out. Ids are compared as text, and whole numbers as such too.
    """
    if "id" not in learned:
        return f"The table of what {of} has learned from has no column 'id'."
    if learned.empty:
        return f"The table of what {of} has learned from has no rows, so it proves nothing."
    known = as_text(learned["id"])[learned["id"].notna()]
    if known.empty:
        return f"The table of what {of} has learned from has no id, so it proves nothing."
    again = ids.isin(known)
    if ids.str.isdecimal().any():
        again |= ids.isin(_whole(known))
    if again.any():
        return (
            f"{_first_letter(of)} has learned from {rows_text(int(again.sum()))} of the hold-out's"
            f" {len(ids):,}; {first_id(ids, again)}."
        )
    return _late_day(of, learned, holdout)


def _whole(ids: pd.Series[str]) -> pd.Series[str]:
    """Return whole numbers as a table that holds them as numbers does: `007` and `7.0` as `7`."""
    numbers = ids[ids.str.fullmatch(r"[0-9]+(\.0+)?")]
    return numbers.str.replace(r"\.0+$|^0+(?=[0-9])", "", regex=True)


def _late_day(of: str, learned: pd.DataFrame, holdout: HoldoutDays) -> str | None:
    """Say which days of its rows are not before the hold-out; a missing day says nothing."""
    if "day" not in learned or learned["day"].isna().all():
        return None
    rows = learned[learned["day"].notna()].reset_index(drop=True)
    ids, days = as_text(rows["id"]), as_days(rows["day"])
    if days.isna().any():
        return (
            f"The table of what {of} has learned from has {rows_text(int(days.isna().sum()))} whose"
            f" day cannot be read; {first_id(ids, days.isna())}."
        )
    late = days >= holdout.start
    if not late.any():
        return None
    return (
        f"{_first_letter(of)} has learned from {rows_text(int(late.sum()))} of {days[late].min()}"
        f" and later, and the hold-out starts on {holdout.start}; {first_id(ids, late)}."
    )


def _first_letter(of: str) -> str:
    return of[0].upper() + of[1:]


ROWS_OF_A_DAY = 20
"""A day with fewer may hold one score by chance."""
FEW_SCORES = 20
"""A model that knows no more scores is a table of means, whose tie to the labels may be none."""
Sides = tuple[tuple[str, Numbers], tuple[str, Numbers]]


def damage(paired: Paired, columns: tuple[str, ...], min_rows: int) -> str | None:
    """Say in one sentence why scores cannot be a model's; None when nothing is found.

    Within `columns`, a value with `min_rows` rows is looked at by itself. Fewer rows in all, or
    labels that are all alike, tell nothing.
    """
    labels = paired.rows["label"].to_numpy(dtype=float)
    if len(labels) < min_rows or np.ptp(labels) == 0:
        return None
    one, other = (
        paired.rows[f"{of}_score"].to_numpy(dtype=float) for of in ("production", "candidate")
    )
    sides: Sides = (PRODUCTION, one), (CANDIDATE, other)
    by = {name: each_value(paired.slices[name]) for name in dict.fromkeys(columns)}
    return next(_found(sides, labels, paired.days, by, min_rows), None)


def _found(
    sides: Sides, labels: Numbers, days: Groups, by: dict[str, Groups], min_rows: int
) -> Iterator[str]:
    yield from _stuck(sides, labels, "day", days, ROWS_OF_A_DAY)
    for name, groups in by.items():
        yield from _stuck(sides, labels, name, groups, min_rows)
    everything = Groups(("all rows",), np.zeros(len(labels), dtype=np.intp))
    yield from _unrelated(sides, labels, everything)
    for name, groups in {"all": everything, "day": days, **by}.items():
        yield from _mixed_up(sides, labels, name, groups, min_rows)


def _stuck(sides: Sides, labels: Numbers, name: str, groups: Groups, least: int) -> Iterator[str]:
    """Find one score for all of a group, though the model has more than one for most others."""
    if len(groups.names) < 2:
        return
    (_, one), (_, other) = sides
    many, varied = groups.sizes >= least, _varies(labels, groups)
    for (of, scores), others in zip(sides, (other, one), strict=True):
        varies = _varies(scores, groups)
        stuck = many & varied & ~varies
        if name != "day":  # A day without a score of its own is a fault even of both.
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


def _unrelated(sides: Sides, labels: Numbers, everything: Groups) -> Iterator[str]:
    """Find scores that have nothing to do with the labels."""
    for of, scores in sides:
        found = relation(scores, labels, everything).pooled
        if found.is_none and len(np.unique(scores)) > FEW_SCORES:
            yield (
                f"The scores of {of} have nothing to do with the labels"
                f" ({_correlation(found)} over {rows_text(len(scores))}): rows are mixed up, or the"
                " model is worthless."
            )


def _mixed_up(
    sides: Sides, labels: Numbers, name: str, groups: Groups, min_rows: int
) -> Iterator[str]:
    """Find scores whose tie to the labels is lost within groups, or within one of them."""
    (_, one), (_, other) = sides
    ours, theirs = relation(one, labels, groups), relation(other, labels, groups)
    if ours.pooled.rows >= min_rows:
        yield from _lost_within(ours.pooled, theirs.pooled, name)
    for group in np.flatnonzero(groups.sizes >= min_rows):
        yield from _lost_here(ours, theirs, int(group), f"{name} = {groups.names[group]}")


def _lost_within(ours: Correlation, theirs: Correlation, name: str) -> Iterator[str]:
    within = {"all": "Over all rows", "day": "Within days"}.get(name, f"Within each {name}")
    for of, this, that in ((PRODUCTION, ours, theirs), (CANDIDATE, theirs, ours)):
        if _dealt_out(this, that):
            yield (
                f"{within}, the scores of {of} have nothing to do with the labels"
                f" ({_correlation(this)}; the other's {that.value:.2f}): its rows are mixed up."
            )
    if _both_dealt_out(ours, theirs):
        yield (
            f"{within}, the scores of both models have nothing to do with the labels"
            f" ({_correlation(ours)} and {theirs.value:.2f}): rows are mixed up."
        )


def _lost_here(ours: Relation, theirs: Relation, group: int, where: str) -> Iterator[str]:
    """Find a tie to the labels that is lost in one group and is there in the others."""
    one, other = ours.within[group], theirs.within[group]
    falls = [each.elsewhere[group].is_much_above(each.within[group]) for each in (ours, theirs)]
    for of, this, that, fell in (
        (PRODUCTION, one, other, falls[0]),
        (CANDIDATE, other, one, falls[1]),
    ):
        if fell and _dealt_out(this, that):
            yield (
                f"The scores of {of} have nothing to do with the labels where {where}"
                f" ({_correlation(this)}; the other's {that.value:.2f}): rows there are mixed up."
            )
    if all(falls) and _both_dealt_out(one, other):
        yield (
            f"The scores of both models have nothing to do with the labels where {where}"
            f" ({_correlation(one)} and {other.value:.2f}): rows there are mixed up."
        )


def _dealt_out(this: Correlation, that: Correlation) -> bool:
    """Say whether scores are such as the other model's, but dealt out at random."""
    return this.is_slight and that.is_much_above(this) and this.spreads_as(that.spread)


def _both_dealt_out(one: Correlation, other: Correlation) -> bool:
    """Say whether both models' scores spread as the labels do, but are dealt out at random."""
    return all(c.is_slight and c.spreads_as(c.label_spread) for c in (one, other))


def _correlation(found: Correlation) -> str:
    return f"correlation {found.value + 0.0:.2f}"


NOTHING = 3.0
"""Standard errors of a correlation below which it is none."""
MUCH = 6.0
"""Standard errors between two correlations, on Fisher's scale, beyond which they differ."""
WEAK = 0.3
"""A correlation from here on is one, however few the rows."""
SLIGHT = 0.1
"""A correlation up to here may be left when scores slip by a row and neighbours are alike."""
ALIKE = 1.5
"""Spreads within this factor of one another are alike."""


@dataclass(frozen=True)
class Correlation:
    """A correlation, the rows it is from, and how far the scores spread."""

    value: float
    """NaN where scores or labels do not vary."""
    rows: int
    spread: float
    """Standard deviation of the scores about their group's mean."""
    label_spread: float

    @property
    def is_none(self) -> bool:
        """Whether it cannot be told from that of scores dealt out at random."""
        if self.rows < 3:
            return False
        return bool(self.value < min(WEAK, NOTHING / np.sqrt(self.rows - 1)))

    @property
    def is_slight(self) -> bool:
        """Whether it is none, or so small that the scores say next to nothing of the labels."""
        return self.is_none or (self.rows > 1 / SLIGHT**2 and self.value < SLIGHT)

    def is_much_above(self, other: Correlation) -> bool:
        """Whether it is larger than another beyond doubt."""
        if min(self.rows, other.rows) < 4:
            return False
        error = np.sqrt(1 / (self.rows - 3) + 1 / (other.rows - 3))
        return bool((_fisher(self.value) - _fisher(other.value)) / error > MUCH)

    def spreads_as(self, spread: float) -> bool:
        """Whether the scores spread about as far as this."""
        return spread / ALIKE <= self.spread <= spread * ALIKE and spread > 0


@dataclass(frozen=True)
class Relation:
    """How one model's scores go with the labels within groups."""

    pooled: Correlation
    """Of scores and labels less the mean of their group, over all rows."""
    within: tuple[Correlation, ...]
    """In each group."""
    elsewhere: tuple[Correlation, ...]
    """In all other groups together."""


def relation(scores: Numbers, labels: Numbers, groups: Groups) -> Relation:
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
    return Relation(
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
        none = 1e-20  # Of numbers scaled to 1: the noise of arithmetic.
        with np.errstate(all="ignore"):
            found = self.xy / (np.sqrt(self.xx) * np.sqrt(self.yy))
        return np.where((self.xx > none) & (self.yy > none), found, np.nan)


def _centred(values: Numbers, groups: Groups) -> Numbers:
    count = len(groups.names)
    sums = np.bincount(groups.of_row, weights=values, minlength=count)
    centred: Numbers = values - (sums / groups.sizes)[groups.of_row]
    return centred


def _scale(values: Numbers) -> float:
    """Return the largest absolute value: what is divided by it has squares that can be summed."""
    return float(np.abs(values).max()) or 1.0


def _fisher(value: float) -> float:
    return float(np.arctanh(np.clip(value, -0.999999, 0.999999)))
