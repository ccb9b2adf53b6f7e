"""Hold a policy against its own examples, each under the whole policy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from retouch.alerts.model import Alert
from retouch.alerts.new import new_alert
from retouch.documents import Value
from retouch.policy.decide import decide
from retouch.policy.model import RETRAINING_FILE, Example, Policy

_NOW = datetime(2100, 1, 1, tzinfo=UTC)
"""After any time an example may name; no decision depends on it."""


class ExampleResult(Value):
    """What one example was to get, and what it got."""

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
    """Return what every example of every rule gets, in the order they are written.

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
    said = {"model": policy.model, "monitor": "example", "dataset": "example", **example.given}
    hint = "Correct the example, then run `retouch policy check`."
    return new_alert(said, now=_NOW, randomness=bytes(10), source=source, hint=hint)


def _outcome(ladder: tuple[str, ...] | None, hold: str | None) -> str:
    return f"hold: {hold}" if hold is not None else f"try {', '.join(ladder or ())}"
