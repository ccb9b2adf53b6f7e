"""`retouch alert import`: a monitor's file becomes alert files, or one sentence."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from retouch.alerts.parse import parse_alert
from tests.toy_project import Toy

SAMPLES = Path(__file__).parents[1] / "adapters/samples"
EVIDENTLY = SAMPLES / "evidently_datadrift_report.json"
CONTEXT = """
monitor: daily
dataset: rows
path: data/rows.csv
digest: md5:0123456789abcdef0123456789abcdef
window: ["2024-02-01", "2024-03-01"]
zone: America/New_York
emitted_at: "2024-03-01T06:00:00Z"
"""


@pytest.fixture
def context(tmp_path: Path) -> str:
    path = tmp_path / "context.yaml"
    path.write_text(CONTEXT)
    return str(path)


def alerts_of(toy: Toy) -> list[Path]:
    return sorted((toy.root / "alerts").glob("*.json")) if (toy.root / "alerts").exists() else []


def test_a_report_becomes_an_alert_about_this_project_s_model(toy: Toy, context: str):
    told = toy.retouch(
        "alert", "import", "--from", "evidently", str(EVIDENTLY), "--context", context
    )
    assert told.code == 0, told
    (path,) = alerts_of(toy)
    alert = parse_alert(path.read_bytes(), str(path))
    assert (alert.kind, alert.model, alert.monitor.id) == ("data_drift", "means", "daily")
    assert alert.slice.current.dataset == "rows"
    assert alert.slice.columns
    assert toy.retouch("alert", "check", str(path)).code == 0


def test_the_output_s_own_model_is_stronger_than_this_project_s(toy: Toy, context: str):
    sample = SAMPLES / "alertmanager_webhook_v4.json"
    args = ("alert", "import", "--from", "alertmanager", str(sample), "--context", context)
    assert toy.retouch(*args).code == 0
    assert {parse_alert(path.read_bytes(), "").model for path in alerts_of(toy)} == {"late-v1"}


def test_the_same_report_twice_is_the_same_alert(toy: Toy, context: str):
    args = ("alert", "import", "--from", "evidently", str(EVIDENTLY), "--context", context)
    toy.retouch(*args)
    before = [path.read_bytes() for path in alerts_of(toy)]
    told = toy.retouch(*args)
    assert told.code == 0
    assert "(already exists)" in told.out
    assert [path.read_bytes() for path in alerts_of(toy)] == before


def test_the_repository_s_name_becomes_the_audience(toy: Toy, context: str):
    args = ("alert", "import", "--from", "evidently", str(EVIDENTLY), "--context", context)
    told = toy.retouch(*args, "--audience", "acme/toy", "--print")
    assert json.loads(told.out)["audience"] == "acme/toy"
    assert alerts_of(toy) == []


def test_output_may_come_through_a_pipe(toy: Toy, context: str, monkeypatch: pytest.MonkeyPatch):
    piped = io.TextIOWrapper(io.BytesIO(EVIDENTLY.read_bytes()))
    monkeypatch.setattr(sys, "stdin", piped)
    told = toy.retouch("alert", "import", "--from", "evidently", "-", "--context", context)
    assert told.code == 0, told
    assert len(alerts_of(toy)) == 1


def test_what_neither_output_nor_context_says_is_listed(toy: Toy):
    told = toy.retouch("alert", "import", "--from", "evidently", str(EVIDENTLY))
    assert told.code == 2
    for missing in ("monitor", "dataset", "digest", "window"):
        assert f"{missing} (" in told.err
    assert "model (" not in told.err  # the policy says it
    assert alerts_of(toy) == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--from", "evidentely"), "--from 'evidentely': unknown tool; did you mean"),
        (("--from", "mapping"), "--from mapping, --mapping: must be given together"),
        (("--from", "evidently", "--mapping", "m.yaml"), "--from mapping, --mapping: must be"),
        (("--from", "evidently", "--context", "none.yaml"), "none.yaml: there is no such file."),
        (("--from", "soda"), "is this"),
    ],
)
def test_wrong_options_are_one_sentence(toy: Toy, args: tuple[str, ...], message: str):
    told = toy.retouch("alert", "import", str(EVIDENTLY), *args)
    assert told.code == 2
    assert message in told.err
    assert "Traceback" not in told.err
    assert alerts_of(toy) == []


@pytest.mark.parametrize("name", ["great_expectations", "Great Expectations", "GREAT-EXPECTATIONS"])
def test_the_name_of_a_tool_may_be_written_as_people_write_it(toy: Toy, context: str, name: str):
    sample = SAMPLES / "great_expectations_checkpoint.json"
    told = toy.retouch("alert", "import", "--from", name, str(sample), "--context", context)
    assert told.code == 0, told
    assert alerts_of(toy)


def test_an_alert_that_is_there_with_other_content_is_never_overwritten(toy: Toy, context: str):
    args = ("alert", "import", "--from", "evidently", str(EVIDENTLY), "--context", context)
    toy.retouch(*args)
    (path,) = alerts_of(toy)
    path.write_text(path.read_text().replace("warning", "critical").replace("}", "} ", 1))
    changed = path.read_bytes()
    told = toy.retouch(*args)
    assert told.code == 2
    assert "exists with other content" in told.err
    assert path.read_bytes() == changed


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "9" * 100_000, "[" * 100_000, '{"metrics": [NaN]}', "\ufeff{}"],
    ids=["empty", "open", "list", "null", "digits", "deep", "nan", "bom"],
)
def test_output_that_is_none_is_one_sentence(toy: Toy, context: str, tmp_path: Path, text: str):
    path = tmp_path / "report.json"
    path.write_text(text)
    told = toy.retouch("alert", "import", "--from", "evidently", str(path), "--context", context)
    assert told.code == 2
    assert len(told.err.strip().splitlines()) == 1, told.err
    assert alerts_of(toy) == []


def test_a_report_of_more_than_five_megabytes_is_refused(toy: Toy, context: str, tmp_path: Path):
    path = tmp_path / "report.json"
    path.write_bytes(b" " * 5_000_001)
    told = toy.retouch("alert", "import", "--from", "evidently", str(path), "--context", context)
    assert told.code == 2
    assert "is larger than the 5,000,000 bytes allowed" in told.err


def test_a_quiet_report_says_so_and_closes_what_is_open_when_asked(
    toy: Toy, context: str, tmp_path: Path
):
    sample = tmp_path / "quiet.json"
    sample.write_text(EVIDENTLY.read_text().replace('"FAIL"', '"SUCCESS"'))
    args = ("alert", "import", "--from", "evidently", str(sample), "--context", context)
    told = toy.retouch(*args)
    assert (told.code, alerts_of(toy)) == (0, [])
    assert "no alert to raise" in told.out
    told = toy.retouch(*args, "--resolved")
    assert told.code == 0
    assert [parse_alert(p.read_bytes(), "x").status for p in alerts_of(toy)] == ["resolved"]


def test_a_mapping_reads_what_no_adapter_knows(toy: Toy, context: str):
    mapping = Path(__file__).parents[1] / "adapters/mappings/home_made.yaml"
    sample = SAMPLES / "mapping_home_made.json"
    told = toy.retouch(
        *("alert", "import", "--from", "mapping", "--mapping", str(mapping)),
        *(str(sample), "--context", context),
    )
    assert told.code == 0, told
    assert alerts_of(toy)


def test_alerts_may_be_written_to_another_folder(toy: Toy, context: str, tmp_path: Path):
    args = ("alert", "import", "--from", "evidently", str(EVIDENTLY), "--context", context)
    told = toy.retouch(*args, "--out", str(tmp_path / "out"))
    assert told.code == 0
    assert len(list((tmp_path / "out").iterdir())) == 1
    assert alerts_of(toy) == []
