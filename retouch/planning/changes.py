"""What has changed about a stage since `dvc.lock` recorded it, and what an edit would change.

DVC's own rules, as values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from retouch.alerts.model import Alert
from retouch.documents import digest_of
from retouch.pipeline.keys import plain
from retouch.pipeline.model import Pipeline, Stage
from retouch.planning.model import Because, Reads, ValueEstimate
from retouch.policy.model import Policy


def changes_of(
    stage: Stage, unsettled: Collection[str] = (), *, complete: bool = False
) -> tuple[Because, ...]:
    """Return the reasons for which DVC will run this stage whatever its upstream does.

    `unsettled`: stages that run, or may run, before it. What they make may still come out as
    recorded, so a difference there is no certain reason. `complete`: an output that is not in the
    workspace is a reason; without it, as with `--allow-missing`, it is none.
    """
    return tuple(_changes(stage, unsettled, complete))


def _changes(stage: Stage, unsettled: Collection[str], complete: bool) -> Iterator[Because]:
    if stage.cmd is None:  # a .dvc file: nothing to run, its consumers see the new content
        return
    if not stage.recorded:
        yield Because(reason="never_run")
        return
    if stage.cmd_changed:
        yield Because(reason="command")
    yield from _output_changes(stage, complete)
    if stage.frozen:  # DVC does not look at the inputs of a frozen stage
        return
    if stage.always_changed or not (stage.inputs or stage.params or stage.outputs):
        yield Because(reason="always_changed")
    for param in stage.params:
        if not param.exists or not param.was_recorded:
            yield _param(param.file, param.key, param.recorded, param.current)
        else:
            yield from _param_changes(param.file, param.key, param.recorded, param.current)
    for item in stage.inputs:
        if item.recorded is None or (item.changed and item.producer not in unsettled):
            yield Because(
                reason="file", subject=item.path, before=item.recorded, after=item.current
            )


def _param_changes(file: str, key: str, before: Any, after: Any) -> Iterator[Because]:
    """Yield one reason per value that differs, deep inside a declared subtree."""
    if before == after:
        return
    if not (isinstance(before, dict) and isinstance(after, dict)):
        yield _param(file, key, before, after)
        return
    for name in {**before, **after}:
        if name in before and name in after:
            yield from _param_changes(file, f"{key}.{name}", before[name], after[name])
        else:
            yield _param(file, f"{key}.{name}", before.get(name), after.get(name))


def _param(file: str, key: str, before: Any, after: Any) -> Because:
    return Because(reason="param", subject=f"{file}:{key}", before=before, after=after)


def _output_changes(stage: Stage, complete: bool) -> Iterator[Because]:
    for output in stage.outputs:
        absent = output.workspace is None
        if output.recorded is None or (complete if absent else output.workspace != output.recorded):
            yield Because(
                reason="output",
                subject=output.path,
                before=output.recorded,
                after=output.workspace,
            )


def input_digests(
    alerts: Sequence[Alert], policy: Policy, pipeline: Pipeline, worth: ValueEstimate | None
) -> Reads:
    """Return the digests of what a plan is made from; a saved plan holds while they do."""
    decides = worth is not None and worth.best is not None
    return Reads(
        history=digest_of(worth.model_dump(mode="json")) if worth and decides else None,
        alerts=digest_of([alert.model_dump(mode="json") for alert in alerts]),
        policy=digest_of(policy.model_dump(mode="json")),
        pipeline=digest_of(_without_presence(pipeline).model_dump(mode="json")),
    )


def _without_presence(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline without the trace of which data happens to be in the workspace.

    The plan is the same with the data and without, and so is its key; an edited output is another
    matter, and stays. Of the params it has what JSON can hold.
    """
    return pipeline.model_copy(
        update={
            "params": plain(pipeline.params, typed=True),
            "stages": tuple(
                stage.model_copy(
                    update={
                        "inputs": tuple(
                            item
                            if item.changed
                            else item.model_copy(update={"current": item.recorded})
                            for item in stage.inputs
                        ),
                        "outputs": tuple(
                            out.model_copy(update={"workspace": None})
                            if out.workspace == out.recorded
                            else out
                            for out in stage.outputs
                        ),
                    }
                )
                for stage in pipeline.stages
            ),
        }
    )
