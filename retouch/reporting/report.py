"""The report: one template for `reports/<alert-id>/report.md` and the body of the pull request."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from retouch.alerts.words import AlertSummary
from retouch.execution.model import Run
from retouch.gate.model import Verdict
from retouch.gate.shadow_model import Shadow
from retouch.planning.model import Plan
from retouch.reporting.case import BaseMoved, Case
from retouch.reporting.checks import checks_table, harm_alarms_table
from retouch.reporting.cost import forecast_text, written_at
from retouch.reporting.escape import Markdown, code, inline, join, plain, write
from retouch.reporting.evidence import (
    calibration,
    drift,
    figure_link,
    losses_section,
    provenance_table,
    shadow_about,
    shadow_blocks,
)
from retouch.reporting.figures import SLICES, available_figures
from retouch.reporting.guardrails import guardrail_count, guardrails_section
from retouch.reporting.layout import Layout
from retouch.reporting.notes import override_text, warnings_of
from retouch.reporting.numbers import moment, percentage, plural
from retouch.reporting.plan import (
    attempts_table,
    counts,
    edits_table,
    skipped_block,
    stages_table,
    worth_blocks,
)
from retouch.reporting.summary import checks_passed, render_first_screen
from retouch.reporting.template import Section, Table, fill

SECTION_LAYOUT = Layout(name=80, text=300, rows=6, names=12)
_FULL_TEXT_LAYOUT = replace(SECTION_LAYOUT, text=500)
ALERTS_SHOWN = 5
FINDINGS_SHOWN = 10


@dataclass(frozen=True)
class DetailLevel:
    """How much of the long sections is written; a report that is too long drops them one by one."""

    provenance: bool = True
    alert: bool = True
    drift: bool = True
    """Drift of the data, and the result of `retouch shadow`."""
    checks: bool = True
    """The slices: checks and calibration. Their figure stays."""
    guardrails: bool = True
    stages: int = 1000


_SHORT = DetailLevel(provenance=False, alert=False, drift=False, checks=False)
DETAIL_LEVELS = (
    DetailLevel(),
    DetailLevel(provenance=False),
    DetailLevel(provenance=False, alert=False),
    DetailLevel(provenance=False, alert=False, drift=False),
    _SHORT,
    replace(_SHORT, stages=200),
    replace(_SHORT, stages=50),
    replace(_SHORT, stages=10, guardrails=False),
)
MAX_CHARACTERS = 60_000
"""GitHub refuses more than 65,536; other bots stop here too."""
STATUS_CHARACTERS = 140
INCIDENT = "incident.md"
"""Written beside the report when a guardrail halted the run."""


def render_report(
    plan: Plan,
    run: Run | None = None,
    verdict: Verdict | None = None,
    *,
    folder: str = "",
    figures: Collection[str] | None = None,
    shadow: Shadow | None = None,
    moved: BaseMoved | None = None,
) -> str:
    """Return the report as Markdown: the same documents, the same bytes.

    `folder` goes before every link: empty for the file in `reports/<alert-id>/`, the address of
    that folder (with its final slash) for the body of a pull request. `figures`: those of them that
    are in that folder; None: all there is data for. `shadow`: what `retouch shadow` found. `moved`:
    main has moved, and the report is stale.
    """
    case = Case(plan, run, verdict, moved)
    drawn = [name for name in available_figures(verdict) if figures is None or name in figures]
    screen, links, text = render_first_screen(case), _links(case, folder, drawn, shadow), ""
    for detail in DETAIL_LEVELS:
        text = fill(
            "report.md.j2",
            first_screen=screen,
            sections=sections(case, detail, figures=drawn, shadow=shadow),
            shortened=detail != DETAIL_LEVELS[0],
            written_at=written_at(case),
            base=code(case.plan.base_commit[:7]),
            files=_files(case),
            links=links,
        )
        if len(text) <= MAX_CHARACTERS:
            break
    return text


def status_line(plan: Plan, run: Run | None = None, verdict: Verdict | None = None) -> str:
    """Return the description of the commit status, the verdict first, in 140 characters."""
    case = Case(plan, run, verdict)
    parts = [case.message]
    if case.checks and case.checks[0].production is not None:
        check = case.checks[0]
        losses = f"{case.format_loss(check.production)} → {case.format_loss(check.candidate)}"
        parts.append(f"{losses} {case.unit}".strip())
        passed = sum(check.result == "pass" for check in case.checks)
        parts.append(f"{passed}/{len(case.checks)} checks")
    if any(guardrail.mode == "block" for guardrail in case.guardrails):
        parts.append(f"{guardrail_count(case)} hold")
    if case.tier and case.attempt:
        parts.append(f"{len(case.attempt.named('ran'))}/{len(case.tier.stages)} stages")
    parts.append(f"base {plan.base_commit[:7]}")
    return plain(", ".join(parts), STATUS_CHARACTERS)


def verdict_label(plan: Plan, run: Run | None = None, verdict: Verdict | None = None) -> str:
    """Return the label of the pull request: `verdict:pass`, `warn`, `fail`, `running`."""
    return f"verdict:{Case(plan, run, verdict).status_text.label}"


def first_screen_of(report: str) -> str:
    """Return the first screen of a report: all before what is folded away."""
    return report.partition("<details")[0]


def _files(case: Case) -> tuple[str, ...]:
    documents = {"plan": True, "run": case.run, "verdict": case.verdict}
    return tuple(name for name, document in documents.items() if document)


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


def sections(
    case: Case, detail: DetailLevel, *, figures: Collection[str], shadow: Shadow | None = None
) -> tuple[Section, ...]:
    """Return the sections with content, in reading order."""
    parts = [
        losses_section(case, figures),
        _overridden(case),
        _warnings(case),
        _plan(case, detail.stages),
        _checks(case, figures, whole=detail.checks),
        guardrails_section(case, SECTION_LAYOUT) if detail.guardrails else None,
        calibration(case, figures, SECTION_LAYOUT) if detail.checks else None,
        _attempts(case),
        _shadow(shadow) if shadow and detail.drift else None,
        drift(case, figures) if detail.drift else None,
        _alert(case) if detail.alert else None,
        _provenance(case) if detail.provenance else None,
    ]
    return tuple(part for part in parts if part)


def _overridden(case: Case) -> Section | None:
    """Return all overrides with their whole reasons."""
    if not case.overridden:
        return None
    listed = [write("- {}", override_text(one, _FULL_TEXT_LAYOUT)) for one in case.overridden]
    return Section(
        name="Overridden",
        about=write(
            "{}, with reasons",
            plural(len(listed), "check that did not pass", "checks that did not pass"),
        ),
        blocks=(join("\n", listed),),
        files=("verdict",),
    )


def _warnings(case: Case) -> Section | None:
    warnings = warnings_of(case, SECTION_LAYOUT)
    if len(warnings) < 2:
        return None
    listed = [write("- {}", warning) for warning in warnings[:20]]
    if len(warnings) > 20:
        listed.append(write("- {}", plural(len(warnings) - 20, "more", "more")))
    return Section(
        name="Warnings",
        about=write("{}, none of them blocking", plural(len(warnings), "warning")),
        blocks=(join("\n", listed),),
        files=("plan", *(("verdict",) if case.verdict else ())),
    )


def _plan(case: Case, most: int) -> Section | None:
    tier, worth = case.tier, worth_blocks(case.plan)
    skipped = () if case.run else skipped_block(case.plan)
    if tier is None:
        if not (worth or skipped):
            return None
        about = Markdown("nothing runs, with reasons")
        return Section(name="Plan", about=about, blocks=(*worth, *skipped), files=("plan",))
    return Section(
        name="Plan",
        about=write("{}, with reasons", counts(tier)),
        blocks=(
            write("Tier {}: {}.", code(tier.tier), inline(tier.message.rstrip("."))),
            edits_table(tier.edits),
            stages_table(tier, case.receipts, most),
            forecast_text(tier.forecast),
            *worth,
            *skipped,
        ),
        files=("plan", *(("run",) if case.run else ())),
    )


def _checks(case: Case, figures: Collection[str], *, whole: bool) -> Section | None:
    if not case.checks:
        return None
    figure = (figure_link(Markdown("Change by slice, with confidence intervals"), SLICES),)
    blocks: tuple[Markdown | Table, ...] = figure if SLICES in figures else ()
    if whole:
        blocks += (checks_table(case, SECTION_LAYOUT), _explanation(case), *_alarms(case))
    if not blocks:
        return None
    about = write("{}, by slice", checks_passed(case))
    return Section(name="Checks", about=about, blocks=blocks, files=("verdict",))


def _explanation(case: Case) -> Markdown:
    """Explain the columns of the checks table."""
    used = case.judgement.holdout if case.judgement else None
    bound = (
        write(" Each bound holds with {} confidence.", percentage(used.confidence))
        if used and used.confidence is not None
        else ""
    )
    q_values = any(check.q_value is not None for check in case.checks)
    return write(
        "Change is candidate minus production: below 0 the candidate is better. *At worst* is its"
        " one-sided bound over day blocks. verdict.json stores both as gains, with the opposite"
        " sign. *Detectable* is the smallest change these rows would show with 80 % power.{}{}",
        bound,
        Markdown(" *q* is the Benjamini–Hochberg value, shown for information only.")
        if q_values
        else "",
    )


def _alarms(case: Case) -> Iterator[Markdown | Table]:
    alarms = harm_alarms_table(case, SECTION_LAYOUT)
    if alarms is not None:
        yield alarms
        yield Markdown(
            "A harm alarm passes unless harm beyond its limit is detected. *p (harm)* is the"
            " one-sided p-value, *p (Holm)* the same corrected for the number of alarms."
        )


def _attempts(case: Case) -> Section | None:
    if not case.run or not case.run.attempts:
        return None
    tried = len(case.run.attempts)
    left = [tier.tier for tier in case.plan.tiers[tried:]]
    rest: list[Markdown] = []
    if case.run.stopped:
        rest.append(write("Stopped: {}.", inline(case.run.stopped.rstrip("."))))
    if left:
        rest.append(write("Not tried: {}.", join(", ", map(code, left[:10]))))
    return Section(
        name="Attempts",
        about=write("{} of {} tried", tried, plural(len(case.plan.tiers), "tier")),
        blocks=(attempts_table(case), *rest, *skipped_block(case.plan)),
        files=("run", *(("verdict",) if case.verdict else ()), *_plan_file(case)),
    )


def _plan_file(case: Case) -> tuple[str, ...]:
    return ("plan",) if case.plan.skipped else ()


def _shadow(shadow: Shadow) -> Section:
    return Section(
        name="Shadow",
        about=shadow_about(shadow),
        blocks=shadow_blocks(shadow),
        files=("shadow",),
    )


def _alert(case: Case) -> Section:
    alerts = case.plan.alerts
    blocks = [block for alert in alerts[:ALERTS_SHOWN] for block in _alert_blocks(alert)]
    if len(alerts) > ALERTS_SHOWN:
        blocks.append(write("And {}.", plural(len(alerts) - ALERTS_SHOWN, "more alert")))
    return Section(
        name="Alert",
        about=Markdown("as reported by the monitor"),
        blocks=tuple(blocks),
        files=("plan",),
    )


def _alert_blocks(alert: AlertSummary) -> Iterator[Markdown]:
    """Yield the source and time of an alert, its data, its findings and its free text."""
    columns = write(", columns {}", join(", ", map(code, alert.columns[:12])))
    where = write(", where {}", join(" and ", map(code, alert.where[:12])))
    window = write(", {} (half-open)", inline(alert.window or "", 60))
    yield write(
        "**{}** ({}) from {} on {}, confidence {}. Dataset {}{}{}{}.",
        inline(alert.kind.replace("_", " "), 40),
        inline(alert.severity, 20),
        code(alert.monitor),
        moment(alert.emitted_at),
        inline(alert.confidence, 100),
        code(alert.dataset),
        columns if alert.columns else "",
        where if alert.where else "",
        window if alert.window else "",
    )
    findings = [write("- {}", inline(finding)) for finding in alert.findings[:FINDINGS_SHOWN]]
    if len(alert.findings) > FINDINGS_SHOWN:
        findings.append(write("- {}", plural(len(alert.findings) - FINDINGS_SHOWN, "more finding")))
    if findings:
        yield join("\n", findings)
    if alert.message:
        yield write("> {}", inline(alert.message, 1000))
    if alert.hypothesis:
        yield write("> Hypothesis: {}", inline(alert.hypothesis, 1000))


def _provenance(case: Case) -> Section:
    return Section(
        name="Provenance",
        about=Markdown("who, when, commits, data and models"),
        blocks=(provenance_table(case),),
        files=("plan", *(("run",) if case.run else ()), *(("verdict",) if case.verdict else ())),
    )
