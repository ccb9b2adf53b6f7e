"""Summarise prediction errors of scored flights, for `evaluate` and `audit`."""

from __future__ import annotations

import pandas as pd

from stages.matrices import rounded


def block_errors(scores: pd.DataFrame) -> dict[str, float]:
    """Give error, bias and interval coverage of the block time, with flights and days.

    Days are the sampling unit: the flights of one day share their weather and their queue, so the
    number of days says more about the precision than the number of flights.
    """
    covered = scores["label"].between(scores["lower"], scores["upper"])
    return {
        **_errors(scores["label"], scores["score"]),
        "coverage": rounded(covered.mean()),
        "days": int(scores["day"].nunique()),
    }


def component_errors(scores: pd.DataFrame, component: str) -> dict[str, float]:
    """Give error and bias of the air time or the taxi time, with the number of flights."""
    return _errors(scores[f"label_{component}"], scores[f"score_{component}"])


def _errors(label: pd.Series[float], score: pd.Series[float]) -> dict[str, float]:
    error = score - label
    return {
        "flights": len(error),
        "mae": rounded(error.abs().mean()),
        "bias": rounded(error.mean()),
    }
