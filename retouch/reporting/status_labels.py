"""How each status is worded: one source for the heading, the commit status and the label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from retouch.gate.model import Verdict

Status = Literal[
    "promote",
    "repaired",
    "equivalent",
    "not_enough_data",
    "reject",
    "invalid",
    "failed",
    "halted",
    "held",
    "retraining",
    "stale",
]


@dataclass(frozen=True)
class StatusText:
    """The text of one status, the same everywhere."""

    emoji: str
    message: str
    label: Literal["pass", "warn", "fail", "running", "stale"]
    """Goes after `verdict:`."""
    state: Literal["success", "failure", "pending"]
    """Of the commit status. What is not a pass never is a success."""


STATUS_TEXTS: dict[Status, StatusText] = {
    "promote": StatusText("✅", "ready to merge", "pass", "success"),
    "repaired": StatusText("✅", "ready to merge: input repaired", "pass", "success"),
    "equivalent": StatusText("⚠️", "needs a decision: nothing to promote", "warn", "failure"),
    "not_enough_data": StatusText("⚠️", "needs a decision: not enough data", "warn", "failure"),
    "reject": StatusText("❌", "do not merge", "fail", "failure"),
    "invalid": StatusText("❌", "do not merge: no valid comparison", "fail", "failure"),
    "failed": StatusText("❌", "do not merge: a stage failed", "fail", "failure"),
    "halted": StatusText("❌", "do not merge: halted by a guardrail", "fail", "failure"),
    "held": StatusText("⚠️", "needs a decision: held for review", "warn", "failure"),
    "retraining": StatusText("⏳", "retraining", "running", "pending"),
    "stale": StatusText("🕰️", "stale, being refreshed", "stale", "failure"),
}
LOSSES = {
    "absolute_error": "Mean absolute error",
    "squared_error": "Mean squared error",
    "pinball": "Mean pinball loss",
    "log_loss": "Mean log loss",
    "brier": "Brier score",
    "auc": "1 − AUC",
}


def loss_name(loss: str) -> str:
    """Return the name of a loss for a reader; `Mean loss` for one that is not built in."""
    return LOSSES.get(loss, "Mean loss")


def loss_unit(verdict: Verdict) -> str:
    """Return the unit of the loss: the label's, squared where the loss is. It is untrusted."""
    return verdict.unit + ("²" if verdict.unit and verdict.loss == "squared_error" else "")
