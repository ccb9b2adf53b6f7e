"""More than one look, and more than one slice: what chance could do, shared out among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retouch.errors import InputError
from retouch.gate.losses import Numbers


@dataclass(frozen=True)
class Look:
    """Which candidate this is that the hold-out judges."""

    number: int = 1
    """From 1."""
    allowed: int = 1

    def __post_init__(self) -> None:
        """Raise InputError unless both count from 1."""
        if self.number < 1 or self.allowed < 1:
            raise InputError(
                f"Candidate {self.number} of {self.allowed} of a hold-out: both count from 1."
            )

    @property
    def used_up(self) -> bool:
        """Whether the hold-out has judged all it may."""
        return self.number > self.allowed

    def confidence(self, overall: float) -> float:
        """Return the confidence for this candidate, so that all together have `overall`.

        Of H candidates the k-th gets the share 1 / (k * h) of 1 - overall, h = 1 + 1/2 + ... + 1/H.
        The shares are fixed in advance and sum to 1, so by Bonferroni's inequality the chance that
        any of the H is wrongly promoted is at most 1 - overall, however one led to the next.
        """
        harmonic = sum(1 / k for k in range(1, self.allowed + 1))
        return 1 - (1 - overall) / (self.number * harmonic)


def holm(p_values: Sequence[float]) -> Numbers:
    """Return Holm's adjusted p-values (1979): at most `a` for any with a chance of at most `a`."""
    p, count = np.asarray(p_values, dtype=float), len(p_values)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(count)
    adjusted[order] = np.maximum.accumulate(p[order] * np.arange(count, 0, -1))
    return np.minimum(adjusted, 1.0)


def false_discovery(p_values: Sequence[float]) -> Numbers:
    """Return Benjamini and Hochberg's q-values (1995): the share of false ones so far."""
    p, count = np.asarray(p_values, dtype=float), len(p_values)
    order = np.argsort(p, kind="stable")[::-1]
    q = np.empty(count)
    q[order] = np.minimum.accumulate(p[order] * (count / np.arange(count, 0, -1)))
    return np.minimum(q, 1.0)
