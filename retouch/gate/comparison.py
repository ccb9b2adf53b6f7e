"""What the gate judges: two scored models, the hold-out, the policy, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from retouch.alerts.model import Predicate
from retouch.errors import InputError
from retouch.gate.holdout import HoldoutDays
from retouch.policy.promotion import Promotion

if TYPE_CHECKING:
    import pandas as pd

Must = Literal["improve", "not_get_worse"]
"""What a tier must do for the alerted slice (`retouch.policy.model.Tier.must`)."""

PRODUCTION = "the model in production"
CANDIDATE = "the candidate"


@dataclass(frozen=True, eq=False)
class ScoredModel:
    """One of the two models, with its scores."""

    model: str
    """Hash of its artifact."""
    seen_until: str | None
    """The first day it was not trained, tuned or calibrated on (`YYYY-MM-DD`); None when its
    artifact does not record it."""
    scores: pd.DataFrame | None
    """The table the scoring command wrote, one row per example, with the columns the policy's
    `score` section names; None when the model was not scored."""
    learned: pd.DataFrame | None = None
    """Its training rows: the columns `id` and `day` (text; missing where there is none). None
    when the policy does not say where they are."""


@dataclass(frozen=True)
class AlertedSlice:
    """The part of the hold-out that an alert is about."""

    description: str
    """For messages: `region = central`."""
    where: tuple[Predicate, ...] = ()
    """Conditions that all hold for its rows; with none, the slice is all rows."""


@dataclass(frozen=True)
class HoldoutUse:
    """Which use of the hold-out this is: every candidate judged on it is one look."""

    number: int = 1
    """From 1."""
    allowed: int = 1
    """How many candidates the hold-out may judge."""

    def __post_init__(self) -> None:
        """Raise InputError unless both count from 1."""
        if self.number < 1 or self.allowed < 1:
            raise InputError(
                f"Candidate {self.number} of {self.allowed} of a hold-out: both count from 1."
            )

    @property
    def used_up(self) -> bool:
        """Whether the hold-out has already judged as many candidates as it may."""
        return self.number > self.allowed

    def confidence(self, overall: float) -> float:
        """Return the confidence for this candidate, so that all looks together keep `overall`.

        Alpha spending: of H candidates the k-th gets the share 1 / (k * h) of 1 - overall, with
        h = 1 + 1/2 + ... + 1/H. The shares are fixed in advance and sum to 1, so by Bonferroni's
        inequality the probability that any of the H is wrongly promoted is at most 1 - overall,
        even where one candidate's result led to the next candidate.
        """
        harmonic = sum(1 / k for k in range(1, self.allowed + 1))
        return 1 - (1 - overall) / (self.number * harmonic)


@dataclass(frozen=True)
class PairedTimes:
    """Prediction times in seconds of `rows` rows, paired: one prediction of each model a turn."""

    rows: int
    production: tuple[float, ...]
    candidate: tuple[float, ...]
    """As long as `production`."""


@dataclass(frozen=True)
class ProbeScores:
    """Synthetic rows, and both models' scores of them."""

    rows: pd.DataFrame
    """As `synthetic_rows` returned them, with the column `row`."""
    production: pd.DataFrame
    """Columns `row` and `score`."""
    candidate: pd.DataFrame


@dataclass(frozen=True)
class Measured:
    """What was measured for the guardrails besides scores; a missing number is never a pass."""

    latency: Mapping[str, PairedTimes] = field(default_factory=dict)
    """By the name of the guardrail."""
    production_bytes: int | None = None
    candidate_bytes: int | None = None
    probed: ProbeScores | None = None
    failed: Mapping[str, str] = field(default_factory=dict)
    """Why a guardrail in mode `observe` could not be measured: a sentence, by its name."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything `judge` needs: one tier's candidate against the model in production."""

    production: ScoredModel
    candidate: ScoredModel
    holdout: HoldoutDays
    policy: Promotion
    tier: str
    """The name of the tier that made the candidate; it only labels the judgement."""
    must: Must
    alerted: AlertedSlice | None = None
    """The alert's slice; None when it is about all rows."""
    also_alerted: tuple[AlertedSlice, ...] = ()
    """The slices of the other alerts of a group: each is tested as `alerted` is."""
    holdout_use: HoldoutUse = HoldoutUse()
    restores: float | None = None
    """The tier's recovery factor: the candidate's mean loss on the alerted slice may be at most
    this times production's in the alert's reference window. None: not required."""
    reference: pd.DataFrame | None = None
    """Production's score table of the alert's reference window, for `restores`."""
    measured: Measured | None = None
    """None while nothing has been measured besides scores."""

    @property
    def models(self) -> tuple[tuple[ScoredModel, str], ...]:
        """Both models, each with what messages call it."""
        return (self.production, PRODUCTION), (self.candidate, CANDIDATE)
