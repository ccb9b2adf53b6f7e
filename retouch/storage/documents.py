"""The documents of a Retouch repository: alerts, policies and reports, where they lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from retouch.alerts.receipt import receipt_file_name
from retouch.alerts.signature import signature_file_name
from retouch.documents import Document
from retouch.errors import InputError
from retouch.gate.model import Verdict
from retouch.policy.load import parse_policy, parse_promotion
from retouch.policy.model import Policy
from retouch.policy.monitors import MONITORS, Monitors, parse_monitors
from retouch.policy.promotion import Promotion
from retouch.policy.silences import SILENCES_FILE, Silences, parse_silences
from retouch.provenance.signers import (
    ALLOWED_SIGNERS,
    REVOKED_SIGNERS,
    Signers,
    parse_revoked,
    parse_signers,
)
from retouch.schema_errors import dotted
from retouch.system import files, ssh_keygen

AnyDocument = TypeVar("AnyDocument", bound=Document)
ALERTS = "alerts"
RECEIPT = receipt_file_name("")
"""How the files of receipts end; they lie beside the alerts."""
REPORTS = "reports"
POLICY = "policies/retraining.yaml"
PROMOTION = "policies/promotion.yaml"
OVERRIDES = "overrides.json"
"""Lies in the folder of a report: what people have said of its checks."""


def lies_beside(path: Path) -> str | None:
    """Return what a file is that lies beside an alert, `a receipt` or `a signature`; else None.

    So that commands may be given `alerts/*`.
    """
    beside = {RECEIPT: "a receipt", signature_file_name(".json"): "a signature"}
    if not path.is_file():
        return None
    return next((what for end, what in beside.items() if path.name.endswith(end)), None)


def alert_files(root: Path) -> list[Path]:
    """Return the alerts that lie in `alerts/`, oldest first (their names sort by time)."""
    folder = root / ALERTS
    there = {path.name: path for path in (folder.iterdir() if folder.is_dir() else ())}
    return [
        there[name]
        for name in sorted(there)
        if name.endswith(".json") and not name.endswith(RECEIPT) and not name.startswith(".")
    ]


def read_policy(root: Path) -> Policy:
    """Return the retraining policy. Raises InputError."""
    return parse_policy(_policy_text(root, POLICY), POLICY)


def read_promotion(root: Path) -> Promotion:
    """Return the promotion policy. Raises InputError."""
    return parse_promotion(_policy_text(root, PROMOTION), PROMOTION)


def read_monitors(root: Path) -> Monitors:
    """Return the registry of monitors; without the file an empty one. Raises InputError."""
    if not (root / MONITORS).exists():
        return Monitors()
    return parse_monitors(files.read_text(root / MONITORS), MONITORS)


def read_silences(root: Path) -> Silences:
    """Return the silences; none where there is no such file. Raises InputError."""
    if not (root / SILENCES_FILE).exists():
        return Silences(version=1)
    return parse_silences(files.read_text(root / SILENCES_FILE), SILENCES_FILE)


def read_signers(root: Path) -> Signers:
    """Return the keys of the monitors; none where there is no such file. Raises InputError."""
    allowed, revoked = root / ALLOWED_SIGNERS, root / REVOKED_SIGNERS
    is_text = revoked.exists() and not ssh_keygen.is_binary_list(
        files.read_bytes(revoked, limit=10_000_000)
    )
    return Signers(
        by_key=parse_signers(files.read_text(allowed) if allowed.exists() else ""),
        revoked=parse_revoked(files.read_text(revoked) if is_text else ""),
    )


def _policy_text(root: Path, name: str) -> str:
    if not (root / name).exists():
        raise InputError(f"{name}: there is no such file.", hint="docs/policy.md shows one.")
    return files.read_text(root / name)


def report_folder(root: Path, report_id: str) -> Path:
    """Return the folder of a report. Raises InputError when the id is no plain folder name."""
    if not report_id.isalnum():
        raise InputError(f"{report_id!r} is not the id of a report.", hint="See `retouch status`.")
    return root / REPORTS / report_id


def read_document(path: Path, model: type[AnyDocument]) -> AnyDocument:
    """Return a document that was written before. Raises InputError when it does not fit."""
    text = files.read_text(path)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        first = ": ".join(filter(None, (dotted(fault["loc"]), fault["msg"])))
        raise InputError(
            f"{path}: is not a {model.__name__} of this version: {first}.",
            hint="Make it again, or check it out: `git checkout -- reports`.",
        ) from None


def report_documents(root: Path, name: str) -> list[Path]:
    """Return the files of this name in all reports, in the order of their ids."""
    return sorted((root / REPORTS).glob(f"*/{name}"))


def verdicts(root: Path) -> Iterator[tuple[Path, Verdict]]:
    """Yield the folder and the verdict of each report that holds one, in the order of their ids.

    Raises InputError as `read_document`.
    """
    for path in report_documents(root, "verdict.json"):
        yield path.parent, read_document(path, Verdict)


def handled(root: Path, alert_ids: Sequence[str]) -> dict[str, Path]:
    """Return the report that holds a verdict on each alert, for those that have one."""
    found: dict[str, Path] = {}
    for folder, verdict in verdicts(root):
        found |= {alert_id: folder for alert_id in alert_ids if alert_id in verdict.alert_ids}
    return found


def report_json(root: Path, report_id: str, *, limit: int) -> dict[str, bytes]:
    """Return the JSON documents of a report by their path from `root`.

    Raises InputError for one of more than `limit` bytes.
    """
    return {
        path.relative_to(root).as_posix(): files.read_bytes(path, limit=limit)
        for path in sorted(report_folder(root, report_id).glob("*.json"))
    }


def report_document(
    root: Path, report_id: str, name: str, model: type[AnyDocument]
) -> AnyDocument | None:
    """Return a document of a report; None when there is none. Raises InputError as
    `read_document`."""
    path = report_folder(root, report_id) / name
    return read_document(path, model) if path.exists() else None


def receipt_path(alert_id: str) -> str:
    """Return where the receipt of an alert lies, from the root."""
    return f"{ALERTS}/{receipt_file_name(alert_id)}"


def receipt_files(root: Path, alert_ids: Iterable[str]) -> dict[str, bytes]:
    """Return the receipts of these alerts, those that are there, by path."""
    paths = {path: root / path for path in sorted(map(receipt_path, alert_ids))}
    return {path: file.read_bytes() for path, file in paths.items() if file.exists()}
