"""The two identifiers that come from outside: an alert's id (a ULID) and a repository's name."""

from __future__ import annotations

import re

ULID = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"
"""A regular expression, without anchors: 26 characters of Crockford's base 32 that fit 128 bits."""
_REPOSITORY = re.compile(r"(?!\.{1,2}/)[A-Za-z0-9._-]+/(?!\.{1,2}$)[A-Za-z0-9._-]+")


def is_repository_name(text: str) -> bool:
    """Say whether a text can be `owner/name` on GitHub; `.` and `..` are neither."""
    return _REPOSITORY.fullmatch(text) is not None
