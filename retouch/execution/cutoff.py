"""Early cut-off: a stage whose inputs came out identical is not run. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from retouch.pipeline.model import FileInput, Stage


def new_inputs(stage: Stage, made: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the stage's inputs that are not as `dvc.lock` recorded them.

    `made`: path -> hash of every output of the stages that ran or were restored in this attempt.
    An input that is a part of such an output, or holds several, has no hash of its own there: it
    counts as new, and DVC has the last word. Any other input is as the plan found it, which need
    not be what the stage was recorded with.
    """
    return tuple(item.path for item in stage.inputs if _is_new(item, made))


def _is_new(item: FileInput, made: Mapping[str, str | None]) -> bool:
    if item.path in made:
        return made[item.path] != item.recorded
    within_or_around = any(
        item.path.startswith(f"{out}/") or out.startswith(f"{item.path}/") for out in made
    )
    return within_or_around or item.changed
