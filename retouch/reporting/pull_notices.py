"""What stands in the way of a pull request besides its verdict: a notice each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retouch.reporting.escape import Markdown, code, inline, join, write

_MOST_FAULTS = 8


@dataclass(frozen=True)
class Situation:
    """What is to be said of a pull request besides its report."""

    faults: tuple[str, ...] = ()
    """Sentences: why what it carries is no alert, or no answer."""
    message: str = ""
    """One sentence on what came of it, where there is no report to say so."""
    waits_for: tuple[int, ...] = ()
    held: bool = False
    held_by: str | None = None
    """A login; None: nobody knows any more."""
    edited: bool = False
    superseded_by: int | None = None


def notices_of(situation: Situation) -> tuple[Markdown, ...]:
    """Return the notices, what stops it first."""
    made = []
    if situation.faults:
        made.append(_faults(situation.faults))
    if situation.edited:
        made.append(edited_notice())
    if situation.superseded_by is not None:
        made.append(
            _boxed(
                "NOTE",
                write("Answered together with others by {}.", _pulls([situation.superseded_by])),
            )
        )
    if situation.held:
        by = write(" by {}", code(situation.held_by, 100)) if situation.held_by else Markdown("")
        made.append(_boxed("NOTE", write("Held{}. `/retrain` goes on.", by)))
    if situation.waits_for:
        made.append(
            _boxed(
                "NOTE",
                write(
                    "Waits for {}: the same stages run there. It goes on by itself once they are"
                    " merged or closed.",
                    _pulls(situation.waits_for),
                ),
            )
        )
    return tuple(made)


def edited_notice() -> Markdown:
    """Say that a person's commits are left alone, and how to give them up."""
    return _boxed(
        "WARNING",
        Markdown(
            "Somebody else has committed to this branch, so Retouch writes nothing to it any more."
            " `/retrain --overwrite` makes the answer anew, without those changes; their commits"
            " stay in the branch's history."
        ),
    )


def _faults(faults: Sequence[str]) -> Markdown:
    shown = [write("- {}", inline(fault, 300)) for fault in faults[:_MOST_FAULTS]]
    more = len(faults) - len(shown)
    if more > 0:
        shown.append(write("- and {} more", more))
    return _boxed("CAUTION", join("\n> ", shown))


def _pulls(pulls: Sequence[int]) -> Markdown:
    """Return numbers that GitHub is to link: they are ours."""
    return Markdown(", ".join(f"#{int(number)}" for number in pulls[:5]))


def _boxed(kind: str, text: Markdown) -> Markdown:
    return Markdown(f"> [!{kind}]\n> {text}")
