"""What may pass from the job that ran the repository's code to the job that may write. Pure.

Only paths of a retraining; in params files exactly the plan's edits; in lock files only entries
that a receipt records; of data what those entries name; documents that agree with each other.
Anything else in a package refuses all of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from retouch.alerts.parse import check_file_stem, parse_alert
from retouch.alerts.receipt import Receipt, receipt_file_name
from retouch.alerts.signature import signature_file_name
from retouch.documents import Document
from retouch.errors import InputError
from retouch.execution.model import Attempt, Run
from retouch.execution.model import Receipt as StageReceipt
from retouch.gate.model import Judgement, Override, Overrides, Verdict
from retouch.jobs.packages.base_facts import BaseFacts
from retouch.jobs.packages.paths import REFUSED_HINT, allowed
from retouch.jobs.packages.proposal import Proposal
from retouch.lockfile.entries import (
    directory_listing,
    entries,
    entry_digest,
    lock_file_of,
    outputs_in,
)
from retouch.pipeline.model import Stage
from retouch.planning.model import Plan, TierPlan
from retouch.policy.edits import ParamEdit, edited_text
from retouch.schema_errors import shown

_Document = TypeVar("_Document", bound=Document)
_DOCUMENT_BYTES = 8_000_000


@dataclass(frozen=True)
class CheckedDocuments:
    """The documents of a package that passed."""

    plan: Plan | None = None
    run: Run | None = None
    verdict: Verdict | None = None
    overrides: Overrides | None = None
    receipts: tuple[Receipt, ...] = ()


def check_contents(
    proposal: Proposal,
    files: Mapping[str, bytes],
    objects: Mapping[str, bytes | None],
    base: BaseFacts,
) -> CheckedDocuments:
    """Return the documents of a package that holds what a retraining may change, and no more.

    `objects`: by name, the bytes of those that list a directory, None for others; whoever reads
    them checks that their bytes match their names. Raises InputError for the first violation.
    """
    if proposal.base != base.commit:
        raise InputError(
            f"The package was made on {proposal.base[:10]}, not on {base.commit[:10]}."
        )
    _check_branch(proposal)
    for path in files:
        _check_path(path, proposal, base)
    receipts = tuple(_alerts(proposal, files, base))
    documents = _documents(proposal, files, base)
    run = documents.run
    kept = run.attempts[-1] if run is not None and is_kept(run) else None
    _check_params(files, kept.edits if kept else (), base)
    recorded = {r.stage: r for r in kept.receipts if r.entry} if kept else {}
    changed = frozenset(check_locks(files, recorded, base))
    check_tracked(files, changed, base)
    check_objects(files, objects, changed, base)
    return CheckedDocuments(documents.plan, run, documents.verdict, documents.overrides, receipts)


def _check_branch(proposal: Proposal) -> None:
    """Raise InputError for a branch of another alert: the commit would replace that one's.

    A package with faults is only reported on its pull request, and nothing is committed.
    """
    _, kind, name = proposal.branch.split("/")
    if kind not in ("alert", "retrain") or not (name in proposal.alert_ids or proposal.faults):
        raise InputError(f"The package is for {proposal.branch}, but none of its alerts is.")


def _check_path(path: str, proposal: Proposal, base: BaseFacts) -> None:
    fits = allowed(
        path,
        base.writable,
        alert_ids=proposal.alert_ids,
        report_ids=[proposal.report_id] if proposal.report_id else [],
    )
    if not fits:
        raise InputError(f"The package touches {shown(path)}.", hint=REFUSED_HINT)


def _alerts(proposal: Proposal, files: Mapping[str, bytes], base: BaseFacts) -> Iterator[Receipt]:
    """Yield the receipts. Raises InputError for an alert that is invalid or was altered."""
    for alert_id in proposal.alert_ids:
        path = f"alerts/{alert_id}.json"
        signature = f"alerts/{signature_file_name(f'{alert_id}.json')}"
        for name in (path, signature):
            known = base.known.get(name)
            if name in files and known is not None and files[name] != known:
                raise InputError(f"{name}: differs from the one on its branch.")
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
            raise InputError(f"{name}: claims `verified`, but the alert has no signature.")
        yield receipt


def _documents(proposal: Proposal, files: Mapping[str, bytes], base: BaseFacts) -> CheckedDocuments:
    if proposal.report_id is None:
        return CheckedDocuments()
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
        raise InputError(f"{path}: differs from the one on its branch.")
    found = CheckedDocuments(
        plan,
        run if isinstance(run, Run) else None,
        verdict if isinstance(verdict, Verdict) else None,
        overrides if isinstance(overrides, Overrides) else None,
    )
    overridden = found.overrides.overrides if found.overrides else ()
    check_documents(proposal, plan, found.run, found.verdict, overridden)
    return found


def _check_params(files: Mapping[str, bytes], edits: Sequence[ParamEdit], base: BaseFacts) -> None:
    """Raise InputError unless params files have exactly the edits of the kept candidate."""
    by_file: dict[str, list[ParamEdit]] = {}
    for edit in edits:
        by_file.setdefault(edit.file, []).append(edit)
    for path in sorted({*by_file, *(set(files) & set(base.writable.params_files))}):
        text = base.texts.get(path, "")
        mine = by_file.get(path, [])
        wanted = edited_text(text, mine, path) if mine else text
        if files.get(path, text.encode()) != wanted.encode():
            raise InputError(f"{path}: differs from the base branch by more than the plan's edits.")


def _parsed(raw: bytes, path: str, model: type[_Document]) -> _Document:
    if len(raw) > _DOCUMENT_BYTES:
        raise InputError(f"{path}: is larger than the {_DOCUMENT_BYTES:,} bytes allowed.")
    try:
        return model.model_validate_json(raw)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).splitlines()[1:3])
        raise InputError(
            f"{path}: is not a valid {model.__name__.lower()}: {shown(reason)}."
        ) from None


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def check_documents(
    proposal: Proposal,
    plan: Plan,
    run: Run | None,
    verdict: Verdict | None,
    overrides: Collection[Override] = (),
) -> None:
    """Raise InputError when the documents of a package contradict each other."""
    faults = (
        *_of_plan(proposal, plan),
        *(_of_run(proposal, plan, run) if run else ()),
        *(_of_verdict(plan, run, verdict) if verdict else ()),
        *(_of_outcome(plan, run, verdict, overrides) if run else ()),
    )
    for where, message in faults:
        raise InputError(f"reports/{plan.report_id}/{where}.json: {message}.")


def is_kept(run: Run | None) -> bool:
    """Tell whether a run ended with a candidate that is kept."""
    return run is not None and bool(run.attempts) and run.attempts[-1].kept


Fault = tuple[str, str]
"""The document, and what is wrong with it."""


def _of_plan(proposal: Proposal, plan: Plan) -> Iterator[Fault]:
    ids = [alert.alert_id for alert in plan.alerts]
    if plan.report_id != proposal.report_id:
        yield "plan", f"its first alert is {shown(plan.report_id)}, not {proposal.report_id}"
    if len(set(ids)) != len(ids) or not set(ids) <= set(proposal.alert_ids):
        yield "plan", "is about other alerts than the package"
    if plan.base_commit != proposal.base:
        yield "plan", f"was made on {shown(plan.base_commit[:10])}, not on {proposal.base[:10]}"


def _of_run(proposal: Proposal, plan: Plan, run: Run) -> Iterator[Fault]:
    if run.plan_key != plan.key:
        yield "run", "is the run of another plan"
    if run.alert_ids != tuple(alert.alert_id for alert in plan.alerts):
        yield "run", "is about other alerts than its plan"
    if run.base_commit != proposal.base:
        yield "run", f"was made on {shown(run.base_commit[:10])}, not on {proposal.base[:10]}"
    if plan.action == "hold":
        yield "run", "its plan holds, so nothing should have run"
    if plan.unproven:
        yield "run", "its alerts need an approval and have none, so nothing should have run"
    if proposal.waits_for:
        yield "run", "it waits for another pull request, so nothing should have run"
    for place, attempt in enumerate(run.attempts):
        tier = plan.tiers[place] if place < len(plan.tiers) else None
        if tier is None or attempt.tier != tier.tier or attempt.edits != tier.edits:
            yield "run", f"attempt {place + 1} is not the tier that the plan has there"
            return
        yield from _of_attempt(attempt, tier, is_last=place == len(run.attempts) - 1)


def _of_attempt(attempt: Attempt, tier: TierPlan, *, is_last: bool) -> Iterator[Fault]:
    planned = set(tier.named("run", "may_run"))
    names = [receipt.stage for receipt in attempt.receipts]
    if len(set(names)) != len(names) or not planned.issuperset(names):
        yield "run", f"tier {shown(tier.tier)}: has receipts of stages that were not planned"
    if not attempt.kept:
        return
    if not is_last:
        yield "run", f"tier {shown(tier.tier)}: was kept, but another tier ran after it"
    if any(receipt.outcome in ("failed", "skipped") for receipt in attempt.receipts):
        yield "run", f"tier {shown(tier.tier)}: was kept though a stage failed"


def _of_verdict(plan: Plan, run: Run | None, verdict: Verdict) -> Iterator[Fault]:
    if run is None:
        yield "verdict", "there is no run for it"
        return
    if verdict.plan_key != plan.key or verdict.alert_ids != run.alert_ids:
        yield "verdict", "is about another plan or other alerts"
    if verdict.outcome != verdict.deciding.outcome:
        yield "verdict", "its outcome is not that of its last judgement"
    judged = [judgement.tier for judgement in verdict.judgements]
    if judged != [attempt.tier for attempt in run.attempts][: len(judged)]:
        yield "verdict", "judges other tiers than those that ran"


def _of_outcome(
    plan: Plan, run: Run | None, verdict: Verdict | None, overrides: Collection[Override]
) -> Iterator[Fault]:
    if verdict is not None:
        for judgement in verdict.judgements:
            if not set(judgement.overridden) <= set(overrides):
                yield "verdict", "counts an override that is not on record"
    if run is None or not is_kept(run):
        if verdict is not None and verdict.outcome == "promote":
            yield "verdict", "says promote, but no candidate was kept"
        return
    if verdict is None:
        yield "run", "a candidate was kept without a verdict on it"
        return
    deciding, attempt = verdict.deciding, run.attempts[-1]
    if len(verdict.judgements) != len(run.attempts) or deciding.tier != attempt.tier:
        yield "verdict", "its last judgement is not on the candidate that was kept"
        return
    tier = plan.tiers[len(run.attempts) - 1]
    if why := _why_not_kept(deciding, tier):
        yield "verdict", f"a candidate was kept though {why}"
    made = {made for receipt in attempt.receipts for made in receipt.outputs.values()}
    if deciding.candidate_model not in {*made, deciding.production_model}:
        yield "verdict", "judges a model that the run did not make"


def _why_not_kept(deciding: Judgement, tier: TierPlan) -> str | None:
    """Return why a candidate may not stay by its judgement; None when it may."""
    if deciding.halted_by is not None:
        return f"it was stopped by guardrail {shown(deciding.halted_by)}"
    if deciding.outcome == "equivalent" and tier.must == "not_get_worse":
        return None
    if deciding.outcome != "promote":
        return f"the outcome is {deciding.outcome}"
    if not any(check.required for check in deciding.checks):
        return "nothing was checked"
    excused = {override.check for override in deciding.overridden}
    stops = [
        *(c.name for c in deciding.checks if c.required and c.result != "pass"),
        *(g.name for g in deciding.guardrails if g.blocks),
    ]
    left = [name for name in stops if name not in excused]
    return f"{shown(left[0])} did not pass" if left else None


_EMPTY_LOCK = "schema: '2.0'\nstages:\n"


def check_locks(
    files: Mapping[str, bytes], receipts: Mapping[str, StageReceipt], base: BaseFacts
) -> Iterator[str]:
    """Yield the stages whose entry changed.

    `receipts`: of the kept candidate, by stage. Raises InputError for a change that none records.
    """
    stages = {stage.name: stage for stage in base.pipeline.stages if stage.cmd}
    for path in sorted(base.writable.lock_files):
        before = base.texts.get(path, "")
        after = _text(files[path], path) if path in files else before
        old, new = entries(before), entries(after)
        _check_rest(path, before, after, old, new)
        for entry, text in new.items():
            stage = _stage_of(path, entry)
            receipt = receipts.get(stage)
            if receipt is not None and receipt.entry != entry_digest(text):
                raise InputError(
                    f"{path}: the entry of {shown(stage)} is not the one its receipt records."
                )
            if old.get(entry) != text:
                _check_change(path, after, stages.get(stage), stage, receipt)
                yield stage


def _check_rest(
    path: str, before: str, after: str, old: Mapping[str, str], new: Mapping[str, str]
) -> None:
    """Raise InputError where anything but the text of entries changed."""
    if removed := sorted(old.keys() - new.keys()):
        raise InputError(f"{path}: the entry of {shown(removed[0])} was removed.")
    frame = _without(before, old.values()) if old else _EMPTY_LOCK
    if after != before and (
        _without(after, new.values()) != frame or [n for n in new if n in old] != list(old)
    ):
        raise InputError(f"{path}: more than its entries was changed.")


def _check_change(
    path: str, after: str, known: Stage | None, stage: str, receipt: StageReceipt | None
) -> None:
    if known is None or receipt is None:
        raise InputError(
            f"{path}: the entry of {shown(stage)} was changed, and no receipt records that."
        )
    if dict(receipt.outputs) != outputs_in(after, known):
        raise InputError(f"{path}: {shown(stage)} has other outputs than its receipt records.")


def check_tracked(files: Mapping[str, bytes], changed: Collection[str], base: BaseFacts) -> None:
    """Raise InputError for an output tracked by git that does not match its changed lock entry."""
    recorded: dict[str, str] = {}
    for stage in base.pipeline.stages:
        if stage.name in changed:
            path = lock_file_of(stage.name)
            recorded |= outputs_in(_text(files[path], path), stage)
            before = {out.path: out.recorded for out in stage.outputs if not out.cached}
            for path in before.keys() & recorded.keys():
                same = recorded[path] in (before[path], None) or recorded[path].endswith(".dir")
                if not same and path not in files:
                    raise InputError(
                        f"{path}: is missing from the package, and {shown(stage.name)} changed it."
                    )
    for path, raw in files.items():
        if path in base.writable.params_files or path in base.writable.lock_files:
            continue
        if path.startswith(("alerts/", "reports/")) and not base.writable.has_output(path):
            continue
        holder = next((o for o in recorded if path == o or path.startswith(f"{o}/")), None)
        is_folder = holder is not None and recorded[holder].endswith(".dir")
        if holder is None or not (is_folder or (path == holder and _md5(raw) == recorded[path])):
            raise InputError(f"{path}: is not what a stage of this run recorded.")


def check_objects(
    files: Mapping[str, bytes],
    objects: Mapping[str, bytes | None],
    changed: Collection[str],
    base: BaseFacts,
) -> None:
    """Raise InputError for an object that is missing, or that no changed entry names."""
    wanted, old = set[str](), set[str]()
    for stage in base.pipeline.stages:
        cached = {out.path: out.recorded for out in stage.outputs if out.cached}
        old |= {recorded for recorded in cached.values() if recorded}
        if stage.name in changed:
            path = lock_file_of(stage.name)
            made = outputs_in(_text(files[path], path), stage)
            wanted |= {recorded for path, recorded in made.items() if path in cached}
    if missing := sorted(wanted - old - set(objects)):
        raise InputError(f"objects/{missing[0]}: is missing, and dvc.lock names it.")
    for name in sorted(wanted & set(objects)):
        raw = objects[name]
        if name.endswith(".dir") and raw is not None:
            members = _members(name, raw)
            if missing := sorted(members - set(objects)):
                raise InputError(f"objects/{missing[0]}: is missing, and {name} lists it.")
            wanted |= members
    if extra := sorted(set(objects) - wanted):
        raise InputError(f"objects/{shown(extra[0])}: no stage of this run recorded it.")


def _members(name: str, raw: bytes) -> set[str]:
    try:
        return set(directory_listing(raw).values())
    except (ValueError, RecursionError):
        raise InputError(f"objects/{name}: does not list the files of a directory.") from None


def _text(raw: bytes, path: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start}).") from None


def _without(text: str, parts: Collection[str]) -> str:
    for part in parts:
        text = text.replace(part, "", 1)
    return text


def _stage_of(lock: str, entry: str) -> str:
    folder = lock.removesuffix("dvc.lock")
    return f"{folder}dvc.yaml:{entry}" if folder else entry


def _md5(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()
