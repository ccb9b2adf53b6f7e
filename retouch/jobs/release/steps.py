"""Steps taken one after the other, each of which can be taken again; a failure is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from retouch.documents import Value
from retouch.errors import CheckFailed, InputError, RetouchError


class Step(Value):
    """One step that was taken."""

    message: str
    """One sentence."""
    new: bool = True
    """False: an earlier call had taken it."""


class Outcome(Value):
    """What came of a flow."""

    message: str
    """One sentence."""
    steps: tuple[Step, ...] = ()
    failed: str | None = None
    """The step that failed, and why; those after it are left for the next call."""
    exit_code: int = 0


def take(message: str, done: Sequence[Step], left: Sequence[Callable[[], Step | None]]) -> Outcome:
    """Take the steps that are left, up to the first that fails.

    `done`: those that were taken already. A step that returns None had nothing to do.
    """
    steps = list(done)
    for step in left:
        try:
            taken = step()
        except RetouchError as error:
            return Outcome(
                message=message, steps=tuple(steps), failed=str(error), exit_code=_code(error)
            )
        if taken is not None:
            steps.append(taken)
    return Outcome(message=message, steps=tuple(steps))


def _code(error: RetouchError) -> int:
    """Return 1 where something was done before: it is no bad input then, the next call goes on."""
    return CheckFailed.exit_code if isinstance(error, InputError) else error.exit_code
