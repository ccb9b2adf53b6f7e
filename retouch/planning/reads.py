"""The digests of what a plan was made from."""

from __future__ import annotations

from collections.abc import Sequence

from retouch.alerts.model import Alert
from retouch.documents import digest_of
from retouch.pipeline.model import Pipeline
from retouch.planning.model import Reads, Worth
from retouch.policy.model import Policy


def what_was_read(
    alerts: Sequence[Alert], policy: Policy, pipeline: Pipeline, worth: Worth | None
) -> Reads:
    """Return the digests of what a plan is made from; a saved plan stands while they do."""
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
    matter, and stays.
    """
    return pipeline.model_copy(
        update={
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
            )
        }
    )
