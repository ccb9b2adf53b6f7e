"""Which paths an answer to an alert may touch, whatever it says of itself. Pure.

A retraining changes parameters, what DVC recorded, and what is said about it. Anything else in its
commit (code, policies, workflows) is a change of the rules it is judged by, and a person's to make.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from retouch.alerts.receipt import receipt_file_name
from retouch.alerts.signature import signature_file_name
from retouch.errors import visible

REFUSED_HINT = (
    "An answer may change params files, dvc.lock, outputs that git keeps, alerts/ and its own"
    " folder in reports/; open another pull request for anything else."
)
_ID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_REPORT_FILE = re.compile(r"([a-z0-9][a-z0-9_-]*/)?[a-z0-9][a-z0-9_.-]*\.(json|md|svg|png)", re.I)
_RULES = ("policies", ".dvc")
"""Folders that no list of paths opens: what an answer is judged by, and where data is kept.

`.github` is no plain path here, like anything that begins as git's own do."""
_LONGEST = 400


def allowed(
    path: str,
    *,
    params_files: Collection[str],
    lock_files: Collection[str],
    tracked_outputs: Collection[str],
    alert_ids: Collection[str] | None = None,
    report_ids: Collection[str] | None = None,
) -> bool:
    """Say whether an answer may add or change this path, given from the root of the repository.

    The first three are those of the base branch: params files and lock files by their path, and
    outputs that git keeps (a folder stands for all that is in it). `alert_ids`, `report_ids`:
    whose files it may touch; None: of any alert. A path that is not plain is never allowed.
    """
    if not is_plain(path) or path.split("/")[0].casefold() in _RULES:
        return False
    top, _, rest = path.partition("/")
    if top == "alerts":
        return _is_alert_file(rest, alert_ids)
    if top == "reports":
        return _is_report_file(rest, report_ids) or _lies_in(path, tracked_outputs)
    known = path in params_files or path in lock_files
    return known or _lies_in(path, tracked_outputs)


def is_plain(path: str) -> bool:
    """Say whether a path is relative, normalised, visible, and no place of git's own.

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
    ours = (alert, signature_file_name(alert), receipt_file_name(alert_id))
    return name in ours and _is_one(alert_id, ids)


def _is_report_file(rest: str, ids: Collection[str] | None) -> bool:
    report_id, _, name = rest.partition("/")
    return _is_one(report_id, ids) and _REPORT_FILE.fullmatch(name) is not None


def _is_one(name: str, ids: Collection[str] | None) -> bool:
    """Say whether it is one of these ids, and one at all."""
    return _ID.fullmatch(name) is not None and (ids is None or name in ids)


def _lies_in(path: str, outputs: Collection[str]) -> bool:
    return any(path == output or path.startswith(f"{output}/") for output in outputs)
