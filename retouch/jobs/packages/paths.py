"""Which paths a retraining may touch, whatever it claims. Pure.

A retraining changes parameters, what DVC recorded, and the report on it. Anything else in its
commit (code, policies, workflows) changes the rules it is judged by, and is a person's to make.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from retouch.alerts.identifiers import ULID
from retouch.alerts.receipt import receipt_file_name
from retouch.alerts.signature import signature_file_name
from retouch.errors import visible
from retouch.lockfile.entries import lock_file_of
from retouch.pipeline.model import Pipeline

REFUSED_HINT = (
    "A retraining may change params files, dvc.lock, outputs tracked by git, alerts/ and its own"
    " folder in reports/; open another pull request for anything else."
)
_ID = re.compile(ULID)
_REPORT_FILE = re.compile(r"([a-z0-9][a-z0-9_-]*/)?[a-z0-9][a-z0-9_.-]*\.(json|md|svg|png)", re.I)
_RULES = ("policies", ".dvc")
"""Folders that no list of paths opens: what a retraining is judged by, and where data is kept.

`.github` is not plain here, like any name that begins like git's own."""
_LONGEST = 400


@dataclass(frozen=True)
class WritablePaths:
    """Where a pipeline lets a retraining write, besides alerts and its report."""

    params_files: frozenset[str] = frozenset()
    lock_files: frozenset[str] = frozenset()
    tracked_outputs: frozenset[str] = frozenset()
    """Outputs outside DVC's cache; a folder covers everything in it."""

    @classmethod
    def of(cls, pipeline: Pipeline) -> WritablePaths:
        """Return those of a pipeline."""
        stages = [stage for stage in pipeline.stages if stage.cmd]
        return cls(
            params_files=frozenset(pipeline.params),
            lock_files=frozenset(lock_file_of(stage.name) for stage in stages),
            tracked_outputs=frozenset(
                output.path for stage in stages for output in stage.outputs if not output.cached
            ),
        )

    def has_output(self, path: str) -> bool:
        """Tell whether a path is one of the tracked outputs, or inside one."""
        return any(path == out or path.startswith(f"{out}/") for out in self.tracked_outputs)


ONLY_DOCUMENTS = WritablePaths()
"""Alerts and reports, and nothing of a pipeline."""


def allowed(
    path: str,
    writable: WritablePaths,
    *,
    alert_ids: Collection[str] | None = None,
    report_ids: Collection[str] | None = None,
) -> bool:
    """Tell whether a retraining may add or change this path, given from the repository's root.

    `writable`: of the base branch. `alert_ids`, `report_ids`: whose files it may touch; None: any
    alert's. A path that is not plain is never allowed.
    """
    if not is_plain(path) or path.split("/")[0].casefold() in _RULES:
        return False
    top, _, rest = path.partition("/")
    if top == "alerts":
        return _is_alert_file(rest, alert_ids)
    if top == "reports":
        return _is_report_file(rest, report_ids) or writable.has_output(path)
    known = path in writable.params_files or path in writable.lock_files
    return known or writable.has_output(path)


def is_plain(path: str) -> bool:
    """Tell whether a path is relative, normalised, visible, and none of git's own.

    No `..`, no empty or dot part, no backslash, no control or direction character, nothing that
    some file system would take for `.git`.
    """
    if not path or len(path) > _LONGEST or visible(path) != path or {*path} & {*"\n\t\\:"}:
        return False
    return all(
        part not in ("", ".", "..")
        and part == part.strip()
        and not part.endswith(".")
        and not part.casefold().startswith((".git", "git~"))
        for part in path.split("/")
    )


def _is_alert_file(name: str, ids: Collection[str] | None) -> bool:
    alert_id = name[:26]
    alert = f"{alert_id}.json"
    of_alert = (alert, signature_file_name(alert), receipt_file_name(alert_id))
    return name in of_alert and _is_one(alert_id, ids)


def _is_report_file(rest: str, ids: Collection[str] | None) -> bool:
    report_id, _, name = rest.partition("/")
    return _is_one(report_id, ids) and _REPORT_FILE.fullmatch(name) is not None


def _is_one(name: str, ids: Collection[str] | None) -> bool:
    """Tell whether it is one of these ids, and an id at all."""
    return _ID.fullmatch(name) is not None and (ids is None or name in ids)
