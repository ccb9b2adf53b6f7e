"""The committed JSON Schemas are those of the models, and what is committed fits them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from retouch.alerts.parse import parse_alert
from retouch.alerts.receipt import Receipt
from retouch.errors import InputError
from retouch.execution.model import Run
from retouch.gate.model import Verdict
from retouch.gate.shadow_model import Shadow
from retouch.planning.model import Plan

ROOT = Path(__file__).parents[1]
WRITTEN_BY_RETOUCH = {
    "receipt": Receipt,
    "plan": Plan,
    "run": Run,
    "shadow": Shadow,
    "verdict": Verdict,
}


def test_committed_schemas_are_those_of_the_models(tmp_path):
    # A process of its own: descriptions are read only when switched on before the models load.
    subprocess.run(
        [sys.executable, "-m", "retouch.cli.schemas", str(tmp_path)], cwd=ROOT, check=True
    )
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text() for path in (ROOT / "schemas").iterdir()}
    assert made == committed, "run `make schemas`"


def test_every_field_of_every_schema_of_ours_says_what_it_is_or_has_a_telling_name():
    for path in (ROOT / "schemas").iterdir():
        assert '"description"' in path.read_text(), path.name


def _fits(name: str, document: object) -> bool:
    schema = json.loads((ROOT / f"schemas/{name}.schema.json").read_text())
    return Draft202012Validator(schema).is_valid(document)


def _committed() -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / "alerts").glob("*.json")):
        yield "receipt" if path.name.endswith(".receipt.json") else "alert", path
    for name in ("monitors", "promotion", "retraining", "silences"):
        yield name, ROOT / f"policies/{name}.yaml"
    for path in sorted((ROOT / "reports").glob("[0-9]*/*.json")):
        yield path.stem, path


@pytest.mark.parametrize(("name", "path"), list(_committed()), ids=lambda value: str(value))
def test_what_is_committed_fits_its_schema(name: str, path: Path):
    """What has former keys is read and written again first (decision 20)."""
    text = path.read_text()
    if name in WRITTEN_BY_RETOUCH:
        text = WRITTEN_BY_RETOUCH[name].model_validate_json(text).to_json()
    read = yaml.safe_load if path.suffix == ".yaml" else json.loads
    assert _fits(name, read(text))


def test_every_policy_names_its_schema_for_editors():
    for path in (ROOT / "policies").glob("*.yaml"):
        first = path.read_text().splitlines()[0]
        assert first == f"# yaml-language-server: $schema=../schemas/{path.stem}.schema.json"


ALERT = {
    "schema_version": "1.0",
    "alert_id": "01J1Q5T7M0A1B2C3D4E5F6G7H8",
    "kind": "manual",
    "model": "m",
    "monitor": {"id": "by-hand"},
    "slice": {"current": {"dataset": "rows"}},
    "emitted_at": "2013-07-01T06:00:00Z",
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"emitted_at": "2013-07-01T06:00:00"},
        {"emitted_at": "yesterday"},
        {"confidence": {"score": 0.5}},
        {"confidence": {"score": 0.5, "basis": "none"}},
        {"confidence": {"basis": "vote"}},
        {"slice": {"current": {"dataset": "rows"}, "where": [{"column": "a", "value": ["b"]}]}},
        {"slice": {"current": {"dataset": "../rows"}}},
        {"surprise": 1},
    ],
    ids=str,
)
def test_a_schema_refuses_what_the_reader_refuses(wrong: dict[str, object]):
    assert _fits("alert", ALERT)
    assert not _fits("alert", ALERT | wrong)
    with pytest.raises(InputError):
        parse_alert(json.dumps(ALERT | wrong).encode(), "x.json")


def test_a_silence_of_everything_and_a_registry_without_a_version_fit_no_schema():
    said = {"name": "a", "why": "b", "author": "c", "match": {"dataset": "rows"}}
    silence = said | {"starts": "2026-12-01T00:00:00Z", "ends": "2026-12-08T00:00:00Z"}
    assert _fits("silences", {"version": 1, "silences": [silence]})
    assert not _fits("silences", {"version": 1, "silences": [silence | {"match": {}}]})
    assert not _fits("monitors", {"monitors": {}})
