"""Check a policy: what its own examples get, unreachable rules and unused tiers, odd settings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from retouch.alerts.model import FAMILY_OF, SEVERITIES, Alert, Kind
from retouch.alerts.new import new_alert
from retouch.documents import Value
from retouch.policy.decide import decide, members
from retouch.policy.model import (
    RETRAINING_FILE,
    Between,
    Example,
    Policy,
    SeverityCondition,
    When,
)
from retouch.policy.suppression import Suppression, duration_text

_NOW = datetime(2100, 1, 1, tzinfo=UTC)
"""After any time an example may name; no decision depends on it."""


class ExampleResult(Value):
    """The expected and the actual decision for one example."""

    rule: str
    """The name of the rule the example stands under."""
    number: int
    """Of the example under its rule, from 1."""
    expected: str
    """`try recalibrate, refit` or `hold: no rule matched`."""
    got: str
    decided_by: str | None
    """The name of the rule that decided; None when none did."""

    @property
    def passed(self) -> bool:
        """Tell whether the decision is the expected one."""
        return self.got == self.expected


def check_policy(policy: Policy, source: str = RETRAINING_FILE) -> tuple[ExampleResult, ...]:
    """Decide about every example of every rule, in the order they are written.

    Raises InputError, naming `source` and the example, for one that is not an alert.
    """
    return tuple(_results(policy, source))


def _results(policy: Policy, source: str) -> Iterator[ExampleResult]:
    for i, rule in enumerate(policy.rules):
        for j, example in enumerate(rule.examples):
            alert = _alert(example, policy, f"{source}: rules[{i}].examples[{j}].given")
            decision = decide([alert], policy)
            yield ExampleResult(
                rule=rule.name,
                number=j + 1,
                expected=_outcome(example.expect.attempt, example.expect.hold),
                got=_outcome(decision.ladder, decision.hold),
                decided_by=decision.rule,
            )


def _alert(example: Example, policy: Policy, source: str) -> Alert:
    alert = {"model": policy.model, "monitor": "example", "dataset": "example", **example.given}
    hint = "Correct the example, then run `retouch policy check`."
    return new_alert(alert, now=_NOW, randomness=bytes(10), source=source, hint=hint)


def _outcome(ladder: tuple[str, ...] | None, hold: str | None) -> str:
    return f"hold: {hold}" if hold is not None else f"try {', '.join(ladder or ())}"


def lint_policy(policy: Policy) -> tuple[str, ...]:
    """Return one warning for each unreachable rule, unused tier and contradictory setting of tiers,
    `suppression`, `budget` and `value`.

    Sound, not complete: every warning is true, but a rule that is covered only by several earlier
    ones together is not found.
    """
    return (
        *_unreachable_rules(policy),
        *_unused_tiers(policy),
        *_contradictory_suppression(policy.suppression),
        *_contradictory_budget(policy),
        *_contradictory_value(policy),
    )


def covers(earlier: When, later: When) -> bool:
    """Tell whether every alert that meets `later` also meets `earlier`."""
    return (
        _kinds(later) <= _kinds(earlier)
        and _severity(later.severity) >= _severity(earlier.severity)
        and _covers_words(earlier.dataset, later.dataset)
        and _covers_words(earlier.columns, later.columns)
        and _covers_words(earlier.monitor, later.monitor)
        and _covers_numbers(earlier.confidence, later.confidence)
        and _covers_numbers(earlier.findings, later.findings)
        and (
            earlier.findings is None
            or later.findings is None
            or earlier.findings.metric == later.findings.metric
        )
    )


def _unreachable_rules(policy: Policy) -> Iterator[str]:
    for i, rule in enumerate(policy.rules):
        if not _kinds(rule.when):
            yield f"rules[{i}] ({rule.name!r}) is unreachable: no kind is of its family."
            continue
        for j, earlier in enumerate(policy.rules[:i]):
            if covers(earlier.when, rule.when):
                yield (
                    f"rules[{i}] ({rule.name!r}) is unreachable: "
                    f"rules[{j}] ({earlier.name!r}) matches every alert it matches."
                )
                break


def _unused_tiers(policy: Policy) -> Iterator[str]:
    tried = {tier for rule in policy.rules for tier in rule.attempt or ()}
    for name in policy.tiers:
        if name not in tried:
            yield f"tiers.{name} is unused: no rule names it."
    for name, tier in policy.tiers.items():
        if tier.restores is not None and tier.must == "not_get_worse":
            yield (
                f"tiers.{name}: 'restores' requires the loss to recover, 'must: not_get_worse' "
                "only that it does not rise; on a slice that stays bad no repair can pass."
            )


def _contradictory_suppression(suppression: Suppression) -> Iterator[str]:
    rules = suppression.persistence
    for i, rule in enumerate(rules):
        if any(covers(earlier.when, rule.when) for earlier in rules[:i]):
            yield (
                f"suppression.persistence[{i}] ({rule.name!r}) is unreachable: "
                "an earlier rule matches every alert it matches."
            )
    for j, inhibition in enumerate(suppression.inhibit):
        place = f"suppression.inhibit[{j}] ({inhibition.name!r})"
        if covers(inhibition.when, inhibition.mutes):
            yield f"{place} mutes nothing: every alert it would mute meets its own 'when'."
        for i, earlier in enumerate(suppression.inhibit[:j]):
            if not _kinds(inhibition.mutes).isdisjoint(_kinds(earlier.when)):
                yield (
                    f"{place} may mute an alert by which inhibit[{i}] "
                    f"({earlier.name!r}) mutes others: put it first."
                )
    if suppression.group_wait > timedelta(days=1):
        wait = duration_text(suppression.group_wait)
        yield f"suppression.group_wait is {wait}: even the most urgent alert waits that long."


def _contradictory_budget(policy: Policy) -> Iterator[str]:
    budget = policy.budget
    for name in ("cpu_per_alert", "wall_per_alert", "cpu_per_day"):
        if getattr(budget, name) == timedelta(0):
            yield f"budget.{name} is zero: no tier with a known cost is ever tried."
    alert, day = budget.cpu_per_alert, budget.cpu_per_day
    if alert is not None and day is not None and alert > day:
        yield (
            f"budget.cpu_per_alert, {duration_text(alert)}, is never reached: "
            f"cpu_per_day allows {duration_text(day)}."
        )
    if budget.tiers is None:
        return
    for i, rule in enumerate(policy.rules):
        beyond = (rule.attempt or ())[budget.tiers :]
        if beyond:
            yield (
                f"budget.tiers is {budget.tiers}: rules[{i}] ({rule.name!r}) never reaches "
                f"{' and '.join(beyond)}."
            )


def _contradictory_value(policy: Policy) -> Iterator[str]:
    if policy.value is None:
        return
    if not any(tier.whole_model for tier in policy.tiers.values()):
        yield "value: no tier has whole_model, so a full run has no history to be valued by."
    if not policy.value.horizon:
        yield "value.horizon is zero: no gain is ever worth its cost."


def _kinds(when: When) -> frozenset[Kind]:
    """Return the kinds of alert that family and kind together let pass."""
    named = frozenset(FAMILY_OF) if when.kind is None else members(when.kind)
    return frozenset(kind for kind in named if when.family in (None, FAMILY_OF[kind]))


def _severity(condition: SeverityCondition | None) -> int:
    return 0 if condition is None else SEVERITIES.index(condition.at_least)


def _covers_words(
    earlier: str | tuple[str, ...] | None, later: str | tuple[str, ...] | None
) -> bool:
    if earlier is None:
        return True
    return later is not None and members(later) <= members(earlier)


def _covers_numbers(earlier: Between | None, later: Between | None) -> bool:
    if earlier is None:
        return True
    return later is not None and earlier.lowest <= later.lowest and later.highest <= earlier.highest
