"""`policies/retraining.yaml` as values: tiers say how, rules say when."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, StringConstraints, model_validator

from retouch.documents import Document, Value
from retouch.pipeline.model import RunnerLabel
from retouch.policy.conditions import (
    Between,
    FindingCondition,
    Sentence,
    SeverityCondition,
    When,
)
from retouch.policy.suppression import Duration, Suppression

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
"""The days a tier may refer to: the alert's window, the data's clock, the gate's hold-out."""
ANCHORS: tuple[Anchor, ...] = get_args(Anchor)


class DaysBefore(Value):
    """A day counted back from an anchor, as `YYYY-MM-DD`."""

    days_before: Annotated[int, Field(ge=0, le=3660)]
    of: Anchor


NewValue = str | int | float | bool | DaysBefore
"""A literal (text may hold `{placeholders}`) or a day counted back from an anchor."""


class Edit(Value):
    """One change to one declared input. Exactly one of `to`, `append`, `clear`
    and `increase_by`.

    `set` is the dotted key and `in` the params file. They and any text may hold placeholders: keys
    of a stage's `partition`, such as `{part}`, and anchors, such as `{window.start}`. The edit is
    made for every touched stage of the tier's module whose partition has all the keys it names.
    """

    set: Annotated[str, StringConstraints(min_length=1)]
    file: Annotated[str, Field(alias="in")] = "params.yaml"
    to: NewValue | None = None
    append: dict[str, NewValue] | None = None
    """Added to the end of the list at `set`, unless it is there already."""
    clear: Literal[True] | None = None
    """Takes every item out of the list at `set`."""
    increase_by: Annotated[int, Field(ge=1)] | None = None
    """For a revision key: the one-line diff that asks for a rerun when nothing else changes."""

    @model_validator(mode="after")
    def _one_change(self) -> Edit:
        changes = (self.to, self.append, self.clear, self.increase_by)
        if sum(x is not None for x in changes) != 1:
            raise ValueError("give exactly one of 'to', 'append', 'clear' and 'increase_by'")
        return self


class Tier(Value):
    """One way to retrain: edits to declared inputs, for each touched stage of a module."""

    description: Sentence
    """What it does; shown in plans and reports."""
    module: Identifier
    """The kind of component it edits: its edits are made for each touched stage of this module."""
    whole_model: bool = False
    """Edit every stage of the module, touched or not."""
    must: Literal["improve", "not_get_worse"]
    """What the gate requires of the alerted slice."""
    restores: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = None
    """The candidate's mean loss on the alerted slice may be at most this factor times production's
    in the alert's reference window. Checked where the alert names one."""
    runs_on: Annotated[RunnerLabel | tuple[RunnerLabel, ...], Field(alias="runs-on")] = ()
    """Labels of the runner that retrains; those its stages name in `dvc.yaml` are added."""
    edits: Annotated[tuple[Edit, ...], Field(min_length=1)]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of `runs-on` as a tuple."""
        return (self.runs_on,) if isinstance(self.runs_on, str) else self.runs_on


class Expectation(Value):
    """The decision an example alert must get. Exactly one of `try` and `hold`."""

    attempt: Annotated[tuple[str, ...] | None, Field(alias="try")] = None
    hold: str | None = None
    """What a person is asked to do, or `no rule matched`."""

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
    """The tiers to try, cheapest first."""
    hold: Sentence | None = None
    """Instead of tiers: what a person is asked to do."""
    examples: Annotated[tuple[Example, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_answer(self) -> Rule:
        if (self.attempt is None) == (self.hold is None):
            raise ValueError("give exactly one of 'try' and 'hold'")
        return self


class Budget(Value):
    """Limits on the cost of retraining. A tier whose forecast exceeds them is not tried."""

    cpu_per_alert: Duration | None = None
    """CPU time of all tiers of one plan together."""
    wall_per_alert: Duration | None = None
    cpu_per_day: Duration | None = None
    """CPU time of all runs of the last 24 hours together."""
    tiers: Annotated[int, Field(ge=1)] | None = None
    """How many tiers of a rule may be tried."""


class ValueRule(Value):
    """What a gain is worth, so that no retraining, a tier and a full run can be compared.

    worth = chance of passing x gain per prediction x predictions x `worth_of_one`, less the cost
    All in CPU time.
    """

    worth_of_one: Annotated[float, Field(gt=0, le=1e15, allow_inf_nan=False)]
    """CPU seconds one unit of loss less on one prediction is worth."""
    predictions_per_day: Annotated[float, Field(gt=0, le=1e15, allow_inf_nan=False)]
    """Of the whole model; the alerted slice's share comes from past hold-outs."""
    horizon: Duration
    """How long a promoted model will serve: until the next full run."""
    fixed_cost: Duration = timedelta(0)
    """Of each retraining, besides its stages: starting a runner, reviewing a pull request."""
    pseudo_episodes: Annotated[float, Field(ge=0)] = 3.0
    """Past gains are shrunk towards zero as if so many similar alerts had gained nothing."""
    least_episodes: Annotated[int, Field(ge=1)] = 3
    """With fewer similar alerts in the past, the value rule does not apply."""


class Policy(Document):
    """The whole of `policies/retraining.yaml`."""

    version: Literal[1]
    model: str
    """The artifact of `dvc.yaml` this policy is for."""
    tiers: Annotated[dict[Identifier, Tier], Field(min_length=1)]
    suppression: Suppression = Suppression()
    """When an alert counts."""
    budget: Budget = Budget()
    value: ValueRule | None = None
    """None: the tiers are tried in the rules' order, whatever they are worth."""
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
    """The decision of the policy about one group of alerts."""

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
