"""A monitor's result in Retouch's terms: an alert without what only the caller knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from retouch.alerts.model import Kind, Severity, Status, Window

BREACHES = ("breach", "warn")
"""Verdicts that raise an alert."""
FindingFields = Mapping[str, Any]
"""The fields of `retouch.alerts.model.Finding`, not yet checked: `assemble` does that."""


@dataclass(frozen=True, kw_only=True)
class MonitorResult:
    """A monitor's result for one table in one window. None: not in the output.

    Nothing is validated here: `assemble` puts it into an alert, which is validated like any other.
    """

    tool: str
    kind: Kind
    """The adapter's kind; the context may override it."""
    findings: tuple[FindingFields, ...] = ()
    native_kind: str | None = None
    """The output's own name for what was judged; it is looked up in `Context.kinds`."""
    status: Status | None = None
    """None: `firing` when a finding breaches, `no_data` when one is an error, else `resolved`."""
    severity: Severity | None = None
    tool_version: str | None = None
    model: str | None = None
    table: str | None = None
    """The output's name of the table; it is looked up in `Context.tables`."""
    digest: str | None = None
    window: Window | None = None
    reference: Mapping[str, Any] | None = None
    rows: int | None = None
    where: tuple[Mapping[str, Any], ...] = ()
    truncated: int = 0
    """How many findings the tool itself left out."""
    started_at: datetime | None = None
    emitted_at: datetime | None = None
    run_id: str | None = None
    confidence: Mapping[str, Any] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    message: str = ""

    @property
    def breaches(self) -> bool:
        """Whether the tool found anything wrong."""
        return any(finding.get("verdict") in BREACHES for finding in self.findings)


def finding(
    metric: str,
    *,
    verdict: str,
    column: str | None = None,
    scope: str | None = None,
    native_id: str | None = None,
    **numbers: Any,
) -> FindingFields:
    """Return the fields of a finding; `metric` is the tool's own name for it.

    `numbers`: value, lower, upper, breach_when, p_value, ci_low, ci_high, severity; None is left
    out. Without a `scope` it is of its column, or of the dataset.
    """
    fields = {
        "scope": scope or ("dataset" if column is None else "column"),
        "column": column,
        "metric": metric_name(metric),
        "native_metric": clipped(metric, 200),
        "verdict": verdict,
        "native_id": clipped(native_id, 200),
        **numbers,
    }
    return {key: value for key, value in fields.items() if value is not None}


def metric_name(native: str) -> str:
    """Return a metric's normalised name, at most 64 characters: `K-S p_value` -> `k_s_p_value`."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", native).lower())
    name = "_".join(words)[:60].rstrip("_")
    return name if name[:1].isalpha() else f"m_{name}".rstrip("_")


def clipped(text: str | None, length: int) -> str | None:
    """Return the text, cut to `length` characters with an ellipsis."""
    return text if text is None or len(text) <= length else text[: length - 1] + "…"


def worst(severities: Iterable[Severity | None]) -> Severity | None:
    """Return the highest of the severities that are given."""
    order: tuple[Severity, ...] = ("critical", "warning", "info")
    given = set(severities)
    return next((severity for severity in order if severity in given), None)
