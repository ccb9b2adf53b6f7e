"""The decision of the policy about a group of alerts, whatever their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from retouch.alerts.model import SEVERITIES, Alert
from retouch.policy.model import Decision, Policy, Rule, When

NOTHING_FIRES = "nothing is firing"
OTHER_MODEL = "the policy is for another model"
NO_RULE_MATCHED = "no rule matched"

Text = TypeVar("Text", bound=str)


def decide(alerts: Sequence[Alert], policy: Policy) -> Decision:
    """Decide about one group of alerts, independently of their order.

    Each firing alert matches the first rule whose conditions it meets. Where the matched rules
    differ, a rule with `hold` wins; else an alert that no rule matched is held; else the first rule
    in the policy wins. Alerts that are not firing never retrain. Raises ValueError for no alerts.
    """
    if not alerts:
        raise ValueError("no alerts to decide about")
    ids = tuple(sorted({alert.alert_id for alert in alerts}))
    firing = [alert for alert in alerts if alert.status == "firing"]
    if not firing:
        why = "Every alert of the group is resolved or had no data; neither calls for a new model."
        return _held(ids, NOTHING_FIRES, why)
    if any(alert.model != policy.model for alert in firing):
        return _held(ids, OTHER_MODEL, f"The policy is for the model {policy.model} only.")
    matched = [first_match(alert, policy) for alert in firing]
    ranked = [rule for rule in policy.rules if rule in matched]
    holding = [rule for rule in ranked if rule.hold is not None]
    if not holding and None in matched:
        return _held(ids, NO_RULE_MATCHED, "No rule covers it, so a person decides.")
    return _by_rule(ids, (holding or ranked)[0])


def first_match(alert: Alert, policy: Policy) -> Rule | None:
    """Return the first rule whose conditions the alert meets, if there is one."""
    return next((rule for rule in policy.rules if matches(rule.when, alert)), None)


def matches(when: When, alert: Alert) -> bool:
    """Tell whether an alert meets all the conditions that are given."""
    breaches = [finding for finding in alert.findings if finding.verdict == "breach"]
    columns = {*alert.slice.columns, *(finding.column for finding in breaches)}
    return all(
        (
            when.family in (None, alert.family),
            when.kind is None or alert.kind in members(when.kind),
            when.severity is None
            or SEVERITIES.index(alert.severity) >= SEVERITIES.index(when.severity.at_least),
            when.dataset is None or alert.slice.current.dataset in members(when.dataset),
            when.columns is None or not columns.isdisjoint(when.columns),
            when.monitor is None or alert.monitor.id in members(when.monitor),
            when.confidence is None or when.confidence.holds(alert.confidence.score),
            when.findings is None
            or any(
                finding.metric == when.findings.metric and when.findings.holds(finding.value)
                for finding in breaches
            ),
        )
    )


def members(one_or_more: Text | tuple[Text, ...]) -> frozenset[Text]:
    """Return the values of a condition that may be one value or a list."""
    return frozenset(one_or_more if isinstance(one_or_more, tuple) else (one_or_more,))


def _held(alert_ids: tuple[str, ...], hold: str, why: str) -> Decision:
    return Decision(alert_ids=alert_ids, action="hold", rule=None, why=why, hold=hold)


def _by_rule(alert_ids: tuple[str, ...], rule: Rule) -> Decision:
    return Decision(
        alert_ids=alert_ids,
        action="retrain" if rule.hold is None else "hold",
        rule=rule.name,
        why=rule.why,
        ladder=rule.attempt or (),
        hold=rule.hold,
    )
