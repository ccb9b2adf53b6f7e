"""Where every number comes from: commits, data, models, who and when."""

from __future__ import annotations

from collections.abc import Iterator

from retouch.alerts.receipt import Provenance
from retouch.gate.model import HoldoutUsed
from retouch.reporting.case import Case
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.numbers import moment, plural, share
from retouch.reporting.table import Table, table


def provenance_table(case: Case) -> Table:
    """Return what identifies the work, each with the document that says so."""
    return table(["What", "Value", "File"], [*_of_plan(case), *_of_run(case), *_of_verdict(case)])


Row = tuple[Markdown, Markdown, Markdown]


def _row(what: str, value: Markdown, file: str) -> Row:
    return (Markdown(what), value, Markdown(f"[{file}.json][{file}]"))


def _of_plan(case: Case) -> Iterator[Row]:
    plan = case.plan
    alert = plan.alerts[0]
    ids = join(", ", [code(alert.alert_id) for alert in plan.alerts[:5]])
    more = len(plan.alerts) - 5
    yield _row("Alert", write("{} and {} more", ids, more) if more > 0 else ids, "plan")
    raised = write("{}, {}", code(alert.monitor), moment(alert.emitted_at))
    yield _row("Raised by, at", raised, "plan")
    yield _row("Confidence", inline(alert.confidence, 100), "plan")
    for proven in plan.provenance[:5]:
        yield _row("Signature", _signature(proven.provenance), "plan")
    if plan.accepted_by is not None:
        yield _row("Vouched for by", inline(plan.accepted_by, 100), "plan")
    if alert.model_version:
        yield _row("Model the alert speaks of", code(alert.model_version), "plan")
    yield _row("Rule", inline(plan.rule or "none matched"), "plan")
    yield _row("Plan", code(plan.key), "plan")
    yield _row("Planned", moment(plan.planned_at), "plan")
    yield _row("Base commit", code(plan.base_commit), "plan")


def _signature(provenance: Provenance) -> Markdown:
    if provenance.verdict != "verified":
        return inline(f"{provenance.verdict}. {' '.join(provenance.reasons)}".strip(), 200)
    return write(
        "verified: key {} of {}, by the policies of {}",
        code(provenance.key_fingerprint or "unknown"),
        code(provenance.principal or "unknown"),
        code((provenance.registry_commit or "unknown")[:12]),
    )


def _of_run(case: Case) -> Iterator[Row]:
    run = case.run
    if run is None:
        return
    times = write("{} to {}", moment(run.started_at), moment(run.finished_at))
    yield _row("Run", times, "run")
    yield _row("Runner", write("{}, {}", code(run.runner), plural(run.jobs, "job")), "run")


def _of_verdict(case: Case) -> Iterator[Row]:
    verdict, judgement = case.verdict, case.judgement
    if verdict is None or judgement is None:
        return
    holdout = judgement.holdout
    if holdout:
        stretch = write(
            "{} to {} (half-open): {} on {}",
            holdout.start,
            holdout.end,
            plural(holdout.rows, "row"),
            plural(holdout.days, "day"),
        )
        yield _row("Hold-out", stretch, "verdict")
        yield _row("Hold-out digest", code(holdout.digest), "verdict")
        yield _row("Hold-out use", _use(holdout), "verdict")
        if holdout.learned_rows_compared is not None:
            compared = plural(holdout.learned_rows_compared, "row")
            learned = write("none of its rows is among the {} the models learned from", compared)
            yield _row("Overlap", learned, "verdict")
    seen = (
        (holdout.production_seen_until, holdout.candidate_seen_until) if holdout else (None, None)
    )
    yield _row("Production model", _model(judgement.production_model, seen[0]), "verdict")
    yield _row("Candidate model", _model(judgement.candidate_model, seen[1]), "verdict")
    yield _row("Judged", moment(verdict.judged_at), "verdict")


def _use(holdout: HoldoutUsed) -> Markdown:
    """Return `candidate 4 of 10 on this hold-out, each bound at 98.3 %`."""
    confidence = (
        write(", each bound at {}", share(holdout.confidence))
        if holdout.confidence is not None
        else ""
    )
    return write(
        "candidate {} of {} on this hold-out{}",
        holdout.candidate_number,
        holdout.candidates_allowed,
        confidence,
    )


def _model(digest: str, seen_until: str | None) -> Markdown:
    if seen_until is None:
        return code(digest)
    return write("{}, has seen data until {}", code(digest), seen_until)
