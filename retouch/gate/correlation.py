"""How scores go with labels, over all rows and within groups: the larger of two correlations.

Pearson's sees a line where ranks see a mere order; one outlier can make or break Pearson's, and
not the ranks'. Both have a standard error of 1 / sqrt(n - 1) when scores are dealt out at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retouch.gate.losses import Numbers, midranks
from retouch.gate.slices import Groups, Rows

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
    lines = _Sums.of(scores, labels, groups)
    ranks = _Sums.of(midranks(scores), midranks(labels), groups)
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
