"""What may pass from the job that ran code to the job that may write. Pure.

Only paths of an answer; of params files exactly the plan's edits; of each lock entry what a receipt
vouches for; of data what those entries speak of. Whatever else a package holds refuses all of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from retouch.alerts.parse import check_file_stem, parse_alert
from retouch.alerts.receipt import Receipt, receipt_file_name
from retouch.alerts.signature import signature_file_name
from retouch.documents import Document
from retouch.errors import InputError
from retouch.execution.model import Run
from retouch.gate.model import Overrides, Verdict
from retouch.jobs.packages.facts import BaseFacts
from retouch.jobs.packages.model import Proposal
from retouch.jobs.packages.paths import REFUSED_HINT, allowed
from retouch.jobs.publish.consistency import check_documents, is_kept
from retouch.jobs.publish.lock_check import check_locks, check_objects, check_tracked
from retouch.planning.model import Plan
from retouch.policy.edits import ParamEdit
from retouch.schema_errors import shown

_Document = TypeVar("_Document", bound=Document)
_DOCUMENT_BYTES = 8_000_000


@dataclass(frozen=True)
class Checked:
    """What is in a package that passed."""

    plan: Plan | None = None
    run: Run | None = None
    verdict: Verdict | None = None
    overrides: Overrides | None = None
    receipts: tuple[Receipt, ...] = ()


def checked(
    proposal: Proposal,
    files: Mapping[str, bytes],
    objects: Mapping[str, bytes | None],
    base: BaseFacts,
) -> Checked:
    """Return the documents of a package that holds what an answer may, and nothing else.

    `objects`: by name, the bytes of those that list a directory, None for others; that they have
    the bytes of their names is checked where they lie. Raises InputError with one sentence.
    """
    if proposal.base != base.commit:
        raise InputError(f"The proposal was made on {proposal.base[:10]}, not {base.commit[:10]}.")
    _check_branch(proposal)
    for path in files:
        _check_path(path, proposal, base)
    receipts = tuple(_alerts(proposal, files, base))
    documents = _documents(proposal, files, base)
    run = documents.run
    kept = run.attempts[-1] if run is not None and is_kept(run) else None
    _check_params(files, kept.edits if kept else (), base)
    vouched = {r.stage: r for r in kept.receipts if r.entry} if kept else {}
    changed = frozenset(check_locks(files, vouched, base))
    check_tracked(files, changed, base)
    check_objects(files, objects, changed, base)
    return Checked(documents.plan, run, documents.verdict, documents.overrides, receipts)


def _check_branch(proposal: Proposal) -> None:
    """Raise InputError for a branch that is another alert's: its commit would take that one's away.

    What is wrong with a pull request is only said there, and nothing committed to its branch.
    """
    _, kind, name = proposal.branch.split("/")
    if kind not in ("alert", "retrain") or not (name in proposal.alert_ids or proposal.faults):
        raise InputError(f"The package is for {proposal.branch}, and its alerts are others.")


def _check_path(path: str, proposal: Proposal, base: BaseFacts) -> None:
    fits = allowed(
        path,
        params_files=frozenset(base.pipeline.params),
        lock_files=base.lock_files,
        tracked_outputs=base.tracked_outputs,
        alert_ids=proposal.alert_ids,
        report_ids=[proposal.report_id] if proposal.report_id else [],
    )
    if not fits:
        raise InputError(f"The package touches {shown(path)}.", hint=REFUSED_HINT)


def _alerts(proposal: Proposal, files: Mapping[str, bytes], base: BaseFacts) -> Iterator[Receipt]:
    """Yield the receipts. Raises InputError for an alert that is none, or not as it was brought."""
    for alert_id in proposal.alert_ids:
        path = f"alerts/{alert_id}.json"
        signature = f"alerts/{signature_file_name(f'{alert_id}.json')}"
        for name in (path, signature):
            known = base.known.get(name)
            if name in files and known is not None and files[name] != known:
                raise InputError(f"{name}: is not as it was brought.")
        raw = files.get(path, base.known.get(path))
        if path in files:
            check_file_stem(parse_alert(files[path], path), alert_id, path)
        name = f"alerts/{receipt_file_name(alert_id)}"
        if name not in files:
            continue
        receipt = _parsed(files[name], name, Receipt)
        if raw is None or receipt.alert_id != alert_id or receipt.sha256 != _sha256(raw):
            raise InputError(f"{name}: is not the receipt of that alert.")
        signed = signature in files or signature in base.known
        if receipt.provenance.verdict == "verified" and not signed:
            raise InputError(f"{name}: says verified, but the alert has no signature.")
        yield receipt


def _documents(proposal: Proposal, files: Mapping[str, bytes], base: BaseFacts) -> Checked:
    if proposal.report_id is None:
        return Checked()
    folder = f"reports/{proposal.report_id}"
    plan, run, verdict, overrides = (
        _parsed(files[path], path, model) if (path := f"{folder}/{name}.json") in files else None
        for name, model in (
            ("plan", Plan),
            ("run", Run),
            ("verdict", Verdict),
            ("overrides", Overrides),
        )
    )
    if not isinstance(plan, Plan):
        raise InputError(f"{folder}/plan.json: is missing.")
    path = f"{folder}/overrides.json"
    if overrides is not None and files[path] != base.known.get(path):
        raise InputError(f"{path}: is not as its branch has it.")
    found = Checked(
        plan,
        run if isinstance(run, Run) else None,
        verdict if isinstance(verdict, Verdict) else None,
        overrides if isinstance(overrides, Overrides) else None,
    )
    said = found.overrides.overrides if found.overrides else ()
    check_documents(proposal, plan, found.run, found.verdict, said)
    return found


def _check_params(files: Mapping[str, bytes], edits: Sequence[ParamEdit], base: BaseFacts) -> None:
    """Raise InputError unless params files have the edits of the kept candidate, and no others."""
    by_file: dict[str, list[ParamEdit]] = {}
    for edit in edits:
        by_file.setdefault(edit.file, []).append(edit)
    for path in sorted({*by_file, *(set(files) & set(base.pipeline.params))}):
        text = base.texts.get(path, "")
        mine = by_file.get(path, [])
        wanted = base.readers.edited(text, mine, path) if mine else text
        if files.get(path, text.encode()) != wanted.encode():
            raise InputError(f"{path}: is not the base branch's with the edits of the plan.")


def _parsed(raw: bytes, path: str, model: type[_Document]) -> _Document:
    if len(raw) > _DOCUMENT_BYTES:
        raise InputError(f"{path}: is larger than the {_DOCUMENT_BYTES:,} bytes allowed.")
    try:
        return model.model_validate_json(raw)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).splitlines()[1:3])
        raise InputError(f"{path}: is no {model.__name__.lower()}: {shown(reason)}.") from None


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
