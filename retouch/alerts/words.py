"""An alert as text, for plans and reports."""

from __future__ import annotations

from datetime import datetime, time

from pydantic import AwareDatetime

from retouch.alerts.model import Alert, Confidence, Finding, Predicate, Scalar, Window
from retouch.documents import Value

_OPERATORS = {"eq": "=", "ne": "≠", "lt": "<", "le": "≤", "gt": ">", "ge": "≥", "in": "in"}
_BASES = {
    "p_value": "by p-value",
    "interval": "by interval",
    "vote": "by vote",
    "declared": "as declared by the monitor",
}


class AlertSummary(Value):
    """What plan and report say of an alert. Text in it is still untrusted."""

    alert_id: str
    kind: str
    family: str
    severity: str
    monitor: str
    dataset: str
    columns: tuple[str, ...]
    where: tuple[str, ...]
    """Each predicate as text: `region = central`."""
    window: str | None
    """`2013-06-16 to 2013-07-01`, half-open."""
    emitted_at: AwareDatetime
    confidence: str
    findings: tuple[str, ...]
    """Each breaching finding as text: `day_mean_absolute_error of air_time 27.3 > 12`."""
    message: str
    hypothesis: str | None
    model_version: str | None = None


def summarise(alert: Alert) -> AlertSummary:
    """Summarise an alert as text."""
    window = alert.slice.current.window
    return AlertSummary(
        alert_id=alert.alert_id,
        kind=alert.kind,
        family=alert.family,
        severity=alert.severity,
        monitor=alert.monitor.id,
        dataset=alert.slice.current.dataset,
        columns=alert.slice.columns,
        where=tuple(_condition(predicate) for predicate in alert.slice.where),
        window=_stretch(window) if window else None,
        emitted_at=alert.emitted_at,
        confidence=_confidence(alert.confidence),
        findings=tuple(_found(f) for f in alert.findings if f.verdict == "breach"),
        message=alert.message,
        hypothesis=alert.hypothesis,
        model_version=alert.model_version,
    )


def _condition(predicate: Predicate) -> str:
    value = predicate.value
    members = ", ".join(map(_scalar, value)) if isinstance(value, tuple) else _scalar(value)
    return f"{predicate.column} {_OPERATORS[predicate.op]} {members}"


def _stretch(window: Window) -> str:
    return f"{_moment(window.start)} to {_moment(window.end)}"


def _moment(moment: datetime) -> str:
    """Return the day, in the offset it was written in, and the time unless it is midnight."""
    day = f"{moment:%Y-%m-%d}"
    return day if moment.time() == time() else f"{day} {moment:%H:%M}"


def _confidence(confidence: Confidence) -> str:
    if confidence.score is None:
        return "not stated"
    units = "" if confidence.n is None else f", n = {confidence.n}"
    return f"{_number(confidence.score)} {_BASES[confidence.basis]}{units}"


def _found(finding: Finding) -> str:
    of_column = f" of {finding.column}" if finding.column else ""
    value = "" if finding.value is None else f" {_number(finding.value)}"
    chance = "" if finding.p_value is None else f" (p = {_number(finding.p_value)})"
    return f"{finding.metric}{of_column}{value}{_limit(finding)}{chance}"


def _limit(finding: Finding) -> str:
    """Return the limit the value broke: ` > 12`, ` outside 3 to 5`; nothing when none is given."""
    limits = [_number(limit) for limit in (finding.lower, finding.upper) if limit is not None]
    if not limits:
        return ""
    if finding.breach_when in ("outside", "declared"):
        return f" outside {' to '.join(limits)}" if len(limits) == 2 else f", limit {limits[0]}"
    bound = limits[0] if finding.breach_when in ("lt", "le") else limits[-1]
    return f" {_OPERATORS[finding.breach_when]} {bound}"


def _scalar(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: float) -> str:
    whole = value == round(value) and abs(value) < 1e12
    return f"{value:.0f}" if whole else f"{value:.4g}"
