"""The incident: what broke when a guardrail ended a run, and all a person needs to find out why."""

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
from retouch.reporting.environment import fill
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.numbers import UNKNOWN, duration, plural, share, significant
from retouch.reporting.stages import OUTCOMES, edits_table
from retouch.reporting.table import Table, table

MOST_ROWS, MOST_COLUMNS, MOST_OUTPUTS = 50, 10, 200
_LOOK = {
    "fairness": (
        "Which group of the evidence lost, and whether it lost rows, features or labels of its"
        " own: compare its rows in the hold-out with those the candidate learned from.",
        "Whether the edits below leave a group out: a window too short to hold it, a quarantine.",
    ),
    "latency": (
        "What the edits below add to one prediction: trees, parts, columns.",
        "Whether the machine was busy: measure again, and look at the turns in the evidence.",
    ),
    "size": (
        "Which output below grew, and what the edits add to it: trees, parts, rows kept inside.",
        "Whether something lies in the model's folder that no stage should leave there.",
    ),
    "calibration": (
        "Which days the interval or the probabilities were calibrated on, and whether these days"
        " are like the hold-out's.",
        "Whether the calibration ran after the last change of the model: see what had run.",
    ),
    "negative_flips": (
        "The rows of the evidence, first the ones farthest off: what they have in common.",
        "Whether their features changed between the two models, or only the model did.",
    ),
    "synthetic": (
        "The rows of the evidence: score them with both models, as the probe's command does.",
        "Whether a feature came to the model in another unit or with other missing values.",
    ),
}
_ELSEWHERE = "The inputs that changed since the base commit: data, params, code, in that order."


@dataclass(frozen=True)
class _Part:
    name: Markdown
    blocks: tuple[Markdown | Table, ...]


def render_incident(plan: Plan, run: Run | None, verdict: Verdict | None) -> str | None:
    """Return the incident as Markdown; None when no guardrail ended the run."""
    case = Case(plan, run, verdict)
    judgement = case.judgement
    if judgement is None or case.halted_by is None:
        return None
    found = next((g for g in case.guardrails if g.name == case.halted_by), None)
    return fill(
        "incident.md.j2",
        title=write("Incident: {} was halted by a guardrail", code(plan.model)),
        first=_first(case, found),
        parts=tuple(_parts(case, found)),
        written_at=written_at(case),
        files=tuple(
            name
            for name, there in (("plan", plan), ("run", run), ("verdict", verdict))
            if there is not None
        ),
    )


def _first(case: Case, found: GuardrailResult | None) -> Markdown:
    tier = case.judgement.tier if case.judgement else ""
    state = "is still in the workspace" if case.kept else "was put back: the workspace is as it was"
    return write(
        "The guardrail “{}” is broken{}. It ended the run after tier {}; everything the tier did"
        " {}.",
        inline(case.halted_by, 200),
        write(": {}", inline(found.message.rstrip("."), 600)) if found else "",
        code(tier),
        Markdown(state),
    )


def _parts(case: Case, found: GuardrailResult | None) -> Iterator[_Part]:
    if found:
        yield _Part(Markdown("What broke"), (_numbers(found),))
        yield _Part(Markdown("Evidence"), tuple(_evidence(found)))
    yield _Part(Markdown("Where to look"), (_look(found),))
    yield _Part(Markdown("What had run"), tuple(_ran(case)))
    edits = case.attempt.edits if case.attempt else case.tier.edits if case.tier else ()
    if edits:
        yield _Part(Markdown("The change"), (edits_table(edits),))
    yield _Part(Markdown("Where it stands"), (_state(case),))
    yield _Part(Markdown("See it again"), (_commands(case),))


def _numbers(found: GuardrailResult) -> Table:
    bounds = [significant(x, 6) for x in (found.lower, found.upper)]
    row = (
        inline(found.measure),
        *(significant(x, 6) for x in (found.production, found.candidate, found.compared)),
        UNKNOWN if set(bounds) == {UNKNOWN} else write("{} to {}", *bounds),
        significant(found.limit, 6),
    )
    heads = "Measure, Production>, Candidate>, Held against the limit>, Its bounds>, Limit>"
    return table(heads.split(", "), [row])


def _evidence(found: GuardrailResult) -> Iterator[Markdown | Table]:
    """Yield the rows as they came, the columns in the order they first appear."""
    rows = found.evidence[:MOST_ROWS]
    columns = list(dict.fromkeys(key for row in found.evidence for key in row))[:MOST_COLUMNS]
    if not columns:
        yield Markdown("The guardrail kept no rows.")
        return
    yield Table(
        heads=tuple(inline(column, 40) or UNKNOWN for column in columns),
        numeric=tuple(any(_is_number(row.get(c)) for row in rows) for c in columns),
        rows=tuple(tuple(_cell(row.get(column)) for column in columns) for row in rows),
    )
    if len(found.evidence) > MOST_ROWS:
        yield write("And {} in the verdict.", plural(len(found.evidence) - MOST_ROWS, "more row"))


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: JsonValue) -> Markdown:
    if value is None:
        return UNKNOWN
    if isinstance(value, float):
        return significant(value, 6)
    return inline(value, 80) or UNKNOWN


def _look(found: GuardrailResult | None) -> Markdown:
    hints = (*_LOOK.get(found.kind if found else "", ()), _ELSEWHERE)
    return Markdown("\n".join(f"- {hint}" for hint in hints))


def _ran(case: Case) -> Iterator[Markdown | Table]:
    rows: list[tuple[object, ...]] = []
    for receipt in case.receipts.values():
        said = Markdown(OUTCOMES[receipt.outcome])
        cost = duration(receipt.cpu_seconds) if receipt.outcome == "ran" else UNKNOWN
        first = (code(receipt.stage), said, cost)
        made = [(code(path), code(digest)) for path, digest in receipt.outputs.items()]
        for place in made or [(UNKNOWN, UNKNOWN)]:
            rows.append((*first, *place))
            first = (Markdown("″"), Markdown("″"), UNKNOWN)
    if not rows:
        yield Markdown("No stage: the run has no receipts.")
        return
    yield table(["Stage", "Happened", "CPU>", "Output", "Hash"], rows[:MOST_OUTPUTS])
    if len(rows) > MOST_OUTPUTS:
        yield write("And {} in the run.", plural(len(rows) - MOST_OUTPUTS, "more output"))


def _state(case: Case) -> Table:
    judgement, plan = case.judgement, case.plan
    assert judgement
    rows: list[tuple[object, ...]] = [
        (Markdown("Alerts"), join(", ", [code(a.alert_id) for a in plan.alerts[:10]])),
        (Markdown("Base commit"), code(plan.base_commit)),
        (Markdown("Production model"), code(judgement.production_model)),
        (Markdown("Candidate model"), code(judgement.candidate_model)),
        (Markdown("What the gate said"), inline(judgement.message, 600)),
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
            write(", each bound at {}", share(used.confidence))
            if used.confidence is not None
            else "",
        )
        rows.append((Markdown("Hold-out"), stretch))
    return table(["What", "Value"], rows)


def _commands(case: Case) -> Markdown:
    """Return the commands that bring the run back, as a list; ids and hashes only go into them."""
    ids = [re.sub(r"[^A-Za-z0-9_-]", "", alert.alert_id) for alert in case.plan.alerts[:10]]
    base = re.sub(r"[^A-Za-z0-9]", "", case.plan.base_commit)
    alerts = " ".join(f"alerts/{alert_id}.json" for alert_id in ids if alert_id)
    steps = (
        write("- {}: the commit it was planned from", code(f"git checkout {base}", 120)),
        write(
            "- {}: the same run, to its end; in a clone, for it writes the report anew",
            code(f"retouch run {alerts}", 700),
        ),
        write("- {}: what it would do, stage by stage", code(f"retouch plan {alerts}", 700)),
    )
    return join("\n", steps)
