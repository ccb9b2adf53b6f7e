"""The words of a report: one source for its heading, the commit status and the label."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from retouch.gate.model import Verdict
from retouch.planning.model import Because
from retouch.reporting.escape import Markdown, code, inline, plain, shorten_name

Standing = Literal[
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
class Words:
    """How one standing is said everywhere."""

    emoji: str
    message: str
    label: Literal["pass", "warn", "fail", "running", "stale"]
    """Goes after `verdict:`."""
    state: Literal["success", "failure", "pending"]
    """Of the commit status. What is not a pass never is a success."""


WORDS: dict[Standing, Words] = {
    "promote": Words("✅", "ready to merge", "pass", "success"),
    "repaired": Words("✅", "ready to merge: input repaired", "pass", "success"),
    "equivalent": Words("⚠️", "needs a decision: nothing to promote", "warn", "failure"),
    "not_enough_data": Words("⚠️", "needs a decision: not enough data", "warn", "failure"),
    "reject": Words("❌", "do not merge", "fail", "failure"),
    "invalid": Words("❌", "do not merge: no valid comparison", "fail", "failure"),
    "failed": Words("❌", "do not merge: a stage failed", "fail", "failure"),
    "halted": Words("❌", "do not merge: halted by a guardrail", "fail", "failure"),
    "held": Words("⚠️", "needs a decision: held for a person", "warn", "failure"),
    "retraining": Words("⏳", "retraining", "running", "pending"),
    "stale": Words("🕰️", "stale, being refreshed", "stale", "failure"),
}
LOSSES = {
    "absolute_error": "Mean absolute error",
    "squared_error": "Mean squared error",
    "pinball": "Mean pinball loss",
    "log_loss": "Mean log loss",
    "brier": "Brier score",
    "auc": "1 − AUC",
}


def mean_loss(loss: str) -> str:
    """Return the loss of a verdict in words of ours."""
    return LOSSES.get(loss, "Mean loss")


def unit_of(verdict: Verdict) -> str:
    """Return the unit of the loss: the label's, squared where the loss is. It is untrusted."""
    return verdict.unit + ("²" if verdict.unit and verdict.loss == "squared_error" else "")


@dataclass(frozen=True)
class Speaker:
    """How names and values are written: bare for a terminal, escaped for Markdown."""

    name: Callable[[object], str]
    value: Callable[[object], str]


PLAIN = Speaker(plain, plain)
MARKDOWN = Speaker(code, inline)


def change_in_words(before: Any, after: Any, speaker: Speaker = PLAIN) -> str:
    """Return `2013-03-16 → 2013-06-01`, `set to 3`, or for a list what it gains."""
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        kept = len(before)
        if len(after) > kept and list(after[:kept]) == list(before):
            return "gains " + ", ".join(speaker.value(value_text(x)) for x in after[kept:][:3])
    if before is None:
        return f"set to {speaker.value(value_text(after))}"
    return f"{speaker.value(value_text(before))} → {speaker.value(value_text(after))}"


def value_text(value: Any, limit: int = 80) -> str:
    """Return a value of a params file in one line: text bare, mappings as `key: value`."""
    return shorten_name(plain(_bare(value), 2000), limit)


def _bare(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value:
        return ", ".join(f"{key}: {_bare(item)}" for key, item in value.items())
    return json.dumps(value, ensure_ascii=False)


def because_in_words(because: Because) -> str:
    """Return why a stage runs, or does not, in one line for a terminal."""
    return _because(because, PLAIN)


def because_in_markdown(because: Because) -> Markdown:
    """Return the same words with their names as code and everything else escaped."""
    return Markdown(_because(because, MARKDOWN))


def _because(because: Because, speaker: Speaker) -> str:
    words = _reason(because, speaker)
    return words if because.by_alert else f"{words} (out of date before the alert)"


def _reason(because: Because, speaker: Speaker) -> str:
    subject = speaker.name(because.subject) if because.subject else ""
    match because.reason:
        case "param":
            return f"{subject} {change_in_words(because.before, because.after, speaker)}"
        case "file":
            return f"{subject} changed{_hashes(because, speaker)}"
        case "output":
            return f"its output {subject} is not as recorded{_hashes(because, speaker)}"
        case "command":
            return "its command changed"
        case "never_run":
            return "it has never been run"
        case "always_changed":
            return "it is declared to run every time (always_changed)"
        case "upstream":
            return f"downstream of {subject}, unless that comes out identical"
        case "frozen":
            return "it is frozen: DVC leaves it as it is"
        case "unchanged":
            return "nothing it reads changes"


def _hashes(because: Because, speaker: Speaker) -> str:
    if because.before is None and because.after is None:
        return ""
    if because.before is None:
        return f" (new: {speaker.value(_prefix(because.after))})"
    if because.after is None:
        return f" ({speaker.value(_prefix(because.before))} → missing)"
    return f" ({speaker.value(_prefix(because.before))} → {speaker.value(_prefix(because.after))})"


def _prefix(digest: Any) -> str:
    return str(digest).rpartition(":")[2][:7]
