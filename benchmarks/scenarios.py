"""Answers on real data: a cheap tier suffices, must escalate, harms some; all are refused.

Each is an alert of 2013, answered by `retouch run` in a copy of this repository set to that day,
with the model as it was first built. What the gate could not know is measured afterwards: how every
candidate, kept or not, does on the half-month that follows.

The scenarios were chosen after all clocks, slices and tiers had been looked at: they show what
happens, not how often.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.worlds import (
    HALF_MONTH,
    REFERENCE,
    Answered,
    Bench,
    World,
    days_after,
    whole_year,
)
from retouch.system import files

RESULTS = Path("reports/benchmarks")
DECIMALS = 2


@dataclass(frozen=True)
class Scenario:
    """One alert, raised on one day."""

    name: str
    shows: str
    clock: str
    column: str
    """`region` or `origin`."""
    value: str
    watched: str | None = None
    """A subgroup to follow, as `column=value` of the score table."""

    @property
    def where(self) -> str:
        """The slice in words."""
        return f"{self.column} = {self.value}"


SCENARIOS = (
    Scenario("cheap-suffices", "The cheap tier is enough", "2013-09-16", "region", "central"),
    Scenario("escalates", "The cheap tier is not enough", "2013-07-01", "region", "central"),
    Scenario(
        "harms-a-subgroup",
        "The cheap tier passes overall and harms the Caribbean",
        "2013-09-01",
        "region",
        "south",
        watched="caribbean",
    ),
    Scenario("all-refused", "Every tier is rightly refused", "2013-08-01", "region", "west"),
    Scenario("passes-by-itself", "The trouble ends by itself", "2013-05-01", "origin", "LGA"),
)
CARIBBEAN = ("SJU", "BQN", "STT", "PSE")
"""Destinations."""


def measure() -> Iterator[dict[str, Any]]:
    """Answer every alert, copy its report, and yield the figures so far after each."""
    bench = Bench.fresh("scenarios")
    after = whole_year(bench)
    found: list[dict[str, Any]] = []
    for scenario in SCENARIOS:
        found.append(_scenario(scenario, bench, after))
        yield {"machine": {"python": platform.python_version()}, "scenarios": found}


def _scenario(scenario: Scenario, bench: Bench, after: World) -> dict[str, Any]:
    world = bench.copy(scenario.name, scenario.clock)
    built = world.build()
    answered = world.answer(alert_on_slice(world, scenario.column, scenario.value))
    _copy_report(answered, RESULTS / "scenarios" / scenario.name)
    return {
        "name": scenario.name,
        "shows": scenario.shows,
        "clock": scenario.clock,
        "slice": scenario.where,
        "outcome": outcome_of(answered),
        "kept": answered.kept,
        "message": said_of(answered),
        "tiers": list(tiers_tried(answered)),
        "run_cpu_seconds": answered.cost.cpu_seconds,
        "build_cpu_seconds": built.cpu_seconds,
        "half_month_after": _afterwards(scenario, answered, after),
    }


def alert_on_slice(world: World, column: str, value: str) -> dict[str, Any]:
    """Say what a monitor of the error would: the newest half-month against the reference."""
    start, window = days_after(world.clock, -HALF_MONTH), {}
    for name, days in (("reference", REFERENCE), ("current", (start, world.clock))):
        scores = world.scores(Path("models/bundle"), *days)
        window[name] = scores[scores[column] == value]
    before, now = (window[name]["loss"].mean() for name in ("reference", "current"))
    label = "air_time" if column == "region" else "taxi"
    return {
        "kind": "concept_drift",
        "severity": "critical",
        "monitor": "error-by-carrier",
        "dataset": "flights",
        "window": [start, world.clock],
        "rows": len(window["current"]),
        "reference": {"dataset": "flights", "window": _window(*REFERENCE)},
        "columns": [label],
        "where": {column: value},
        "findings": [
            {
                "metric": "mean_absolute_error",
                "column": label,
                "value": round(float(now), DECIMALS),
                "upper": round(float(before) * 1.08, DECIMALS),
                "breach_when": "gt",
            }
        ],
        "message": f"The error of the block time where {column} is {value} is {now:.1f} minutes, "
        f"against {before:.1f} in the first half of April.",
    }


def outcome_of(answered: Answered) -> str:
    """Return the verdict's outcome; `held` when nothing was run, `failed` when a stage did."""
    if answered.run is None:
        return "held"
    return answered.verdict.outcome if answered.verdict else "failed"


def said_of(answered: Answered) -> str:
    """Return the sentence it stands on, and why tiers were left untried, if any were."""
    message = answered.verdict.message if answered.verdict else answered.plan.why
    stopped = answered.run.stopped if answered.run else None
    return f"{message} {stopped}" if stopped else message


def tiers_tried(answered: Answered) -> Iterator[dict[str, Any]]:
    """Yield every attempt with its cost, its numbers and what it failed."""
    judged = {j.tier: j for j in answered.verdict.judgements} if answered.verdict else {}
    for attempt in answered.run.attempts if answered.run else ():
        judgement = judged.get(attempt.tier)
        checks = judgement.checks if judgement else ()
        yield {
            "tier": attempt.tier,
            "kept": attempt.kept,
            "outcome": judgement.outcome if judgement else "failed",
            "message": judgement.message if judgement else None,
            "model": judgement.candidate_model if judgement else None,
            "cpu_seconds": round(attempt.cpu_seconds, DECIMALS),
            "ran": len(attempt.named("ran")),
            "restored": len(attempt.named("restored")),
            "checks": [_numbers(check) for check in checks if _worth_showing(check)],
            "guardrails": [
                {"name": g.name, "mode": g.mode, "result": g.result, "message": g.message}
                for g in (judgement.guardrails if judgement else ())
            ],
        }


def _worth_showing(check: Any) -> bool:
    return check.name in ("overall", "alerted slice", "restored") or check.result == "fail"


def _numbers(check: Any) -> dict[str, Any]:
    numbers = ("production", "candidate", "gain", "gain_lower", "gain_upper", "limit")
    return {"name": check.name, "result": check.result, "rows": check.rows} | {
        key: value if value is None else round(value, DECIMALS)
        for key in numbers
        if (value := getattr(check, key)) is not None or key == "gain"
    }


def _afterwards(scenario: Scenario, answered: Answered, after: World) -> dict[str, Any]:
    """Return the mean loss of every candidate on the half-month after the alert."""
    days = (scenario.clock, days_after(scenario.clock, HALF_MONTH))
    judgements = answered.verdict.judgements if answered.verdict else ()
    models = {judgement.tier: judgement.candidate_model for judgement in judgements}
    if judgements:
        models = {"never": judgements[0].production_model, **models}
    return {
        name: _losses(after.scores(after.bundle(digest), *days), scenario)
        for name, digest in models.items()
    }


def _losses(scores: pd.DataFrame, scenario: Scenario) -> dict[str, float]:
    slice_ = scores[scores[scenario.column] == scenario.value]
    found = {"all": scores["loss"].mean(), "slice": slice_["loss"].mean()}
    if scenario.watched:
        found[scenario.watched] = scores.loc[scores["dest"].isin(CARIBBEAN), "loss"].mean()
    return {name: round(float(loss), DECIMALS) for name, loss in found.items()}


def _window(start: str, end: str) -> dict[str, str]:
    return {"start": f"{start}T00:00:00Z", "end": f"{end}T00:00:00Z"}


def _copy_report(answered: Answered, place: Path) -> None:
    """Copy the report with what it links to; the alert lies beside it here."""
    files.remove(place)
    for path in sorted(answered.folder.rglob("*")):
        if path.is_file():
            files.copy(path, place / path.relative_to(answered.folder))
    alert = f"{answered.alert.alert_id}.json"
    files.copy(answered.folder.parents[1] / "alerts" / alert, place / "alert.json")
    report = place / "report.md"
    files.write_text(report, files.read_text(report).replace(f"../../alerts/{alert}", "alert.json"))


def show(result: dict[str, Any]) -> str:
    """Return the figures as a page of Markdown."""
    lines = [
        "# Four kinds of answers, on real data",
        "",
        "Made by `python -m benchmarks scenarios`: alerts of 2013, answered by `retouch run` with "
        "the model as first built. Losses are mean absolute errors in minutes. *After* is the "
        "half-month that followed, which the gate could not see. The scenarios were chosen after "
        "looking at all clocks, slices and tiers: they show what happens, not how often.",
    ]
    for each in result["scenarios"]:
        lines += ["", *_section(each)]
    return "\n".join(lines) + "\n"


def _section(scenario: dict[str, Any]) -> list[str]:
    name = scenario["name"]
    after = scenario["half_month_after"]
    extra = [key for key in next(iter(after.values()), {}) if key not in ("all", "slice")]
    heads = ["Tier", "Outcome", "Slice before", "Slice with it", "Gain, bounds", "CPU s", "After"]
    heads += [f"After, {key}" for key in extra]
    never = after.get("never", {})
    rows = [
        ["*never*", "", "", "", "", "", *(str(never.get(key, "")) for key in ("slice", *extra))],
        *(_row(tier, after.get(tier["tier"], {}), extra) for tier in scenario["tiers"]),
    ]
    return [
        f"## {scenario['shows']}: {scenario['slice']}, {scenario['clock']}",
        "",
        f"**{scenario['outcome']}**, kept: {scenario['kept'] or 'nothing'}. {scenario['message']} "
        f"([report](scenarios/{name}/report.md); the whole run took "
        f"{scenario['run_cpu_seconds']:.0f} s of CPU)",
        "",
        *table(heads, rows),
        "",
        *(f"- {tier['tier']}: {tier['message']}" for tier in scenario["tiers"]),
        *_guardrail_lines(scenario["tiers"]),
    ]


def _row(tier: dict[str, Any], after: dict[str, Any], extra: Sequence[str]) -> list[str]:
    slices = [check for check in tier["checks"] if check["name"] == "alerted slice"]
    numbers = slices[0] if slices else {}
    gain = "{gain:+} [{gain_lower:+}, {gain_upper:+}]".format(**numbers) if numbers else ""
    return [
        tier["tier"],
        tier["outcome"].replace("_", " "),
        str(numbers.get("production", "")),
        str(numbers.get("candidate", "")),
        gain,
        f"{tier['cpu_seconds']:.0f}",
        *(str(after.get(key, "")) for key in ("slice", *extra)),
    ]


def _guardrail_lines(tiers: Sequence[dict[str, Any]]) -> Iterator[str]:
    for tier in tiers:
        for found in tier["guardrails"]:
            if found["result"] != "pass":
                which = f"{tier['tier']}, guardrail {found['name']} ({found['mode']})"
                yield f"- {which}: {found['message']}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table of Markdown, line by line."""
    return [f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *rows)]


def main() -> None:
    """Measure, print, and write the figures down, after each scenario what there is."""
    for result in measure():
        files.write_text(RESULTS / "scenarios.json", json.dumps(result, indent=2) + "\n")
        files.write_text(RESULTS / "scenarios.md", show(result))
        last = result["scenarios"][-1]
        sys.stdout.write(f"{last['name']}: {last['outcome']}, kept: {last['kept']}\n")
        sys.stdout.flush()
