"""Filing: everything of one report in its folder, nothing of an earlier one, the verdict last."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pandas as pd
import pytest

from retouch.alerts.model import Alert
from retouch.engine.report_files import alerted_drift, file_report, promised_coverage
from retouch.pipeline.model import Output, Pipeline, Stage, StageMeta
from retouch.policy.promotion import Promotion
from retouch.system import files
from tests.reporting.cases import held, promote
from tests.reporting.documents import ALERT_ID
from tests.reporting.verdict_cases import calibrated, halted, shadow

EMITTED = datetime(2013, 7, 1, tzinfo=timezone(timedelta(hours=-4)))


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_report_has_its_documents_and_its_figures(tmp_path):
    plan, run, verdict = calibrated()
    promised = verdict.model_copy(update={"promised_coverage": 0.9})
    folder = file_report(tmp_path, plan, run, promised, shadow())
    assert names(folder) == {
        "report.md", "plan.json", "run.json", "verdict.json", "shadow.json",
        "loss-by-day.svg", "slices.svg", "calibration.svg",
    }  # fmt: skip
    text = (folder / "report.md").read_text()
    for name in names(folder) - {"report.md"}:
        assert f"]: {name}\n" in text
    assert "nominal" in (folder / "calibration.svg").read_text()
    assert json.loads((folder / "shadow.json").read_text())["outcome"] == "compared"


def test_a_halted_run_leaves_an_incident_and_the_report_points_to_it(tmp_path):
    folder = file_report(tmp_path, *halted())
    assert "# Incident" in (folder / "incident.md").read_text()
    assert "[incident]: incident.md\n" in (folder / "report.md").read_text()


def test_what_an_earlier_report_left_is_gone(tmp_path):
    folder = file_report(tmp_path, *halted())
    (folder / "figure.svg").write_text("<svg/>")
    (folder / "notes.md").write_text("a person's")
    file_report(tmp_path, *promote())
    assert names(folder) == {
        "report.md", "plan.json", "run.json", "verdict.json", "loss-by-day.svg", "slices.svg",
        "notes.md",
    }  # fmt: skip
    file_report(tmp_path, *held())
    assert not [name for name in names(folder) if name.endswith(".svg")]


def test_the_same_documents_are_filed_as_the_same_bytes(tmp_path):
    first = file_report(tmp_path / "a", *halted())
    second = file_report(tmp_path / "b", *halted())
    assert names(first) == names(second)
    assert all((first / n).read_bytes() == (second / n).read_bytes() for n in names(first))


def test_the_verdict_is_written_last(tmp_path):
    """Whatever a killed run leaves, a verdict stands beside everything else."""
    folder = file_report(tmp_path, *halted())
    ages = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert ages[-1].name == "verdict.json"
    assert ages.index(folder / "incident.md") < ages.index(folder / "report.md")


def alert(**slice_):
    values = {
        "columns": ["x"],
        "current": {"dataset": "flights", "window": {"start": "2013-06-03T00:00:00-04:00",
                                                     "end": "2013-06-05T00:00:00-04:00"}},
    } | slice_  # fmt: skip
    return Alert.model_validate({
        "schema_version": "1.0", "alert_id": ALERT_ID, "kind": "data_drift", "model": "m",
        "monitor": {"id": "m"}, "slice": values, "emitted_at": EMITTED,
    })  # fmt: skip


def stage(name, module, *paths, **partition):
    return Stage(
        name=name,
        cmd="x",
        outputs=tuple(Output(path=path, recorded=None) for path in paths),
        meta=StageMeta(module=module, datasets=("flights",), partition=partition),
    )


def table(path, value, column="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    days = ["2013-06-03", "2013-06-04"]
    pd.DataFrame({"day": days, column: [value, value]}).to_parquet(path)


def medians(drift):
    return drift and {day.median for day in drift.current}


def test_the_column_is_read_where_the_alert_says_its_data_is(tmp_path):
    table(tmp_path / "raw/a.parquet", 1.0)
    table(tmp_path / "elsewhere/a.parquet", 2.0)
    current = alert().slice.current.model_copy(update={"path": "elsewhere"})
    there = alert(current=current.model_dump())
    pipeline = Pipeline(stages=(stage("ingest", "ingest", "raw"),))
    assert medians(alerted_drift(tmp_path, pipeline, there, "day")) == {2.0}
    assert medians(alerted_drift(tmp_path, pipeline, alert(), "day")) == {1.0}
    gone = alert(current=current.model_copy(update={"path": "gone"}).model_dump())
    assert alerted_drift(tmp_path, pipeline, gone, "day") is None


def test_the_first_module_that_has_the_column_counts(tmp_path):
    table(tmp_path / "raw/a.parquet", 1.0, column="other")
    table(tmp_path / "features/a.parquet", 3.0)
    table(tmp_path / "windows/a.parquet", 4.0)
    stages = (
        stage("ingest", "ingest", "raw"),
        stage("features", "features", "features", "not-there"),
        stage("window", "window", "windows"),
    )
    assert medians(alerted_drift(tmp_path, Pipeline(stages=stages), alert(), "day")) == {3.0}


def test_only_the_alerted_part_is_read_and_named(tmp_path):
    table(tmp_path / "EWR.parquet", 1.0)
    table(tmp_path / "JFK.parquet", 9.0)
    pipeline = Pipeline(
        stages=tuple(stage(o, "ingest", f"{o}.parquet", origin=o) for o in ("EWR", "JFK"))
    )
    of_jfk = alert(where=[{"column": "origin", "value": "JFK"}])
    drift = alerted_drift(tmp_path, pipeline, of_jfk, "day")
    assert (medians(drift), drift.where) == ({9.0}, "origin = JFK")
    drift = alerted_drift(tmp_path, pipeline, alert(), "day")
    assert (medians(drift), drift.where) == ({5.0}, "all rows")


@pytest.mark.parametrize(
    "changed",
    [{"columns": []}, {"columns": ["nowhere"]}, {"current": {"dataset": "flights"}},
     {"current": {"dataset": "weather"}}],
)  # fmt: skip
def test_without_a_column_a_window_or_data_there_is_no_drift(tmp_path, changed):
    table(tmp_path / "raw/a.parquet", 1.0)
    pipeline = Pipeline(stages=(stage("ingest", "ingest", "raw"),))
    assert alerted_drift(tmp_path, pipeline, alert(**changed), "day") is None


def test_reading_a_column_writes_nothing(tmp_path):
    table(tmp_path / "raw/a.parquet", 1.0)
    before = files.size_of(tmp_path)
    alerted_drift(tmp_path, Pipeline(stages=(stage("i", "i", "raw"),)), alert(), "day")
    assert files.size_of(tmp_path) == before


def test_the_promised_coverage_is_what_the_first_guardrail_says():
    """Of a policy without one there is none."""
    base = {
        "version": 1,
        "model": "m",
        "score": {"cmd": "x {model} {from} {until} {out}", "lower": "lo", "upper": "hi"},
        "holdout": {
            "days": 3,
            "clock": {"key": "k"},
            "seen_until_file": "a",
            "seen_until_key": "b",
        },
        "limits": {"loss": "absolute_error", "overall_margin": 1, "slice_margin": 1},
    }
    assert promised_coverage(Promotion.model_validate(base)) is None
    named = {"name": "Intervals hold what they promise", "why": "People plan by them.",
             "kind": "calibration", "coverage": 0.9, "coverage_off_by_at_most": 0.05}  # fmt: skip
    assert promised_coverage(Promotion.model_validate(base | {"guardrails": [named]})) == 0.9
