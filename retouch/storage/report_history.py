"""What lies in git of earlier alerts and answers, read as the history that intake decides by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict

from retouch.alerts.model import MAX_BYTES, Alert, Window
from retouch.alerts.parse import check_file_stem, parse_alert
from retouch.alerts.receipt import Receipt, receipt_file_name
from retouch.documents import Document
from retouch.errors import InputError
from retouch.planning.looks import Judged
from retouch.planning.value import Episode
from retouch.storage import documents
from retouch.suppression.records import Answered, Taken
from retouch.system import files
from retouch.system.untrusted_files import read_plain_file, refuse_links

ReceiptOf = Callable[[str], Receipt | None]
"""Gives the receipt that is believed of an alert id; None where there is none."""


@dataclass(frozen=True)
class StoredAlert:
    """An alert as it lies in `alerts/`."""

    path: Path
    alert: Alert
    raw: bytes
    receipt: Receipt | None
    """The receipt that is believed; None: it has not been taken in, or was changed since."""

    @property
    def taken(self) -> Taken | None:
        """What history takes of it; None for one that was refused or said nothing new."""
        receipt = self.receipt
        if receipt is None or receipt.provenance.verdict not in ("verified", "unsigned"):
            return None
        return Taken(
            alert=self.alert,
            received_at=receipt.received_at,
            trusted=receipt.provenance.may_retrain,
        )


def stored_alerts(root: Path, receipt_of: ReceiptOf) -> tuple[list[StoredAlert], list[str]]:
    """Return the alerts in `alerts/`, oldest first, and a sentence for each that is none."""
    found, faults = [], []
    refuse_links(root / documents.ALERTS, root)
    for path in documents.alert_files(root):
        try:
            found.append(_lying(path, receipt_of))
        except InputError as error:
            faults.append(str(error))
    return found, faults


def _lying(path: Path, receipt_of: ReceiptOf) -> StoredAlert:
    source = f"{documents.ALERTS}/{path.name}"
    raw = read_plain_file(path, root=None, limit=20 * MAX_BYTES)
    alert = parse_alert(raw, source)
    check_file_stem(alert, path.stem, source)
    receipt = receipt_of(alert.alert_id)
    changed = receipt is not None and receipt.sha256 != hashlib.sha256(raw).hexdigest()
    return StoredAlert(path, alert, raw, None if changed else receipt)


def receipts_here(root: Path) -> frozenset[str]:
    """Return the ids of the alerts that have a receipt in the workspace."""
    folder = root / documents.ALERTS
    there = folder.iterdir() if folder.is_dir() else ()
    end = documents.RECEIPT
    return frozenset(path.name.removesuffix(end) for path in there if path.name.endswith(end))


def receipt_here(root: Path, alert_id: str) -> Receipt | None:
    """Return the receipt in the workspace. Raises InputError for a broken one, or a link."""
    path = root / documents.ALERTS / receipt_file_name(alert_id)
    refuse_links(path, root)
    receipt: Receipt = documents.read_document(path, Receipt)
    return receipt if receipt.alert_id == alert_id else None


def answers(root: Path, alerts: Mapping[str, Alert]) -> list[Answered]:
    """Return what was answered so far, by the reports. Raises InputError for a broken one."""
    paths = documents.report_documents(root, "plan.json")
    return [told for path in paths for told in _answer(path, alerts)]


def _answer(path: Path, alerts: Mapping[str, Alert]) -> Iterator[Answered]:
    """Yield the answer in a report, if it came to one; a run that failed is none."""
    plan = documents.read_document(path, _PlanHead)
    ids = tuple(alert.alert_id for alert in plan.alerts)
    answered = {"report_id": path.parent.name, "alert_ids": ids}
    judged = path.with_name("verdict.json")
    if judged.exists():
        verdict = documents.read_document(judged, _VerdictHead)
        run = documents.read_document(path.with_name("run.json"), _RunHead)
        last = run.attempts[-1]
        yield Answered(
            **answered,
            at=verdict.judged_at,
            action="retrain",
            kept=last.kept,
            stages=_retrained(plan, verdict, last),
            window=_hull([alerts[alert_id] for alert_id in ids if alert_id in alerts]),
        )
    elif plan.action == "hold":
        yield Answered(**answered, at=plan.planned_at, action="hold", kept=False)


def _retrained(plan: _PlanHead, verdict: _VerdictHead, last: _AttemptHead) -> tuple[str, ...]:
    """Return the stages an answer answers for: what it touched, and what ran for it.

    Much of what is touched, such as the features before a fit, has no need to run. Where the model
    came out as it was, nothing was retrained.
    """
    if verdict.outcome == "equivalent":
        return ()
    ran = {receipt.stage for receipt in last.receipts if receipt.outcome in ("ran", "restored")}
    return tuple(sorted(ran.union(plan.touched.stages)))


def _hull(alerts: list[Alert]) -> Window | None:
    windows = [a.slice.current.window for a in alerts if a.slice.current.window is not None]
    if not windows:
        return None
    return Window(
        start=min(window.start for window in windows), end=max(window.end for window in windows)
    )


def episodes(root: Path) -> list[Episode]:
    """Return what each tier achieved that was judged so far, oldest alert first.

    A tier whose scores could not be compared says nothing. Raises InputError for a broken report.
    """
    return [told for path in _verdicts(root) for told in _episodes(path)]


def _episodes(path: Path) -> Iterator[Episode]:
    plan: _PlanHead = documents.read_document(path.with_name("plan.json"), _PlanHead)
    repairs = {tier.tier for tier in plan.tiers if tier.must == "not_get_worse"}
    for judgement in documents.read_document(path, _VerdictHead).judgements:
        used = judgement.holdout
        late = used is not None and used.candidate_number > used.candidates_allowed
        if judgement.outcome == "invalid" or late:
            continue
        checks = {check.name: check for check in reversed(judgement.checks)}
        overall = checks.get("overall")
        alerted = checks.get("alerted slice", overall)
        rows = used.rows if used else 0
        unchanged = judgement.outcome == "equivalent" and judgement.tier in repairs
        yield Episode(
            families=tuple(sorted({alert.family for alert in plan.alerts if alert.family})),
            where=next((alert.where for alert in plan.alerts if alert.where), ()),
            tier=judgement.tier,
            passed=judgement.outcome == "promote" or unchanged,
            gain=alerted.gain if alerted else None,
            share=alerted.rows / rows if alerted and rows else None,
            overall_gain=overall.gain if overall else None,
        )


def judged_candidates(root: Path) -> list[Judged]:
    """Return every candidate that a hold-out has judged so far.

    A candidate that came after the last one allowed was not looked at. Raises InputError.
    """
    return [
        Judged(start=used.start, end=used.end, wheres=_wheres(path))
        for path in _verdicts(root)
        for judgement in documents.read_document(path, _VerdictHead).judgements
        if (used := judgement.holdout) is not None
        and judgement.outcome != "invalid"
        and used.candidate_number <= used.candidates_allowed
    ]


def _wheres(verdict: Path) -> tuple[tuple[str, ...], ...]:
    """Return the slices the alerts of a report speak of."""
    plan = documents.read_document(verdict.with_name("plan.json"), _PlanHead)
    return tuple(dict.fromkeys(alert.where for alert in plan.alerts))


def _verdicts(root: Path) -> list[Path]:
    return documents.report_documents(root, "verdict.json")


class _Head(Document):
    """What of a document is read here; the rest is its own matter."""

    model_config = ConfigDict(extra="ignore")


class _AlertHead(_Head):
    alert_id: str
    family: str = ""
    where: tuple[str, ...] = ()


class _TierHead(_Head):
    tier: str
    must: str


class _Touched(_Head):
    stages: tuple[str, ...]


class _PlanHead(_Head):
    alerts: tuple[_AlertHead, ...]
    tiers: tuple[_TierHead, ...] = ()
    touched: _Touched
    action: Literal["retrain", "hold"]
    planned_at: datetime


class _CheckHead(_Head):
    name: str
    rows: int
    gain: float | None = None


class _HoldoutHead(_Head):
    start: date
    end: date
    rows: int
    candidate_number: int = 1
    candidates_allowed: int = 1


class _JudgementHead(_Head):
    tier: str
    outcome: str
    checks: tuple[_CheckHead, ...] = ()
    holdout: _HoldoutHead | None = None


class _VerdictHead(_Head):
    judged_at: datetime
    outcome: str
    judgements: tuple[_JudgementHead, ...] = ()


class _StageHead(_Head):
    stage: str
    outcome: str


class _AttemptHead(_Head):
    receipts: tuple[_StageHead, ...]
    kept: bool


class _RunHead(_Head):
    attempts: tuple[_AttemptHead, ...]


def save_receipt(root: Path, receipt: Receipt) -> None:
    """Write a receipt beside its alert. It can be made again, so no disk is waited for."""
    path = root / documents.ALERTS / receipt_file_name(receipt.alert_id)
    # The bytes of `to_json`, ten times as fast: a receipt has no numbers to write otherwise.
    files.write_bytes(path, receipt.model_dump_json(indent=2).encode() + b"\n", durable=False)
