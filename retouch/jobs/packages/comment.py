"""What a person asks for in a comment (`/retrain ...`, its first line), and what it proves. Pure.

The text is a stranger's until GitHub says that its author may write here. It is parsed and never
run; names are only compared with names we know.

A branch's own account (`overrides.json`, `accepted_by` of a plan) proves nothing: whoever may push
to it, a monitor say, can write it. Who wrote a comment, GitHub knows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

COMMAND = "/retrain"
HELP = (
    "Commands, on the first line of a comment: `/retrain`, `/retrain --overwrite`, `/retrain hold`,"
    " `/retrain discard`, `/retrain override CHECK REASON` (a check's name with spaces goes in"
    " double quotes)."
)
"""One line, safe to show."""
_LONGEST_LINE = 1_000
_QUOTED = re.compile(r'["“]([^"“”]+)["”]\s*(.*)')
_WORD = re.compile(r"(\S+)\s*(.*)")
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True)
class Command:
    """A command. Names and reasons are untrusted."""

    kind: Literal["retrain", "hold", "discard", "override", "help"]
    overwrite: bool = False
    """Discard what a person has committed to the branch."""
    check: str = ""
    """Of an override: the name as typed, as far as it can be parsed without knowing any."""
    reason: str = ""


def parse_comment(body: str) -> Command | None:
    """Return the command of a comment; None without one; `help` for one that is malformed.

    Only the first line counts, and only when it begins with `/retrain` as a word of its own.
    """
    line = body.replace("\r", "\n").partition("\n")[0][:_LONGEST_LINE].rstrip()
    word, _, rest = line.partition(" ")
    if word != COMMAND:
        return None
    rest = rest.strip()
    if _UNSEEN.search(rest):  # a reader would see another command
        return Command("help")
    match rest.split():
        case []:
            return Command("retrain")
        case ["--overwrite"]:
            return Command("retrain", overwrite=True)
        case ["hold"]:
            return Command("hold")
        case ["discard"]:
            return Command("discard")
        case ["override", *more] if len(more) >= 2:
            return _override(rest.removeprefix("override").strip())
    return Command("help")


def resolve_check(command: Command, names: Collection[str]) -> Command | None:
    """Return an override with its check spelled as in these names; None when none matches.

    A name with spaces may be unquoted: the longest name that the text begins with counts. Case
    does not matter.
    """
    typed = f"{command.check} {command.reason}".strip()
    whole = {name.casefold(): name for name in names}
    exact = whole.get(command.check.casefold())
    fitting = [name for name in names if f"{typed} ".casefold().startswith(f"{name} ".casefold())]
    longest = max(fitting, key=len, default=exact)
    if longest is None:
        return None
    reason = typed[len(longest) :].strip()
    return Command("override", check=longest, reason=reason) if reason else None


def _override(rest: str) -> Command:
    found = _QUOTED.fullmatch(rest) or _WORD.fullmatch(rest)
    if found is None or not found[1].strip() or not found[2].strip():
        return Command("help")
    return Command("override", check=" ".join(found[1].split()), reason=found[2].strip())


_LONGEST_REASON = 500


@dataclass(frozen=True)
class AuthoredComment:
    """A comment and its author, as GitHub authenticated them."""

    login: str
    body: str
    written_at: datetime
    edited: bool = False
    """It is no longer as it was first written. Whoever may write here can edit anybody's."""


def requests_override(
    check: str, reason: str, by: str, comments: Iterable[AuthoredComment]
) -> bool:
    """Tell whether a person asked for this override in one of these comments, as first written."""
    for comment in _of(by, comments):
        command = parse_comment(comment.body)
        if command is None or command.kind != "override":
            continue
        found = resolve_check(command, [check])
        if found is not None and recorded_reason(found.reason) == reason:
            return True
    return False


def recorded_reason(reason: str) -> str:
    """Return a reason as it is recorded."""
    return reason[:_LONGEST_REASON]


def retraining_requested_at(login: str, comments: Iterable[AuthoredComment]) -> datetime | None:
    """Return when a person last asked for the retraining, which approves the alerts of that time.

    None when they never did.
    """
    parsed = ((comment, parse_comment(comment.body)) for comment in _of(login, comments))
    asked = [one.written_at for one, command in parsed if command and command.kind in _APPROVING]
    return max(asked, default=None)


_APPROVING = ("retrain", "override")


def _of(login: str, comments: Iterable[AuthoredComment]) -> list[AuthoredComment]:
    mine = (comment for comment in comments if comment.login.casefold() == login.casefold())
    return [comment for comment in mine if not comment.edited]
