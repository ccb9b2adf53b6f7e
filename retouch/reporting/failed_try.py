"""The texts about retrainings that ended without a result: a comment, an issue, a status."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from retouch.reporting.escape import Markdown, inline, join, plain, write
from retouch.reporting.numbers import moment
from retouch.reporting.report import STATUS_CHARACTERS

FAILED_MARKER = "<!-- retouch:failed-try v1 -->"
"""The first line of the one comment about failed tries."""
BASE_MARKER = "<!-- retouch:failed-base-tries v1 "
"""How the issue begins about failed tries for the alerts on the base branch."""
BASE_LABEL = "retrain"
_RECORD = re.compile(re.escape(BASE_MARKER) + r"(\{[^\n]*\}) -->(?:\n|\Z)")
_MOST_LINES, _MOST_CHARACTERS = 60, 300
_TIMESTAMP = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z ")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_ACTIONS_URL = re.compile(r"https?://[A-Za-z0-9.:-]+/[A-Za-z0-9._/-]+")


@dataclass(frozen=True)
class FailedTry:
    """A try that ended without a result."""

    why: str
    """A clause: `the job was cancelled`."""
    count: int
    most: int
    again_at: datetime | None
    """When it is tried again; None: by a person only."""
    run_url: str | None = None
    log: str | None = None
    """The end of the job's log. Untrusted."""

    @property
    def status(self) -> str:
        """The description of the commit status; it begins with `failed`."""
        then = (
            f"again after {self.again_at:%H:%M} UTC"
            if self.again_at
            else "on hold: see the comment"
        )
        text = f"failed (try {self.count} of {self.most}), {then}: {self.why}"
        return plain(text, STATUS_CHARACTERS)

    def comment(self, resume: Markdown) -> str:
        """Return the comment on the pull request; `resume`: how a person starts it again."""
        return f"{FAILED_MARKER}\n{self._text(resume)}"

    def issue(self, resume: Markdown, record: str) -> str:
        """Return the text of the issue; `record`: JSON on one line that it is found with."""
        safe = re.sub(r"[<>]", lambda m: f"\\u{ord(m[0]):04x}", record)
        return f"{BASE_MARKER}{safe} -->\n{self._text(resume)}"

    def _text(self, resume: Markdown) -> str:
        try_number = write("try {} of {}", self.count, self.most)
        head = write("**Nothing came of the retraining** ({}): {}.", try_number, self.why)
        if self.again_at is not None:
            then = write("It is tried again after {}.", moment(self.again_at))
        else:
            then = write("It is on hold, and is not tried again by itself. {}", resume)
        parts = [Markdown(f"> [!CAUTION]\n> {head}\n> {then}")]
        if self.run_url and _ACTIONS_URL.fullmatch(self.run_url):
            parts.append(Markdown(f"[The run]({self.run_url})"))
        if lines := log_lines(self.log or ""):
            parts.append(_folded(lines))
        return join("\n\n", parts) + "\n"


def publishing_failed(why: str, hint: str | None) -> str:
    """Return the comment about a result that could not be written to GitHub."""
    what = write("**The result could not be published.** {} {}", why, hint or "")
    return f"{FAILED_MARKER}\n> [!CAUTION]\n> {what}\n"


def resolved_comment() -> str:
    """Return what takes the comment's place once a later try has a result."""
    note = "> [!NOTE]\n> Earlier tries failed. A later one has a result: it is in the report."
    return f"{FAILED_MARKER}\n{note}\n"


def resolved_issue() -> str:
    """Return what takes the issue's text when it is closed."""
    return f"{BASE_MARKER}{{}} -->\nA later retraining has a result.\n"


def read_base_record(text: str) -> dict[str, Any] | None:
    """Return the record at the beginning of the issue's text; None when there is none."""
    found = _RECORD.match(text)
    try:
        record = json.loads(found[1]) if found else None
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def log_lines(log: str) -> Sequence[str]:
    """Return the last lines of a log as visible text, without times and colours."""
    lines = (plain(_COLOUR.sub("", _TIMESTAMP.sub("", x)), _MOST_CHARACTERS) for x in _lines(log))
    return [line for line in lines if line][-_MOST_LINES:]


def _lines(log: str) -> list[str]:
    return re.split(r"\r\n|\r|\n", log)[-4 * _MOST_LINES :]


def _folded(lines: Sequence[str]) -> Markdown:
    # In <pre>, GitHub reads no Markdown and links nothing; only tags would count.
    text = "\n".join(escape(line, quote=False) for line in lines)
    title = inline("The end of the job's log")
    return Markdown(f"<details><summary>{title}</summary>\n\n<pre>\n{text}\n</pre>\n\n</details>")
