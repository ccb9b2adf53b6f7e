"""`policies/retraining.yaml` as values: tiers say how, rules say when."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, StringConstraints, model_validator

from retouch.documents import Document, Value
from retouch.policy.conditions import (
    Between,
    FindingCondition,
    Sentence,
    SeverityCondition,
    When,
)
from retouch.policy.suppression import Suppression

__all__ = [
    "ANCHORS",
    "RETRAINING_FILE",
    "Anchor",
    "Between",
    "DaysBefore",
    "Decision",
    "Edit",
    "Example",
    "Expectation",
    "FindingCondition",
    "Identifier",
    "NewValue",
    "Policy",
    "Rule",
    "Sentence",
    "SeverityCondition",
    "Tier",
    "When",
]

RETRAINING_FILE = "policies/retraining.yaml"

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]
Anchor = Literal["window.start", "window.end", "data.until", "holdout.from", "holdout.until"]
"""The days a tier may speak of: the alert's window, the data's clock, the gate's hold-out."""
ANCHORS: tuple[Anchor, ...] = get_args(Anchor)


class DaysBefore(Value):
    """A day counted back from an anchor, as `YYYY-MM-DD`."""

    days_before: Annotated[int, Field(ge=0, le=3660)]
    of: Anchor


NewValue = str | int | float | bool | DaysBefore
"""A literal (text may hold `{placeholders}`) or a day counted back from an anchor."""


class Edit(Value):
    """One change to one declared input. Exactly one of `to`, `append` and `increase_by`.

    `set` is the dotted key and `in` the params file. They and any text may hold placeholders: keys
    of a stage's `partition`, such as `{part}`, and anchors, such as `{window.start}`. The edit is
    made for every touched stage of the tier's module whose partition has all the keys it names.
    """

    set: Annotated[str, StringConstraints(min_length=1)]
    file: Annotated[str, Field(alias="in")] = "params.yaml"
    to: NewValue | None = None
    append: dict[str, NewValue] | None = None
    """Added to the end of the list at `set`, unless it is there already."""
    increase_by: Annotated[int, Field(ge=1)] | None = None
    """For a revision key: the one-line diff that asks for a rerun when nothing else changes."""

    @model_validator(mode="after")
    def _one_change(self) -> Edit:
        if sum(x is not None for x in (self.to, self.append, self.increase_by)) != 1:
            raise ValueError("give exactly one of 'to', 'append' and 'increase_by'")
        return self


class Tier(Value):
    """How an alert may be answered: edits to declared inputs, for each touched module."""

    says: Sentence
    """What it does, in words; shown in plans and reports."""
    module: Identifier
    """The kind of component it edits: its edits are made for each touched stage of this module."""
    whole_model: bool = False
    """Edit every stage of the module, touched or not."""
    must: Literal["improve", "not_get_worse"]
    """What the gate asks of the alerted slice."""
    edits: Annotated[tuple[Edit, ...], Field(min_length=1)]


class Expectation(Value):
    """The decision an example alert must get. Exactly one of `try` and `hold`."""

    attempt: Annotated[tuple[str, ...] | None, Field(alias="try")] = None
    hold: str | None = None
    """What the rule asks of a person, or `no rule matched`."""

    @model_validator(mode="after")
    def _one_outcome(self) -> Expectation:
        if (self.attempt is None) == (self.hold is None):
            raise ValueError("give exactly one of 'try' and 'hold'")
        return self


class Example(Value):
    """An alert in a few words, and the decision it must get under the whole policy."""

    given: dict[str, Any]
    """An alert in the short form of `retouch.alerts.new.in_full`; what is left out is filled in."""
    expect: Expectation


class Rule(Value):
    """When to act: the first rule whose conditions all hold decides."""

    name: Sentence
    """A sentence, used again in plans and reports."""
    why: Sentence
    when: When
    attempt: Annotated[tuple[Identifier, ...] | None, Field(alias="try")] = None
    """The ladder of tiers, cheapest first."""
    hold: Sentence | None = None
    """Instead of a ladder: what a person is asked to do."""
    examples: Annotated[tuple[Example, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_answer(self) -> Rule:
        if (self.attempt is None) == (self.hold is None):
            raise ValueError("give exactly one of 'try' and 'hold'")
        return self


class Policy(Document):
    """The whole of `policies/retraining.yaml`."""

    version: Literal[1]
    model: str
    """The artifact of `dvc.yaml` this policy answers for."""
    tiers: Annotated[dict[Identifier, Tier], Field(min_length=1)]
    suppression: Suppression = Suppression()
    """When an alert counts."""
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _tiers_exist(self) -> Policy:
        for rule in self.rules:
            for tier in rule.attempt or ():
                if tier not in self.tiers:
                    raise ValueError(
                        f"rule {rule.name!r} tries tier {tier!r}, which is not defined"
                    )
        return self


class Decision(Document):
    """What the policy says to do about one group of alerts."""

    schema_version: Literal["1.0"] = "1.0"
    alert_ids: tuple[str, ...]
    action: Literal["retrain", "hold"]
    rule: str | None
    """The name of the rule that decided; None when no rule matched."""
    why: str
    ladder: tuple[str, ...] = ()
    """Tiers to try, cheapest first; empty when held."""
    hold: str | None = None
    """What a person is asked to do; None when retraining."""
