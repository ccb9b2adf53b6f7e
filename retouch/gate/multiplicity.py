"""More than one look, and more than one slice: what chance could do, shared out among them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retouch.gate.losses import Numbers


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
