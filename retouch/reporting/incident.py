"""The incident report: which guardrail halted a run, and all a person needs to find the cause."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from retouch.execution.model import Run
from retouch.gate.model import GuardrailResult, Verdict
from retouch.planning.model import Plan
from retouch.reporting.case import Case
from retouch.reporting.cost import written_at
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.numbers import UNKNOWN, duration, percentage, plural, significant
from retouch.reporting.plan import OUTCOMES, edits_table
from retouch.reporting.template import Table, fill, table

MAX_ROWS, MAX_COLUMNS, MAX_OUTPUTS = 50, 10, 200
_HINTS = {
    "fairness": (
        "Which group of the evidence got worse, and whether its rows, features or labels changed:"
        " compare its rows in the hold-out with its training rows.",
        "Whether the parameter changes below exclude a group: a window too short, a quarantine.",
    ),
    "latency": (
        "What the parameter changes below add to one prediction: trees, parts, columns.",
        "Whether the machine was busy: measure again, and compare the rounds of the evidence.",
    ),
    "size": (
        "Which output below grew, and what the parameter changes add: trees, parts, stored rows.",
        "Whether the model's folder holds files that no stage should leave there.",
    ),
    "calibration": (
        "Which days the interval or the probabilities were calibrated on, and whether they"
        " resemble the hold-out.",
        "Whether calibration ran after the last change of the model: see the stages run.",
    ),
    "negative_flips": (
        "What the rows of the evidence have in common, starting with the largest errors.",
        "Whether their features differ between the two models, or only the models do.",
    ),
    "synthetic": (
        "The rows of the evidence: score them with both models, using the probe's command.",
        "Whether a feature reached the model in another unit or with other missing values.",
    ),
}
_GENERAL_HINT = "The inputs that changed since the base commit: data, then parameters, then code."


@dataclass(frozen=True)
class _Part:
    name: Markdown
    blocks: tuple[Markdown | Table, ...]


def render_incident(plan: Plan, run: Run | None, verdict: Verdict | None) -> str | None:
    """Return the incident as Markdown; None when no guardrail halted the run."""
    case = Case(plan, run, verdict)
    judgement = case.judgement
    if judgement is None or case.halted_by is None:
        return None
    guardrail = next((g for g in case.guardrails if g.name == case.halted_by), None)
    return fill(
        "incident.md.j2",
        title=write("Incident: the retraining of {} was halted by a guardrail", code(plan.model)),
        first=_first(case, guardrail),
        parts=tuple(_parts(case, guardrail)),
        written_at=written_at(case),
        files=tuple(
            name
            for name, document in (("plan", plan), ("run", run), ("verdict", verdict))
            if document is not None
        ),
    )


def _first(case: Case, guardrail: GuardrailResult | None) -> Markdown:
    tier = case.judgement.tier if case.judgement else ""
    state = "are still in the workspace" if case.kept else "were rolled back"
    return write(
        "The guardrail “{}” was violated{}. The run stopped after tier {}; its changes {}.",
        inline(case.halted_by, 200),
        write(": {}", inline(guardrail.message.rstrip("."), 600)) if guardrail else "",
        code(tier),
        Markdown(state),
    )


def _parts(case: Case, guardrail: GuardrailResult | None) -> Iterator[_Part]:
    if guardrail:
        yield _Part(Markdown("Violation"), (_numbers(guardrail),))
        yield _Part(Markdown("Evidence"), tuple(_evidence(guardrail)))
    yield _Part(Markdown("Where to look"), (_look(guardrail),))
    yield _Part(Markdown("Stages run"), tuple(_ran(case)))
    edits = case.attempt.edits if case.attempt else case.tier.edits if case.tier else ()
    if edits:
        yield _Part(Markdown("Parameter changes"), (edits_table(edits),))
    yield _Part(Markdown("Context"), (_documents(case),))
    yield _Part(Markdown("How to reproduce"), (_commands(case),))


def _numbers(guardrail: GuardrailResult) -> Table:
    bounds = [significant(x, 6) for x in (guardrail.lower, guardrail.upper)]
    row = (
        inline(guardrail.measure),
        *(
            significant(x, 6)
            for x in (guardrail.production, guardrail.candidate, guardrail.compared)
        ),
        UNKNOWN if set(bounds) == {UNKNOWN} else write("{} to {}", *bounds),
        significant(guardrail.limit, 6),
    )
    heads = "Measure, Production>, Candidate>, Compared value>, Bounds>, Limit>"
    return table(heads.split(", "), [row])


def _evidence(guardrail: GuardrailResult) -> Iterator[Markdown | Table]:
    """Yield the rows in their order, with columns in the order of first appearance."""
    rows = guardrail.evidence[:MAX_ROWS]
    columns = list(dict.fromkeys(key for row in guardrail.evidence for key in row))[:MAX_COLUMNS]
    if not columns:
        yield Markdown("The guardrail recorded no rows.")
        return
    yield Table(
        heads=tuple(inline(column, 40) or UNKNOWN for column in columns),
        numeric=tuple(any(_is_number(row.get(c)) for row in rows) for c in columns),
        rows=tuple(tuple(_cell(row.get(column)) for column in columns) for row in rows),
    )
    if len(guardrail.evidence) > MAX_ROWS:
        yield write(
            "And {} in verdict.json.", plural(len(guardrail.evidence) - MAX_ROWS, "more row")
        )


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: JsonValue) -> Markdown:
    if value is None:
        return UNKNOWN
    if isinstance(value, float):
        return significant(value, 6)
    return inline(value, 80) or UNKNOWN


def _look(guardrail: GuardrailResult | None) -> Markdown:
    hints = (*_HINTS.get(guardrail.kind if guardrail else "", ()), _GENERAL_HINT)
    return Markdown("\n".join(f"- {hint}" for hint in hints))


def _ran(case: Case) -> Iterator[Markdown | Table]:
    rows: list[tuple[object, ...]] = []
    for receipt in case.receipts.values():
        outcome = Markdown(OUTCOMES[receipt.outcome])
        cost = duration(receipt.cpu_seconds) if receipt.outcome == "ran" else UNKNOWN
        first = (code(receipt.stage), outcome, cost)
        outputs = [(code(path), code(digest)) for path, digest in receipt.outputs.items()]
        for output in outputs or [(UNKNOWN, UNKNOWN)]:
            rows.append((*first, *output))
            first = (Markdown("″"), Markdown("″"), UNKNOWN)
    if not rows:
        yield Markdown("No stage: the run has no receipts.")
        return
    yield table(["Stage", "Outcome", "CPU>", "Output", "Hash"], rows[:MAX_OUTPUTS])
    if len(rows) > MAX_OUTPUTS:
        yield write("And {} in run.json.", plural(len(rows) - MAX_OUTPUTS, "more output"))


def _documents(case: Case) -> Table:
    judgement, plan = case.judgement, case.plan
    assert judgement
    rows: list[tuple[object, ...]] = [
        (Markdown("Alerts"), join(", ", [code(a.alert_id) for a in plan.alerts[:10]])),
        (Markdown("Base commit"), code(plan.base_commit)),
        (Markdown("Production model"), code(judgement.production_model)),
        (Markdown("Candidate model"), code(judgement.candidate_model)),
        (Markdown("Gate message"), inline(judgement.message, 600)),
    ]
    used = judgement.holdout
    if used:
        stretch = write(
            "{} to {} (half-open): {} on {}, digest {}{}",
            used.start,
            used.end,
            plural(used.rows, "row"),
            plural(used.days, "day"),
            code(used.digest),
            write(", each bound at {} confidence", percentage(used.confidence))
            if used.confidence is not None
            else "",
        )
        rows.append((Markdown("Hold-out"), stretch))
    return table(["What", "Value"], rows)


def _commands(case: Case) -> Markdown:
    """Return the commands that reproduce the run; they hold nothing but ids and hashes."""
    ids = [re.sub(r"[^A-Za-z0-9_-]", "", alert.alert_id) for alert in case.plan.alerts[:10]]
    base = re.sub(r"[^A-Za-z0-9]", "", case.plan.base_commit)
    alerts = " ".join(f"alerts/{alert_id}.json" for alert_id in ids if alert_id)
    steps = (
        write("- {}: the base commit", code(f"git checkout {base}", 120)),
        write(
            "- {}: the same run; use a separate clone, because it rewrites the report",
            code(f"retouch run {alerts}", 700),
        ),
        write("- {}: the plan, stage by stage", code(f"retouch plan {alerts}", 700)),
    )
    return join("\n", steps)
