"""The figures of a report: small, the same bytes for the same documents, none without data.

losses       both models by day, and the change by slice with its interval (a forest plot)
calibration  bias and interval coverage by slice, or the reliability of probabilities
drift        the alerted column in the reference window and in the alert window
canvas       what they share
"""

from __future__ import annotations

from retouch.gate.model import Verdict
from retouch.planning.model import Plan
from retouch.reporting.escape import plain
from retouch.reporting.figures.calibration import (
    calibration_svg,
    finite_calibration,
    finite_reliability,
)
from retouch.reporting.figures.drift import drift_days, drift_svg
from retouch.reporting.figures.losses import loss_by_day_svg, loss_days, slice_checks, slices_svg

__all__ = ["FIGURES", "figure_title", "figures_of", "to_draw"]

LOSS_BY_DAY, SLICES = "loss-by-day.svg", "slices.svg"
CALIBRATION, DRIFT = "calibration.svg", "drift.svg"
FIGURES = (LOSS_BY_DAY, SLICES, CALIBRATION, DRIFT)
"""Their files, in the order of the report."""


def available_figures(verdict: Verdict | None) -> tuple[str, ...]:
    """Return the figures the verdict has data for."""
    if verdict is None:
        return ()
    judgement = verdict.deciding
    has_data = {
        LOSS_BY_DAY: bool(loss_days(judgement)),
        SLICES: len(slice_checks(judgement)) > 1,
        CALIBRATION: bool(finite_calibration(judgement) or finite_reliability(judgement)),
        DRIFT: verdict.drift is not None and bool(drift_days(verdict.drift.current)),
    }
    return tuple(name for name in FIGURES if has_data[name])


def draw_figures(plan: Plan, verdict: Verdict | None) -> dict[str, bytes]:
    """Return every figure there is data for, by the name of its file."""
    if verdict is None:
        return {}
    title = figure_title(plan)
    figures = {
        LOSS_BY_DAY: loss_by_day_svg(verdict, title),
        SLICES: slices_svg(verdict, title),
        CALIBRATION: calibration_svg(verdict),
        DRIFT: drift_svg(verdict),
    }
    return {name: svg for name, svg in figures.items() if svg is not None}


def figure_title(plan: Plan) -> str:
    """Return what the figures are about: the slice of the alert."""
    alert = plan.alerts[0]
    return plain(" and ".join(alert.where) or f"All of {alert.dataset}", 90)
