"""Which model is in production, by a commit. Pure."""

from __future__ import annotations

from collections.abc import Callable

from retouch.documents import Value
from retouch.errors import InputError
from retouch.pipeline.model import Pipeline, Stage


class Production(Value):
    """The model in production, as a checkout knows it."""

    model: str
    """Its name under `artifacts:` of `dvc.yaml`."""
    path: str
    """Where DVC puts it."""
    hash: str
    """What `dvc.lock` records for it."""
    stage: str
    """The stage that makes it."""
    commit: str


def production_of(
    pipeline: Pipeline,
    model: str,
    commit: str,
    committed: Callable[[Stage, str], str | None],
) -> Production:
    """Return the model that the commit records: merging to main is what promotes.

    `committed` gives the hash the commit's `dvc.lock` holds for a stage's output. Raises InputError
    when `dvc.yaml` declares no such artifact, or it was never built.
    """
    if model not in pipeline.artifacts:
        known = ", ".join(sorted(pipeline.artifacts)) or "none"
        raise InputError(
            f"dvc.yaml: artifacts.{model}: no such model; declared: {known}.",
            hint="Declare it under `artifacts:`, with its path.",
        )
    path = pipeline.artifacts[model]
    for stage in pipeline.stages:
        if any(output.path == path for output in stage.outputs):
            value = committed(stage, path)
            if value is not None:
                return Production(
                    model=model, path=path, hash=value, stage=stage.name, commit=commit
                )
    raise InputError(
        f"dvc.lock: has no entry that makes {path}, so there is no model in production.",
        hint="Build the pipeline and commit it: `retouch build`.",
    )
