"""What is printed: plans, the progress of a run, verdicts, status; no command to a CI runner."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TextIO, cast

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bar
from rich.table import Table

from retouch.engine.run import RunResult
from retouch.engine.status import StageExplanation, Status
from retouch.execution.model import Receipt
from retouch.planning.budget import seconds
from retouch.planning.model import Forecast, Option, Plan, TierPlan, ValueEstimate
from retouch.reporting.escape import plain
from retouch.reporting.numbers import duration, plural
from retouch.reporting.plan import change_text, reason_text

_DECISIONS = {"run": "[bold]run[/]", "may_run": "may run", "reuse": "[dim]reuse[/]"}
_OUTCOMES = {
    "ran": "ran",
    "restored": "restored from the run cache",
    "cut_off": "cut off: its inputs did not change",
    "failed": "FAILED",
    "skipped": "skipped",
}
_VERDICTS = {
    "promote": "[bold green]promote[/]",
    "reject": "[bold red]reject[/]",
    "not_enough_data": "[bold yellow]not enough data[/]",
    "equivalent": "[bold]equivalent[/]",
    "invalid": "[bold red]invalid[/]",
}


def terminal(*, width: int = 140) -> Console:
    """Return the console on stdout; a pipe or a log gets lines longer than a terminal's."""
    console = Console(highlight=False, emoji=False)
    return console if console.is_terminal else Console(width=width, highlight=False, emoji=False)


def table(*headings: str, folded: Iterable[str] = ()) -> Table:
    """Return an empty table without lines; the text in `folded` columns may take several lines."""
    made = Table(box=None, pad_edge=False, padding=(0, 2), show_edge=False)
    for heading in headings:
        made.add_column(heading, header_style="dim", no_wrap=True)
    for heading in folded:
        made.add_column(heading, header_style="dim", overflow="fold")
    return made


def shown(text: str, limit: int = 1000) -> str:
    """Return text that an alert may have a part in: one line, harmless to a terminal."""
    return escape(plain(text, limit))


def print_plan(console: Console, plan: Plan, *, whole: bool) -> None:
    """Print a plan; reused stages are counted, and listed one by one when `whole`."""
    rule = f" [dim]({shown(plan.rule)})[/]" if plan.rule else ""
    for note in plan.touched.notes:
        console.print(f"[yellow]{shown(note)}[/]")
    if not plan.tiers:
        console.print(f"[bold]Nothing to run.[/] {shown(plan.why)}{rule}")
        _print_worth(console, plan.worth)
        return
    for reason in plan.unproven:
        console.print(f"[yellow]Held for review: {shown(reason)}[/]")
    held = "[bold yellow]Held.[/] " if plan.action == "hold" else ""
    console.print(f"{held}{shown(plan.why)}{rule}")
    for number, tier in enumerate(plan.tiers, 1):
        console.print(
            f"\n[bold]Tier {number} of {len(plan.tiers)}: {shown(tier.tier)}[/]. "
            f"{shown(tier.message)}"
        )
        for edit in tier.edits:
            change = change_text(edit.before, edit.after)
            console.print(f"  {shown(edit.file)}: [bold]{shown(edit.key)}[/] {shown(change)}")
        console.print(_stages(tier, whole))
        console.print(f"  {_forecast(tier.forecast)}")
    for skipped in plan.skipped:
        console.print(f"\n[dim]Tier {shown(skipped.tier)} skipped. {shown(skipped.reason)}[/]")
    _print_worth(console, plan.worth)


def _print_worth(console: Console, worth: ValueEstimate | None) -> None:
    """Print both sides of the value rule: what each option is worth, and what it costs."""
    if worth is None:
        return
    console.print(f"\n[bold]Worth it?[/] {shown(worth.message)}")
    options = table("  option", "similar alerts", "chance", "gain", "worth", "cost", "net, CPU")
    for option in worth.options:
        options.add_row(*_option(option))
    console.print(options)


def _option(option: Option) -> tuple[str, ...]:
    amounts = (option.benefit_cpu_seconds, option.cost_cpu_seconds, option.net_cpu_seconds)
    return (
        f"  {shown(option.name)}",
        f"{option.accepted} of {option.episodes} passed" if option.episodes else "–",
        "–" if option.chance is None else f"{option.chance:.0%}",
        "–" if option.gain is None else f"{option.gain:.3g}",
        *("–" if amount is None else seconds(amount) for amount in amounts),
    )


def _stages(tier: TierPlan, whole: bool) -> Table:
    listed = table("  wave", "stage", "decision", folded=("because",))
    for stage in sorted(tier.stages, key=lambda s: (s.wave is None, s.wave or 0)):
        if stage.decision != "reuse" or whole:
            wave = "" if stage.wave is None else f"{stage.wave + 1:6}"
            because = reason_text(stage.because[0])
            if len(stage.because) > 1:
                because += f"; and {len(stage.because) - 1} more"
            listed.add_row(wave, shown(stage.stage), _DECISIONS[stage.decision], shown(because))
    reused = tier.named("reuse")
    if reused and not whole:
        others = f"{len(reused)} others"
        listed.add_row("", others, _DECISIONS["reuse"], "their inputs do not change")
    return listed


def _forecast(forecast: Forecast) -> str:
    if not forecast.full_cpu_seconds:
        return "No run has been recorded yet, so the cost is unknown."
    share = forecast.cpu_seconds / forecast.full_cpu_seconds
    unknown = f", {plural(forecast.unknown, 'stage')} unknown" if forecast.unknown else ""
    return (
        f"Forecast: at most {duration(forecast.cpu_seconds)} of CPU, "
        f"{duration(forecast.wall_seconds)} on {plural(forecast.jobs, 'worker')}{unknown}; "
        f"the full pipeline takes {duration(forecast.full_cpu_seconds)} of CPU ({share:.0%})."
    )


def print_result(console: Console, result: RunResult, *, root: str) -> None:
    """Print the result of a run, and what to do next."""
    report = f"{result.report}".removeprefix(f"{root}/")
    if result.recovered:
        console.print(f"[yellow]Undid an interrupted run: {result.recovered}.[/]")
    if result.plan is None:
        console.print(f"Nothing to do: already handled. Report: {report}/report.md")
        return
    if result.verdict is None:
        why = shown(" ".join(result.plan.unproven) or result.plan.why)
        console.print(f"Held for review: {why} Report: {report}/report.md")
        return
    console.print(
        f"\nVerdict: {_VERDICTS[result.verdict.outcome]}. {shown(result.verdict.message)}"
    )
    kept = result.run is not None and result.run.attempts[-1].kept
    what = "The candidate is in the workspace" if kept else "Changes were rolled back"
    if result.run is not None and result.run.stopped:
        console.print(f"[yellow]{shown(result.run.stopped)}[/]")
    console.print(f"{what}. Report: {report}/report.md")


def print_status(console: Console, status: Status) -> None:
    """Print what is in production, what is open, and what needs attention."""
    label = "HEAD records" if status.versions.newest else "In production"
    made = f"{status.production_hash[:12]} (commit {status.production_commit[:10]})"
    console.print(f"{label}: [bold]{shown(status.model)}[/] {made}")
    for line in status.versions.lines:
        console.print(shown(line), highlight=False)
    if status.interrupted:
        cut = shown(status.interrupted)
        console.print(f"[yellow]A run was interrupted: {cut}. The next `retouch run` undoes it.[/]")
    if (days := status.holdout) is not None:
        judged = f"{plural(days.judged, 'candidate')} judged, at most {days.allowed} for one slice"
        console.print(f"Hold-out {days.start} to {days.end}: {judged}")
    if status.out_of_date:
        names = ", ".join(status.out_of_date[:5])
        console.print(f"[yellow]Out of date: {shown(names)}. To update: `retouch build`.[/]")
    alerts = table(folded=("alert", "kind", "state", ""))
    for alert in status.alerts:
        alerts.add_row(alert.alert_id, alert.kind, alert.state, shown(alert.message))
    console.print(alerts if status.alerts else "No alerts.")


class ProgressLines:
    """One plain line per event: for CI and for logs."""

    def __init__(self, console: Console, _wall: Mapping[str, float]) -> None:
        """ProgressLines show no time left, so `_wall` is not used."""
        self._console = console
        self._began = time.monotonic()

    def __enter__(self) -> ProgressLines:
        """Nothing to set up."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to tear down."""

    def planned(self, stages: Iterable[str]) -> None:
        """Print nothing: each stage has a line of its own."""

    def started(self, stage: str) -> None:
        """Print that a stage has started."""
        self._print(stage, "started")

    def finished(self, receipt: Receipt) -> None:
        """Print the result of a stage."""
        took = f" in {duration(receipt.wall_seconds)}" if receipt.wall_seconds else ""
        self._print(receipt.stage, f"{_OUTCOMES[receipt.outcome]}{took}")

    def _print(self, stage: str, what: str) -> None:
        elapsed = time.monotonic() - self._began
        self._console.print(f"{elapsed:7.1f} s  {stage}: {what}", highlight=False, markup=False)


class ProgressBar:
    """A bar with the time left, estimated from earlier runs; for a terminal."""

    def __init__(self, console: Console, wall: Mapping[str, float]) -> None:
        """`wall`: seconds each stage took when it last ran."""
        self._wall = wall
        self._console = console
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._waiting: set[str] = set()
        self._running: dict[str, float] = {}

    def __enter__(self) -> ProgressBar:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the bar."""
        self._bar.stop()

    def planned(self, stages: Iterable[str]) -> None:
        """Start a new bar over these stages."""
        self._waiting = set(stages)
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task("", total=len(self._waiting), left="")

    def started(self, stage: str) -> None:
        """Show the stage as running."""
        self._running[stage] = time.monotonic()
        self._show(advance=0)

    def finished(self, receipt: Receipt) -> None:
        """Print the stage's result above the bar and advance the bar."""
        self._running.pop(receipt.stage, None)
        self._waiting.discard(receipt.stage)
        took = f" [dim]{duration(receipt.wall_seconds)}[/]" if receipt.wall_seconds else ""
        what = _OUTCOMES[receipt.outcome]
        self._console.print(f"  {shown(receipt.stage)}: {what}{took}", highlight=False)
        self._show(advance=1)

    def _show(self, advance: int) -> None:
        if self._task is None:
            return
        known = [self._wall[stage] for stage in self._waiting if stage in self._wall]
        seconds = sum(known) / max(1, len(self._running))
        left = f"about {duration(seconds)} left" if known else ""
        names = ", ".join(sorted(self._running))
        self._bar.update(self._task, advance=advance, description=shown(names), left=left)


def print_stage(console: Console, stage: StageExplanation) -> None:
    """Print what a stage works on, and whether and why it would run."""
    console.print(f"[bold]{shown(stage.stage)}[/]  {shown(stage.desc or '')}")
    meta = stage.meta
    if meta is None:
        console.print("  No meta.retouch: an alert affects it only if its slice is widened.")
    else:
        part = ", ".join(f"{key} = {value}" for key, value in meta.partition.items()) or "all data"
        console.print(f"  module {shown(meta.module or 'not declared')}, works on {shown(part)}")
        console.print(f"  datasets: {shown(', '.join(meta.datasets) or 'none directly')}")
        console.print(f"  columns: {shown(', '.join(meta.columns) or 'not declared')}")
    console.print(f"  upstream: {shown(', '.join(stage.upstream) or 'none')}")
    console.print(f"  downstream: {shown(', '.join(stage.downstream) or 'none')}")
    if stage.cost is not None:
        cpu, wall = duration(stage.cost.cpu_seconds), duration(stage.cost.wall_seconds)
        console.print(f"  takes {cpu} of CPU, {wall}")
    for label, decided in stage.decisions:
        because = "; ".join(reason_text(reason) for reason in decided.because)
        decision = _DECISIONS[decided.decision]
        console.print(f"  {shown(label)}: {decision}, because {shown(because)}")


# A line that begins with `::add-mask::` or `::set-output ...`, or that has `##[...]` anywhere, is a
# command to the runner of GitHub Actions. Alerts, branches and stages may bring such text.
_WORKFLOW_COMMAND = re.compile(r"(?:(?<=[\n\r])|\A)(?P<start>\s*:):|(?<=##)\[")


@contextmanager
def harmless_log(environment: Mapping[str, str]) -> Iterator[None]:
    """Print no command to the runner while this lasts; outside of GitHub Actions nothing changes.

    The character that makes one is shown as JSON escapes it, so that printed JSON stays the same.
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        yield
        return
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, _Harmless(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Harmless:
    """A stream of text without commands, also such as come in parts."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line = ""
        """What of the line so far could be the beginning of a command."""

    def write(self, text: str) -> int:
        joined = self._line + text
        harmless = _WORKFLOW_COMMAND.sub(_escaped, joined)
        last = re.split(r"[\n\r]", joined)[-1].lstrip()
        before, self._line = self._line, last if last in ("", ":") else f"x{last[-2:]}"
        self._stream.write(harmless[len(before) :])
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _escaped(found: re.Match[str]) -> str:
    return "\\u005b" if found["start"] is None else f"{found['start']}\\u003a"
