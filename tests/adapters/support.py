"""What the adapters' tests share: a context, the way from a sample to alerts, and damage."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import strategies as st

from retouch.adapters.base.assemble import assemble
from retouch.adapters.base.context import parse_context
from retouch.adapters.base.native import read_native
from retouch.adapters.registry import ADAPTERS

SAMPLES = Path(__file__).parent / "samples"
GOLDEN = Path(__file__).parent.parent / "golden" / "alerts"
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
CONTEXT = {
    "model": "block-time",
    "monitor": "daily",
    "dataset": "flights",
    "path": "data/raw/flights",
    "digest": "md5:0123456789abcdef0123456789abcdef",
    "window": ["2013-07-01", "2013-08-01"],
    "zone": "America/New_York",
}
ODDITIES = ("", "no", "NaN", 0, 1, -1, 2.5, 10**400, True, False, [], [[]], [None], {}, {"a": {}})
"""What stands in damaged output where something else should."""


def sample(name):
    """Return a recorded output as JSON."""
    return json.loads((SAMPLES / f"{name}.json").read_bytes())


def imported(tool, output, context=CONTEXT, *, include_resolved=True):
    """Return the alerts a tool's output makes; `output` is JSON, or its bytes."""
    raw = output if isinstance(output, bytes) else json.dumps(output).encode()
    said = parse_context(dict(context), "context.yaml")
    results = ADAPTERS[tool](read_native(raw, "report.json"), said)
    return assemble(
        results, said, native=raw, source="report.json", now=NOW, include_resolved=include_resolved
    )


def imported_sample(tool, name, context=CONTEXT):
    """Return the alerts of a recorded output, byte for byte as it was recorded."""
    return imported(tool, (SAMPLES / f"{name}.json").read_bytes(), context)


def text_of(alerts):
    """Return alerts as a golden file has them."""
    fields = [alert.model_dump(mode="json", exclude_defaults=True) for alert in alerts]
    return json.dumps(fields, indent=1, ensure_ascii=False) + "\n"


def golden_text(name):
    """Return what a golden file holds."""
    return (GOLDEN / f"{name}.json").read_text(encoding="utf-8")


def verdicts(alerts):
    """Return (column, metric) -> verdict of all findings."""
    return {
        (finding.column, finding.metric): finding.verdict
        for alert in alerts
        for finding in alert.findings
    }


def finding_of(alerts, metric, column=None):
    """Return the only finding of a metric on a column."""
    (found,) = [
        finding
        for alert in alerts
        for finding in alert.findings
        if (finding.metric, finding.column) == (metric, column)
    ]
    return found


@st.composite
def damaged(draw, *outputs):
    """Draw one of some outputs with up to three places removed, emptied or replaced."""
    output = copy.deepcopy(draw(st.sampled_from(outputs)))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(output))
        if not places:
            break
        container, key = places[draw(st.integers(0, len(places) - 1))]
        match draw(st.sampled_from(["remove", "null", "replace", "rename"])):
            case "remove":
                del container[key]
            case "null":
                container[key] = None
            case "rename" if isinstance(container, dict):
                container["renamed"] = container.pop(key)
            case _:
                container[key] = copy.deepcopy(draw(st.sampled_from(ODDITIES)))
    return output


def _places(node):
    items = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, value in items:
        yield node, key
        yield from _places(value)
