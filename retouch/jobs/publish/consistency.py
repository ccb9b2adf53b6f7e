"""Do the documents of one answer agree with each other, and is what was kept allowed to stay? Pure.

They come from a job that ran the repository's code, so what one says is held against the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from retouch.errors import InputError
from retouch.execution.model import Attempt, Run
from retouch.gate.model import Judgement, Override, Verdict
from retouch.jobs.packages.model import Proposal
from retouch.planning.model import Plan, TierPlan
from retouch.schema_errors import shown


def check_documents(
    proposal: Proposal,
    plan: Plan,
    run: Run | None,
    verdict: Verdict | None,
    overrides: Collection[Override] = (),
) -> None:
    """Raise InputError, with one sentence, when the documents of an answer cannot all be true."""
    faults = (
        *_of_plan(proposal, plan),
        *(_of_run(proposal, plan, run) if run else ()),
        *(_of_verdict(plan, run, verdict) if verdict else ()),
        *(_of_outcome(plan, run, verdict, overrides) if run else ()),
    )
    for where, message in faults:
        raise InputError(f"reports/{plan.report_id}/{where}.json: {message}.")


def is_kept(run: Run | None) -> bool:
    """Say whether a run came to a candidate that stays."""
    return run is not None and bool(run.attempts) and run.attempts[-1].kept


Fault = tuple[str, str]
"""The document, and what is wrong."""


def _of_plan(proposal: Proposal, plan: Plan) -> Iterator[Fault]:
    ids = [alert.alert_id for alert in plan.alerts]
    if plan.report_id != proposal.report_id:
        yield "plan", f"its first alert is {shown(plan.report_id)}, not {proposal.report_id}"
    if len(set(ids)) != len(ids) or not set(ids) <= set(proposal.alert_ids):
        yield "plan", "is about other alerts than the proposal"
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
        yield "run", "nobody vouches for its alerts, so nothing should have run"
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
        yield "run", f"tier {shown(tier.tier)}: was kept, and another one was tried after it"
    if any(receipt.outcome in ("failed", "skipped") for receipt in attempt.receipts):
        yield "run", f"tier {shown(tier.tier)}: was kept though a stage failed"


def _of_verdict(plan: Plan, run: Run | None, verdict: Verdict) -> Iterator[Fault]:
    if run is None:
        yield "verdict", "there is no run that it could be about"
        return
    if verdict.plan_key != plan.key or verdict.alert_ids != run.alert_ids:
        yield "verdict", "is about another plan or other alerts"
    if verdict.outcome != verdict.deciding.outcome:
        yield "verdict", "its outcome is not that of its last judgement"
    judged = [judgement.tier for judgement in verdict.judgements]
    if judged != [attempt.tier for attempt in run.attempts][: len(judged)]:
        yield "verdict", "judges other tiers than were tried"


def _of_outcome(
    plan: Plan, run: Run | None, verdict: Verdict | None, overrides: Collection[Override]
) -> Iterator[Fault]:
    if verdict is not None:
        for judgement in verdict.judgements:
            if not set(judgement.overridden) <= set(overrides):
                yield "verdict", "counts an override that nobody made"
    if run is None or not is_kept(run):
        if verdict is not None and verdict.outcome == "promote":
            yield "verdict", "says promote, but no candidate was kept"
        return
    if verdict is None:
        yield "run", "a candidate was kept that no verdict speaks of"
        return
    deciding, attempt = verdict.deciding, run.attempts[-1]
    if len(verdict.judgements) != len(run.attempts) or deciding.tier != attempt.tier:
        yield "verdict", "its last judgement is not about the candidate that was kept"
        return
    tier = plan.tiers[len(run.attempts) - 1]
    if why := _why_not(deciding, tier):
        yield "verdict", f"a candidate was kept though {why}"
    made = {made for receipt in attempt.receipts for made in receipt.outputs.values()}
    if deciding.candidate_model not in {*made, deciding.production_model}:
        yield "verdict", "judges a model that the run did not make"


def _why_not(deciding: Judgement, tier: TierPlan) -> str | None:
    """Return why a candidate may not stay by its judgement; None when it may."""
    if deciding.halted_by is not None:
        return f"the guardrail {shown(deciding.halted_by)} ended the run"
    if deciding.outcome == "equivalent" and tier.must == "not_get_worse":
        return None
    if deciding.outcome != "promote":
        return f"the outcome is {deciding.outcome}"
    if not any(check.required for check in deciding.checks):
        return "nothing was checked"
    excused = {override.check for override in deciding.overridden}
    stops = [
        *(c.name for c in deciding.checks if c.required and c.result != "pass"),
        *(g.name for g in deciding.guardrails if g.stops),
    ]
    left = [name for name in stops if name not in excused]
    return f"{shown(left[0])} does not hold" if left else None
