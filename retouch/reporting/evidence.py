"""The evidence below the first screen: figures, the shadow comparison, provenance."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from statistics import median

from retouch.alerts.receipt import Provenance
from retouch.gate.holdout import is_day
from retouch.gate.model import Calibration, HoldoutUsed, ModelCalibration, ReliabilityBin
from retouch.gate.shadow_model import (
    Shadow,
    ShadowDay,
    Shift,
    date_range,
    share_text,
    tolerance_text,
)
from retouch.reporting.case import Case
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.figures import CALIBRATION, DRIFT, LOSS_BY_DAY
from retouch.reporting.figures.calibration import finite_calibration, finite_reliability
from retouch.reporting.figures.drift import drift_days
from retouch.reporting.figures.losses import loss_days
from retouch.reporting.layout import Layout
from retouch.reporting.numbers import (
    SPACE,
    UNKNOWN,
    moment,
    number,
    percentage,
    plural,
    signed,
    significant,
)
from retouch.reporting.template import Section, Table, table

MAX_SLICES = 30
SLICES_SHOWN = 12
DAYS_SHOWN = 31
_SLICES = "Where, Rows>, Days>, Production>, **Candidate**>, Shift>, Lower>, Upper>, "
_DAYS = "Day, Rows>, Production>, **Candidate**>, Difference>, Beyond tolerance>"
Row = tuple[Markdown, Markdown, Markdown]


def figure_link(about: Markdown, name: str) -> Markdown:
    """Return the image of a figure; its address is at the end of the report."""
    return write("![{}][{}]", about, Markdown(name.removesuffix(".svg")))


def losses_section(case: Case, figures: Collection[str]) -> Section | None:
    """Return the losses of both models by day; None without the figure."""
    if case.judgement is None or LOSS_BY_DAY not in figures:
        return None
    days = loss_days(case.judgement)
    better = sum(day.candidate < day.production for day in days)
    return Section(
        name="By day",
        about=write("the candidate is better on {} of {}", better, plural(len(days), "day")),
        blocks=(figure_link(write("{} by day, production and candidate", case.loss), LOSS_BY_DAY),),
        files=("verdict",),
        open=True,
    )


def drift(case: Case, figures: Collection[str]) -> Section | None:
    """Return how the alerted column drifted; None without the figure."""
    if case.verdict is None or case.verdict.drift is None or DRIFT not in figures:
        return None
    measured = case.verdict.drift
    before, after = (drift_days(days) for days in (measured.reference, measured.current))
    now = significant(median(day.median for day in after), 4)
    reference = (
        write("{} → ", significant(median(day.median for day in before), 4)) if before else ""
    )
    return Section(
        name="Drift",
        about=write("{}: daily median {}{}", inline(measured.column, 60), reference, now),
        blocks=(
            figure_link(Markdown("The alerted column by day: median and quantile band"), DRIFT),
            write(
                "Column {}, {}: {} in the alert window, {} in the reference window. Each median is"
                " that of the daily medians.",
                code(measured.column),
                inline(measured.where or "all rows"),
                plural(len(after), "day"),
                plural(len(before), "day"),
            ),
        ),
        files=("verdict",),
    )


def calibration(case: Case, figures: Collection[str], layout: Layout) -> Section | None:
    """Return the calibration of both models; None without its figure."""
    if case.judgement is None or CALIBRATION not in figures:
        return None
    bins, slices = finite_reliability(case.judgement), finite_calibration(case.judgement)
    shown = figure_link(Markdown("Calibration of production and candidate"), CALIBRATION)
    about = _distance(bins) if bins else _bias(case, slices[0])
    blocks = (shown, _by_slice(slices, layout)) if slices else (shown,)
    return Section(name="Calibration", about=about, blocks=blocks, files=("verdict",))


def _bias(case: Case, first: Calibration) -> Markdown:
    covers = ""
    if first.production.coverage is not None and first.candidate.coverage is not None:
        ends = (percentage(of.coverage) for of in (first.production, first.candidate))
        covers = write(", coverage {} → {}", *ends)
    return write(
        "bias {} → {} on {}{}",
        significant(first.production.bias),
        case.with_unit(significant(first.candidate.bias)),
        inline(first.where, 60),
        covers,
    )


def _distance(bins: list[ReliabilityBin]) -> Markdown:
    """Return the expected calibration error: |mean score − label| per bin, weighted by rows."""
    off = []
    for model in ("production", "candidate"):
        mine = [one for one in bins if one.model == model]
        rows = sum(one.rows for one in mine)
        gaps = sum(one.rows * abs(one.mean_score - one.mean_label) for one in mine)
        off.append(significant(gaps / rows) if rows else UNKNOWN)
    return write("expected calibration error {} → {}", *off)


def _by_slice(slices: list[Calibration], layout: Layout) -> Table:
    rows: list[tuple[object, ...]] = [
        (
            code(of.where, layout.name) if of.where != "all rows" else Markdown("All rows"),
            f"{of.rows:,}",
            significant(of.production.bias),
            write("**{}**", significant(of.candidate.bias)),
            _coverage(of.production),
            _coverage(of.candidate),
        )
        for of in slices[:MAX_SLICES]
    ]
    if len(slices) > MAX_SLICES:
        more = plural(len(slices) - MAX_SLICES, "more slice")
        rows.append((more, *[UNKNOWN] * 5))
    return table(
        ["Slice", "Rows>", "Bias>", "**Candidate bias**>", "Coverage>",
         "**Candidate coverage**>"],
        rows,
    )  # fmt: skip


def _coverage(of: ModelCalibration) -> Markdown:
    """Return `83.1 % (79.8 % to 86 %)`."""
    if of.coverage is None or of.coverage_lower is None or of.coverage_upper is None:
        return percentage(of.coverage)
    ends = (percentage(of.coverage_lower), percentage(of.coverage_upper))
    return write("{} ({} to {})", percentage(of.coverage), *ends)


_SLICES += "10" + SPACE + "%>, 50" + SPACE + "%>, 90" + SPACE + "%>"


def shadow_about(shadow: Shadow) -> Markdown:
    """Return the summary after the section's name."""
    if shadow.overall is None:
        return Markdown("the score tables cannot be compared")
    return write(
        "{} without labels, {}", plural(shadow.overall.rows, "row"), Markdown(date_range(shadow))
    )


def shadow_blocks(shadow: Shadow) -> tuple[Markdown | Table, ...]:
    """Return the contents: the sentence, the slices, the days, and how to read them."""
    blocks: list[Markdown | Table] = [inline(shadow.message)]
    if shadow.overall is not None:
        blocks += [
            _shifts(shadow, shadow.overall),
            *_more(shadow),
            _shadow_days(shadow),
            _explanation(shadow),
        ]
    return (*blocks, _models(shadow))


def _shifts(shadow: Shadow, overall: Shift) -> Table:
    shown = [overall, *shadow.slices[:SLICES_SHOWN]]
    return table(_SLICES.split(", "), [_shift_row(shift, shadow.decimals) for shift in shown])


def _shift_row(shift: Shift, decimals: int) -> Sequence[object]:
    old, new = shift.production, shift.candidate
    moved = ((old.low, new.low), (old.median, new.median), (old.high, new.high))
    return (
        code(shift.where),
        f"{shift.rows:,}",
        f"{shift.days:,}",
        number(old.mean, decimals),
        write("**{}**", number(new.mean, decimals)),
        signed(shift.mean, decimals),
        signed(shift.lower, decimals),
        signed(shift.upper, decimals),
        *(signed(after - before, decimals) for before, after in moved),
    )


def _more(shadow: Shadow) -> Iterable[Markdown]:
    """Yield what the table leaves out."""
    left_out = []
    if len(shadow.slices) > SLICES_SHOWN:
        left_out.append(
            write("{} in shadow.json", plural(len(shadow.slices) - SLICES_SHOWN, "more slice"))
        )
    if shadow.too_small:
        left_out.append(
            write(
                "{} with fewer than {}",
                plural(shadow.too_small, "slice"),
                plural(shadow.min_rows, "row"),
            )
        )
    if shadow.not_in_table:
        missing = join(", ", map(code, shadow.not_in_table[:12]))
        left_out.append(write("no column {} in the score tables", missing))
    if left_out:
        yield write("Not shown: {}.", join("; ", left_out))


def _shadow_days(shadow: Shadow) -> Table:
    """Return the newest days, oldest first."""

    def row(day: ShadowDay) -> Sequence[object]:
        return (
            day.day,
            f"{day.rows:,}",
            number(day.production, shadow.decimals),
            write("**{}**", number(day.candidate, shadow.decimals)),
            number(day.difference, shadow.decimals),
            Markdown(share_text(day.differing)),
        )

    return table(_DAYS.split(", "), map(row, shadow.days[-DAYS_SHOWN:]))


def _explanation(shadow: Shadow) -> Markdown:
    older = max(0, len(shadow.days) - DAYS_SHOWN)
    return write(
        "These rows have no labels yet: the table shows how far the models differ, not which one is"
        " right. *Shift* is candidate minus production; *lower* and *upper* are its one-sided"
        " bounds by day blocks ({} % each); the last columns are the shifts of the score quantiles."
        " *Difference* is the mean absolute difference between the two scores of a row, at most {};"
        " *beyond tolerance* is the share of rows that differ by more than {}.{}",
        f"{100 * shadow.confidence:g}",
        number(shadow.largest, shadow.decimals),
        inline(tolerance_text(shadow)),
        write(" {} in shadow.json.", plural(older, "earlier day")) if older else "",
    )


def _models(shadow: Shadow) -> Markdown:
    """Return which models were compared, and whether the candidate has seen the rows."""
    models = [
        write(
            "{} {}, which has seen data until {}",
            Markdown(name),
            code(model[:10]),
            UNKNOWN if seen is None else inline(seen, 20),
        )
        for name, model, seen in (
            ("production", shadow.production_model, shadow.production_seen_until),
            ("candidate", shadow.candidate_model, shadow.candidate_seen_until),
        )
    ]
    seen = shadow.candidate_seen_until or ""
    known = is_day(seen) and seen > shadow.start
    note = Markdown(" The candidate has already seen some of these rows.") if known else ""
    return write("Models: {}.{}", join("; ", models), note)


def provenance_table(case: Case) -> Table:
    """Return what identifies the run, each with the document it is recorded in."""
    return table(["What", "Value", "File"], [*_of_plan(case), *_of_run(case), *_of_verdict(case)])


def _provenance_row(what: str, value: Markdown, file: str) -> Row:
    return (Markdown(what), value, Markdown(f"[{file}.json][{file}]"))


def _of_plan(case: Case) -> Iterator[Row]:
    plan = case.plan
    alert = plan.alerts[0]
    ids = join(", ", [code(alert.alert_id) for alert in plan.alerts[:5]])
    more = len(plan.alerts) - 5
    yield _provenance_row("Alert", write("{} and {} more", ids, more) if more > 0 else ids, "plan")
    raised = write("{}, {}", code(alert.monitor), moment(alert.emitted_at))
    yield _provenance_row("Raised by", raised, "plan")
    yield _provenance_row("Confidence", inline(alert.confidence, 100), "plan")
    for proven in plan.provenance[:5]:
        yield _provenance_row("Signature", _signature(proven.provenance), "plan")
    if plan.accepted_by is not None:
        yield _provenance_row("Approved by", inline(plan.accepted_by, 100), "plan")
    if alert.model_version:
        yield _provenance_row("Model named by the alert", code(alert.model_version), "plan")
    yield _provenance_row("Rule", inline(plan.rule or "none matched"), "plan")
    yield _provenance_row("Plan", code(plan.key), "plan")
    yield _provenance_row("Planned", moment(plan.planned_at), "plan")
    yield _provenance_row("Base commit", code(plan.base_commit), "plan")


def _signature(provenance: Provenance) -> Markdown:
    if provenance.verdict != "verified":
        return inline(f"{provenance.verdict}. {' '.join(provenance.reasons)}".strip(), 200)
    return write(
        "verified: key {} of {}, against the policies at {}",
        code(provenance.key_fingerprint or "unknown"),
        code(provenance.principal or "unknown"),
        code((provenance.registry_commit or "unknown")[:12]),
    )


def _of_run(case: Case) -> Iterator[Row]:
    run = case.run
    if run is None:
        return
    times = write("{} to {}", moment(run.started_at), moment(run.finished_at))
    yield _provenance_row("Run", times, "run")
    yield _provenance_row(
        "Runner", write("{}, {}", code(run.runner), plural(run.jobs, "job")), "run"
    )


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
        yield _provenance_row("Hold-out", stretch, "verdict")
        yield _provenance_row("Hold-out digest", code(holdout.digest), "verdict")
        yield _provenance_row("Hold-out use", _use(holdout), "verdict")
        if holdout.learned_rows_compared is not None:
            compared = plural(holdout.learned_rows_compared, "row")
            learned = write("none of its rows is among the {} of training data", compared)
            yield _provenance_row("Overlap", learned, "verdict")
    seen = (
        (holdout.production_seen_until, holdout.candidate_seen_until) if holdout else (None, None)
    )
    yield _provenance_row(
        "Production model", _model(judgement.production_model, seen[0]), "verdict"
    )
    yield _provenance_row("Candidate model", _model(judgement.candidate_model, seen[1]), "verdict")
    yield _provenance_row("Judged", moment(verdict.judged_at), "verdict")


def _use(holdout: HoldoutUsed) -> Markdown:
    """Return `candidate 4 of 10 on this hold-out, each bound at 98.3 % confidence`."""
    confidence = (
        write(", each bound at {} confidence", percentage(holdout.confidence))
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
