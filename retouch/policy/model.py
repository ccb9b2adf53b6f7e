"""`policies/retraining.yaml` as values: tiers say how, rules say when."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, StringConstraints, model_validator

from retouch.alerts.model import Family, Kind, Severity
from retouch.documents import Document, Value

RETRAINING_FILE = "policies/retraining.yaml"

Sentence = Annotated[str, StringConstraints(min_length=1, max_length=300)]
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


class Between(Value):
    """A lower limit, an upper limit, or both; the limits themselves are within."""

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _some_limit(self) -> Between:
        if self.at_least is None and self.at_most is None:
            raise ValueError("give 'at_least' or 'at_most'")
        if self.lowest > self.highest:
            raise ValueError("'at_least' must not be above 'at_most'")
        return self

    @property
    def lowest(self) -> float:
        """The lower limit; minus infinity when there is none."""
        return -math.inf if self.at_least is None else self.at_least

    @property
    def highest(self) -> float:
        """The upper limit; infinity when there is none."""
        return math.inf if self.at_most is None else self.at_most

    def holds(self, value: float | None) -> bool:
        """Tell whether a value is within the limits; no value never is."""
        return value is not None and self.lowest <= value <= self.highest


class FindingCondition(Between):
    """Some breaching finding of this metric has a value within the limits."""

    metric: str


class SeverityCondition(Value):
    """A lowest severity."""

    at_least: Severity


class When(Value):
    """The closed vocabulary of conditions; all that are given must hold."""

    family: Family | None = None
    kind: Kind | tuple[Kind, ...] | None = None
    severity: SeverityCondition | None = None
    dataset: str | tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    """The alert names at least one of these columns."""
    monitor: str | tuple[str, ...] | None = None
    confidence: Between | None = None
    """A score, with a basis, within the limits; no score never satisfies it."""
    findings: FindingCondition | None = None


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
