"""Outputs by the paths that somebody names. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from retouch.pipeline.model import Output, Pipeline


def outputs_around(paths: Sequence[str], pipeline: Pipeline) -> tuple[Output, ...]:
    """Return the outputs that are one of these paths, hold one, or lie below one.

    `models` is all that stages make there; `models/bundle/eu.json` is the bundle that holds it.
    """
    return tuple(
        output
        for stage in pipeline.stages
        for output in stage.outputs
        if any(overlap(output.path, path) for path in paths)
    )


def overlap(a: str, b: str) -> bool:
    """Say whether two paths are the same, or one holds the other."""
    return a == b or a.startswith(f"{b}/") or b.startswith(f"{a}/")
