"""The list of all contracts: none changes without a new version."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from stages.common.command import StageError
from stages.common.documents import CALIBRATOR, METRICS, Document, read_document, write_document
from stages.registry import CONTRACTS, DOCUMENTS, listed
from tests.stages.conftest import ROOT, Pipeline

LIST = ROOT / "tests/stages/contracts.json"
CALIBRATED = {"bias": 1.5, "below": 20.0, "above": 30.0, "coverage": 0.9, "flights": 12}


def test_a_contract_that_changed_has_a_new_version_and_the_list_says_so() -> None:
    known, current = json.loads(LIST.read_text()), json.loads(json.dumps(listed()))
    advice = "then run `python -m stages.registry > tests/stages/contracts.json`"
    for name in known.keys() & current.keys():
        if known[name] != current[name] or [*known[name].values()] != [*current[name].values()]:
            raised = current[name]["version"] > known[name]["version"]
            assert raised, f"{name} differs from the list: raise its version, {advice}"
    assert known == current, advice


def test_the_order_of_columns_is_part_of_a_contract() -> None:
    known, current = json.loads(LIST.read_text()), listed()
    for name, contract in known.items():
        part = "columns" if "columns" in contract else "fields"
        assert list(contract[part]) == list(current[name][part]), name


def test_names_are_unique_and_every_contract_in_the_code_is_listed() -> None:
    names = [each.name for each in (*CONTRACTS, *DOCUMENTS)]
    assert len(set(names)) == len(names)
    made = set()
    for script in (ROOT / "stages").rglob("*.py"):
        for node in ast.walk(ast.parse(script.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in (
                "Contract",
                "Document",
                "join",
            ):
                first = node.args[0]
                start = first.values[0] if isinstance(first, ast.JoinedStr) else first
                if isinstance(start, ast.Constant):
                    made.add(start.value)
    assert made
    assert [name for name in made if not any(each.startswith(name) for each in names)] == []


def test_a_document_comes_back_as_it_was_written(tmp_path: Any) -> None:
    write_document(tmp_path / "c.json", CALIBRATED, CALIBRATOR)
    assert json.loads((tmp_path / "c.json").read_text())["contract"] == "calibrator/1"
    assert read_document(tmp_path / "c.json", CALIBRATOR) == CALIBRATED


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"bias": float("nan")}, "bias is not finite"),
        ({"bias": "1"}, "bias is not a number"),
        ({"bias": True}, "bias is not a number"),
        ({"flights": 1.5}, "flights is not a whole number"),
        ({"flights": 0}, "flights is below 1"),
        ({"coverage": 90}, "coverage is above 1"),
        ({"coverage": {}}, "coverage is not a number"),
        ({"extra": 1}, "extra is not in the contract"),
    ],
)
def test_a_broken_document_names_the_field(
    tmp_path: Any, changed: dict[str, Any], message: str
) -> None:
    path = tmp_path / "c.json"
    with pytest.raises(StageError, match=f"contract calibrator/1 is broken: {message}"):
        write_document(path, CALIBRATED | changed, CALIBRATOR)
    assert not path.exists()
    path.write_text(json.dumps({"contract": "calibrator/1", **CALIBRATED, **changed}))
    with pytest.raises(StageError, match=message):
        read_document(path, CALIBRATOR)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not readable JSON"),
        ("[]", "follows contract none"),
        ('{"contract": "calibrator/1"}', "above is missing; below is missing; bias is missing"),
        ("{}", "follows contract none, this code reads calibrator/1; run `dvc repro`"),
    ],
)
def test_a_file_that_is_not_the_document_is_refused(tmp_path: Any, text: str, message: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(StageError, match=message):
        read_document(tmp_path / "c.json", CALIBRATOR)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_the_pipelines_own_files_keep_their_contracts(built: Pipeline, document: Document) -> None:
    files = {"calibrator": "parts/taxi-JFK/calibrator.json", "metrics": "metrics.json"}
    path = built.directory / "models" / files[document.name]
    assert read_document(path, document)


def test_metrics_of_a_region_without_an_error_are_refused(built: Pipeline, tmp_path: Any) -> None:
    metrics = json.loads((built.directory / "models/metrics.json").read_text())
    metrics["region"]["north"]["mae"] = float("nan")
    del metrics["unlabelled"]
    with pytest.raises(StageError, match=r"region.north.mae is not finite; unlabelled is missing"):
        write_document(tmp_path / "metrics.json", metrics, METRICS)
