"""river: its detectors write nothing; the caller records their attributes (`recorded.py`)."""

from __future__ import annotations

from collections.abc import Sequence

from retouch.adapters.base.context import Context
from retouch.adapters.base.judgement import Judgement
from retouch.adapters.base.native import Node
from retouch.adapters.base.recorded import judgements
from retouch.alerts.model import Kind

_ON_ERRORS = ("DDM", "EDDM", "FHDDM", "HDDMA", "HDDMW", "HDDM_A", "HDDM_W")
"""Detectors that are fed with whether the model was wrong, never with a column."""
_ON_ANYTHING = ("ADWIN", "KSWIN", "PageHinkley", "DummyDriftDetector", "NoDrift")


def read(root: Node, context: Context) -> Sequence[Judgement]:
    """Return a judgement for each kind of drift that was recorded."""
    return judgements(
        root, context, tool="river", detectors=(*_ON_ERRORS, *_ON_ANYTHING), kind_of=_kind_of
    )


def _kind_of(detector: str, column: str | None) -> Kind | None:
    if detector in _ON_ERRORS:
        return "concept_drift"
    return None if column is None else "data_drift"
