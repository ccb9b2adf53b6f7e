"""What we print in a job of GitHub Actions, made harmless: its runner obeys what it reads there.

A line that begins with `::add-mask::` or `::set-output ...`, or that has `##[...]` anywhere, is a
command to the runner. What an alert, a branch or a stage says ends up in lines of ours.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO, cast

_COMMAND = re.compile(r"(?:(?<=[\n\r])|\A)(?P<start>\s*:):|(?<=##)\[")


@contextmanager
def harmless_log(environment: Mapping[str, str]) -> Iterator[None]:
    """Print no command to the runner while this lasts; outside of GitHub Actions nothing changes.

    The character that makes one is shown as JSON escapes it, so that printed JSON stays the same.
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        yield
        return
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, _Harmless(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Harmless:
    """A stream of text without commands, also such as come in parts."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line = ""
        """What of the line so far could be the beginning of a command."""

    def write(self, text: str) -> int:
        joined = self._line + text
        harmless = _COMMAND.sub(_shown, joined)
        last = re.split(r"[\n\r]", joined)[-1].lstrip()
        before, self._line = self._line, last if last in ("", ":") else f"x{last[-2:]}"
        self._stream.write(harmless[len(before) :])
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _shown(found: re.Match[str]) -> str:
    return "\\u005b" if found["start"] is None else f"{found['start']}\\u003a"
