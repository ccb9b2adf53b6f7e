"""What a person asks for in a comment: `/retrain ...`, on its first line. Pure.

The text is a stranger's until GitHub says that its author may write here. It is parsed and never
run; names are only ever compared with names we know.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

COMMAND = "/retrain"
HELP = (
    "Commands, on the first line of a comment: `/retrain`, `/retrain --overwrite`, `/retrain hold`,"
    " `/retrain discard`, `/retrain override CHECK REASON` (a check's name with spaces goes in"
    " double quotes)."
)
"""One line, in words of ours."""
_LONGEST_LINE = 1_000
_QUOTED = re.compile(r'["“]([^"“”]+)["”]\s*(.*)')
_WORD = re.compile(r"(\S+)\s*(.*)")
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True)
class Command:
    """What is asked for. Names and reasons are untrusted."""

    kind: Literal["retrain", "hold", "discard", "override", "help"]
    overwrite: bool = False
    """Give up what a person has committed to the branch."""
    check: str = ""
    """Of an override: the name as it was typed, as far as it can be told without knowing any."""
    reason: str = ""


def parse_comment(body: str) -> Command | None:
    """Return the command of a comment; None when it is none. What is not understood asks for help.

    Only the first line counts, and only when it begins with `/retrain` as a word of its own.
    """
    line = body.replace("\r", "\n").partition("\n")[0][:_LONGEST_LINE].rstrip()
    word, _, rest = line.partition(" ")
    if word != COMMAND:
        return None
    rest = rest.strip()
    if _UNSEEN.search(rest):  # what one reads would not be what we read
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


def named(command: Command, names: Collection[str]) -> Command | None:
    """Return an override with its check as one of these names has it; None when none fits.

    A name with spaces may come without quotes: the longest name that the text begins with is
    meant. Upper and lower case are the same.
    """
    said = f"{command.check} {command.reason}".strip()
    whole = {name.casefold(): name for name in names}
    exact = whole.get(command.check.casefold())
    fitting = [name for name in names if f"{said} ".casefold().startswith(f"{name} ".casefold())]
    longest = max(fitting, key=len, default=exact)
    if longest is None:
        return None
    reason = said[len(longest) :].strip()
    return Command("override", check=longest, reason=reason) if reason else None


def _override(rest: str) -> Command:
    found = _QUOTED.fullmatch(rest) or _WORD.fullmatch(rest)
    if found is None or not found[1].strip() or not found[2].strip():
        return Command("help")
    return Command("override", check=" ".join(found[1].split()), reason=found[2].strip())
