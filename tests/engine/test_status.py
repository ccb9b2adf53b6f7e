"""`retouch alert status`: the incidents, other reasons, the past, and the model in production."""

from __future__ import annotations

import json

import pytest

from tests.toy_project import Toy

LONG_AGO = ("--at", "2020-01-01T00:00:00Z")


def test_what_came_in_later_is_not_told_of_a_time_before(toy: Toy):
    toy.alert("data_quality", 1, window=["2024-02-01", "2024-02-02"])
    toy.alert("data_quality", 2, window=["2024-02-01", "2024-02-02"])  # says the same
    assert toy.retouch("alert", "intake").code == 0
    told = toy.retouch("alert", "status", "--json", *LONG_AGO)
    assert json.loads(told.out)["alerts"] == []
    assert toy.retouch("alert", "status", *LONG_AGO).out == "0 alerts: none yet.\n"


def test_the_receipt_of_a_repetition_names_its_rule(toy: Toy):
    for number in (1, 2):
        toy.alert("data_quality", number, window=["2024-02-01", "2024-02-02"])
    told = json.loads(toy.retouch("alert", "intake", "--json").out)
    second = told["receipts"][1]
    assert second["provenance"]["verdict"] == "not_checked"
    assert (second["standing"]["state"], second["standing"]["rule"]) == ("duplicate", "duplicate")


def test_open_incidents_and_further_reasons_are_told(toy: Toy):
    silence = "name: Known, why: so, author: Ann, match: {kind: data_drift}"
    (toy.root / "policies/silences.yaml").write_text(
        f"version: 1\nsilences: [{{{silence}, "
        "starts: '2020-01-01T00:00:00Z', ends: '2120-01-01T00:00:00Z'}]\n"
    )
    toy.commit("A silence")
    alert = toy.alert("data_drift", window=["2024-02-01", "2024-02-02"])
    assert toy.retouch("alert", "intake").code == 0
    told = toy.retouch("alert", "status").out
    assert "also pending: It was seen in 1 of 2 windows. (otherwise)" in " ".join(told.split())
    assert told.count("2120-01-01 00:00 UTC") == 1
    incidents = told.partition("Open incidents:\n")[2]
    assert incidents.split()[0] in alert
    assert "data_drift means/rows: seen in 1 of 2 windows required" in incidents


@pytest.mark.parametrize(("version", "state"), [("0123456789ab", "stale"), ("v1.2", "waiting")])
def test_an_alert_about_another_model_than_the_one_in_production_is_stale(
    toy: Toy, version: str, state: str
):
    toy.alert("data_quality", model_version=version)
    (receipt,) = json.loads(toy.retouch("alert", "intake", "--json").out)["receipts"]
    assert receipt["standing"]["state"] == state


def test_an_alert_about_the_model_in_production_is_not_stale(toy: Toy):
    production = json.loads(toy.retouch("status", "--json").out)["production_hash"]
    toy.alert("data_quality", model_version=production[:12])
    (receipt,) = json.loads(toy.retouch("alert", "intake", "--json").out)["receipts"]
    assert receipt["standing"]["state"] == "waiting"
