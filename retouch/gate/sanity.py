"""Scores that cannot be a model's: stuck at one value, or given to the wrong rows.

A shuffle leaves the scores as they were and takes away what ties them to their labels. A poor
model is not the gate's to refuse here, so each rule asks for more than a weak tie: none at all,
where the other model, or the same one elsewhere, has a strong one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from retouch.gate.comparison import CANDIDATE, PRODUCTION
from retouch.gate.correlation import Correlation, Relation, relation
from retouch.gate.losses import Numbers
from retouch.gate.pairing import Paired
from retouch.gate.score_table import rows_text
from retouch.gate.slices import Groups, each_value

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
