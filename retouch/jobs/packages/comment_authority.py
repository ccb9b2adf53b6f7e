"""Whose word a comment is, and for what: the proof of an override, and of a vouching. Pure.

What a branch says of that (`overrides.json`, `accepted_by` of a plan) anybody wrote who may push to
it: a monitor, say. Who wrote a comment GitHub knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from retouch.jobs.packages.comment import named, parse_comment

_LONGEST_REASON = 500


@dataclass(frozen=True)
class Said:
    """A comment, and who wrote it, as GitHub authenticated them."""

    login: str
    body: str


def is_said(check: str, reason: str, by: str, comments: Iterable[Said]) -> bool:
    """Tell whether a person asked for this override in one of these comments."""
    for comment in _of(by, comments):
        command = parse_comment(comment.body)
        if command is None or command.kind != "override":
            continue
        found = named(command, [check])
        if found is not None and kept_reason(found.reason) == reason:
            return True
    return False


def kept_reason(reason: str) -> str:
    """Return a reason as it is put on record."""
    return reason[:_LONGEST_REASON]


def is_vouching(login: str, comments: Iterable[Said]) -> bool:
    """Tell whether a person asked for the retraining in one of these comments, and so vouches."""
    parsed = (parse_comment(comment.body) for comment in _of(login, comments))
    return any(command is not None and command.kind in _VOUCHING for command in parsed)


_VOUCHING = ("retrain", "override")


def _of(login: str, comments: Iterable[Said]) -> list[Said]:
    return [comment for comment in comments if comment.login.casefold() == login.casefold()]
