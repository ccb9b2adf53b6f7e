"""Every recorded output of the libraries goes the whole way, or is refused for a known reason."""

from __future__ import annotations

import pytest

from retouch.errors import InputError
from tests.adapters.support import CONTEXT, SAMPLES, imported_sample

TOOLS = (
    "evidently",
    "nannyml",
    "great_expectations",
    "pandera",
    "deepchecks",
    "whylogs",
    "alibi_detect",
    "river",
)
COLUMNS = {"alibi_detect_tabular": [*"abc"]}
REFUSED = {"evidently_weather_drift_no_tests"}
RECORDED = [
    (tool, path.stem)
    for tool in TOOLS
    for path in sorted((SAMPLES / "real").glob(f"{tool}_*.json"))
]


@pytest.mark.parametrize(("tool", "name"), RECORDED)
def test_a_recorded_output_makes_alerts_about_what_was_judged(tool, name):
    context = CONTEXT | {"columns": COLUMNS.get(name, [*"abcde"])}
    if tool == "river":
        context |= {"kind": "concept_drift"}

    try:
        alerts = imported_sample(tool.replace("_", "-"), f"real/{name}", context)
    except InputError:
        assert name in REFUSED
    else:
        assert name not in REFUSED
        assert alerts
        assert all(alert.slice.current.window and alert.findings for alert in alerts)
