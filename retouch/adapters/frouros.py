"""frouros: results without a verdict, which the caller states (`recorded.py`)."""

from __future__ import annotations

from collections.abc import Sequence

from retouch.adapters.base.context import Context
from retouch.adapters.base.judgement import Judgement
from retouch.adapters.base.native import Node
from retouch.adapters.base.recorded import judgements
from retouch.alerts.model import Kind

_CONCEPT_DRIFT = (
    "ADWIN",
    "BOCD",
    "CUSUM",
    "DDM",
    "ECDDWT",
    "EDDM",
    "GeometricMovingAverage",
    "HDDMA",
    "HDDMW",
    "KSWIN",
    "PageHinkley",
    "RDDM",
    "STEPD",
)
"""frouros keeps these in `detectors.concept_drift`."""
_DATA_DRIFT = (
    "AndersonDarlingTest",
    "BhattacharyyaDistance",
    "BWSTest",
    "ChiSquareTest",
    "CVMTest",
    "EMD",
    "EnergyDistance",
    "HellingerDistance",
    "HINormalizedComplement",
    "IncrementalKSTest",
    "JS",
    "KL",
    "KSTest",
    "KuiperTest",
    "MannWhitneyUTest",
    "MMD",
    "PSI",
    "WelchTTest",
)
"""frouros keeps these in `detectors.data_drift`."""


def read(root: Node, context: Context) -> Sequence[Judgement]:
    """Return a judgement for each kind of drift that was recorded."""
    return judgements(
        root,
        context,
        tool="frouros",
        detectors=(*_CONCEPT_DRIFT, *_DATA_DRIFT),
        kind_of=_kind_of,
    )


def _kind_of(detector: str, column: str | None) -> Kind | None:
    if detector in _CONCEPT_DRIFT:
        return "concept_drift"
    if detector in _DATA_DRIFT or column is not None:
        return "data_drift"
    return None
