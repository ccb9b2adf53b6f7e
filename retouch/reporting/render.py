"""The report: one template for `reports/<alert-id>/report.md` and the body of the pull request."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from retouch.execution.model import Run
from retouch.gate.model import Verdict
from retouch.gate.shadow_model import Shadow
from retouch.planning.model import Plan
from retouch.reporting.case import Case, Moved
from retouch.reporting.cost import written_at
from retouch.reporting.environment import fill
from retouch.reporting.escape import Markdown, code, plain
from retouch.reporting.figures import to_draw
from retouch.reporting.guardrails import counted
from retouch.reporting.layout import CHARACTERS, LINES, ROOMS
from retouch.reporting.sections import DETAILS, sections
from retouch.reporting.summary import first_screen

MOST_CHARACTERS = 60_000
"""GitHub refuses more than 65,536; other bots stop here too."""
STATUS_CHARACTERS = 140
INCIDENT = "incident.md"
"""Lies beside the report when a guardrail ended the run."""


def render_report(
    plan: Plan,
    run: Run | None = None,
    verdict: Verdict | None = None,
    *,
    folder: str = "",
    figures: Collection[str] | None = None,
    shadow: Shadow | None = None,
    moved: Moved | None = None,
) -> str:
    """Return the report as Markdown: the same documents, the same bytes.

    `folder` goes before every link: empty for the file in `reports/<alert-id>/`, the address of
    that folder (with its final slash) for the body of a pull request. `figures`: those of them that
    are in that folder; None: all there is data for. `shadow`: what `retouch shadow` found. `moved`:
    main has moved, and the report is stale.
    """
    case = Case(plan, run, verdict, moved)
    drawn = [name for name in to_draw(verdict) if figures is None or name in figures]
    first, links, text = _first(case), _links(case, folder, drawn, shadow), ""
    for detail in DETAILS:
        text = fill(
            "report.md.j2",
            first=first,
            sections=sections(case, detail, figures=drawn, shadow=shadow),
            shortened=detail != DETAILS[0],
            written_at=written_at(case),
            base=code(case.plan.base_commit[:7]),
            files=_files(case),
            links=links,
        )
        if len(text) <= MOST_CHARACTERS:
            break
    return text


def status_line(plan: Plan, run: Run | None = None, verdict: Verdict | None = None) -> str:
    """Return the description of the commit status, the verdict first, in 140 characters."""
    case = Case(plan, run, verdict)
    parts = [case.message]
    if case.checks and case.checks[0].production is not None:
        check = case.checks[0]
        losses = f"{case.loss_of(check.production)} → {case.loss_of(check.candidate)}"
        parts.append(f"{losses} {case.unit}".strip())
        passed = sum(check.result == "pass" for check in case.checks)
        parts.append(f"{passed}/{len(case.checks)} checks")
    if any(found.mode == "block" for found in case.guardrails):
        parts.append(f"{counted(case)} hold")
    if case.tier and case.attempt:
        parts.append(f"{len(case.attempt.named('ran'))}/{len(case.tier.stages)} stages")
    parts.append(f"base {plan.base_commit[:7]}")
    return plain(", ".join(parts), STATUS_CHARACTERS)


def label(plan: Plan, run: Run | None = None, verdict: Verdict | None = None) -> str:
    """Return the label of the pull request: `verdict:pass`, `warn`, `fail`, `running`."""
    return f"verdict:{Case(plan, run, verdict).words.label}"


def head_of(report: str) -> str:
    """Return the first screen of a report: all before what is folded away."""
    return report.partition("<details")[0]


def _first(case: Case) -> Markdown:
    """Return the roomiest first screen that keeps to its budget; at the worst without its notes."""
    marker = case.marker.written()
    for room in ROOMS:
        text = fill("_first.md.j2", marker=marker, screen=first_screen(case, room))
        if len(text) < CHARACTERS and text.rstrip("\n").count("\n") < LINES:
            return Markdown(text)
    bare = replace(first_screen(case, ROOMS[-1]), notes=())
    return Markdown(fill("_first.md.j2", marker=marker, screen=bare))


def _files(case: Case) -> tuple[str, ...]:
    made = {"plan": True, "run": case.run, "verdict": case.verdict}
    return tuple(name for name, document in made.items() if document)


def _links(
    case: Case, folder: str, figures: Collection[str], shadow: Shadow | None
) -> dict[str, Markdown]:
    before = re.sub(r"[^!#-;=?-Z_a-z~]", "", folder)
    alert = re.sub(r"[^A-Za-z0-9_-]", "", case.plan.report_id)
    own = f"reports/{alert}/"
    top = before.removesuffix(own) if before.endswith(own) else f"{before}../../"
    links = {"alert": f"{top}alerts/{alert}.json"}
    links |= {name: f"{before}{name}.json" for name in _files(case)}
    if shadow:
        links["shadow"] = f"{before}shadow.json"
    if case.halted_by:
        links["incident"] = f"{before}{INCIDENT}"
    raw = "?raw=true" if before else ""
    links |= {name.removesuffix(".svg"): f"{before}{name}{raw}" for name in figures}
    return {name: Markdown(target) for name, target in links.items()}
