"""What was measured of the two models besides their scores: facts for the guardrails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True)
class Turns:
    """Seconds to predict `rows` rows, both models in turn: one pair a turn, same length."""

    rows: int
    production: tuple[float, ...]
    candidate: tuple[float, ...]


@dataclass(frozen=True)
class Probed:
    """Rows made for synthetic cases, and what both models score them."""

    rows: pd.DataFrame
    """As `made_rows` gave them, with the column `row`."""
    production: pd.DataFrame
    """Columns `row` and `score`."""
    candidate: pd.DataFrame


@dataclass(frozen=True)
class Measured:
    """Everything there is; what is missing is never a pass."""

    latency: Mapping[str, Turns] = field(default_factory=dict)
    """By the name of the guardrail."""
    production_bytes: int | None = None
    candidate_bytes: int | None = None
    probed: Probed | None = None
    failed: Mapping[str, str] = field(default_factory=dict)
    """Why a guardrail that only observes could not be measured: a sentence, by its name."""
