"""Whose alerts may cause a retraining: signed ones, those the registry allows, and approved."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.signing import AUDIENCE, register, sign
from tests.toy_project import Toy

DIGEST = "md5:" + "0" * 32


def plan_of(toy: Toy, alert: str) -> dict:
    return json.loads((toy.report(alert) / "plan.json").read_text())


def test_an_unsigned_alert_is_planned_and_nothing_runs(toy: Toy):
    alert = toy.alert("data_quality", monitor="stranger")
    before = toy.tree()

    told = toy.retouch("run", alert)

    assert told.code == 0, told
    assert told.out.startswith("Held for review: ")
    assert "--accept-unsigned" in told.out.replace("\n", " ")
    assert toy.tree() == before
    plan = plan_of(toy, alert)
    assert (plan["action"], plan["accepted_by"]) == ("hold", None)
    assert [tier["tier"] for tier in plan["tiers"]] == ["repair"]
    assert plan["provenance"][0]["provenance"]["verdict"] == "unsigned"
    assert not (toy.report(alert) / "run.json").exists()
    report = (toy.report(alert) / "report.md").read_text()
    assert "Needs approval first." in report
    assert '"verdict":"held"' in report.splitlines()[0]


def test_a_person_who_approves_an_unsigned_alert_is_named_in_the_report(toy: Toy):
    alert = toy.alert("data_quality", monitor="stranger")
    assert toy.retouch("run", alert).code == 0
    toy.git("config", "user.name", "Ada Lovelace")

    told = toy.retouch("run", alert, "--accept-unsigned")

    assert told.code == 0, told
    assert "Verdict: equivalent." in told.out
    assert plan_of(toy, alert)["accepted_by"] == "Ada Lovelace"
    report = (toy.report(alert) / "report.md").read_text()
    assert "| Approved by | Ada Lovelace |" in report


def test_a_plan_for_an_unsigned_alert_shows_what_would_run(toy: Toy):
    told = toy.retouch("plan", toy.alert("data_quality", monitor="stranger"))
    assert told.code == 0
    assert told.out.startswith("Held for review: ")
    assert "clean" in told.out


def test_a_signed_alert_runs_and_its_key_is_in_the_report(toy: Toy, tmp_path: Path):
    key = register(toy, tmp_path, "signer")
    alert = sign(toy, toy.alert("data_quality", monitor="signer", audience=AUDIENCE), key)

    told = toy.retouch("run", alert)

    assert told.code == 0, told
    assert "Verdict: equivalent." in told.out
    provenance = plan_of(toy, alert)["provenance"][0]["provenance"]
    assert (provenance["verdict"], provenance["principal"]) == ("verified", "signer")
    report = (toy.report(alert) / "report.md").read_text()
    assert "| Signature | verified: key `SHA256:" in report


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_a_refused_alert_is_neither_planned_nor_run(toy: Toy, tmp_path: Path, verb: str):
    key = register(toy, tmp_path, "signer")
    alert = sign(toy, toy.alert("data_quality", monitor="signer", audience=AUDIENCE), key)
    toy.replace(alert, '"data_quality"', '"manual"')

    told = toy.retouch(verb, alert)

    assert told.code == 2
    assert "Traceback" not in told.err
    assert not toy.report(alert).exists()


def test_an_alert_about_data_without_a_record_is_held(toy: Toy):
    alert = toy.alert("data_quality", digest=DIGEST)
    told = toy.retouch("run", alert)
    assert told.code == 0, told
    assert "is the digest of no data that dvc.lock records" in " ".join(told.out.split())
    assert plan_of(toy, alert)["action"] == "hold"


def test_an_alert_about_data_that_dvc_records_or_has_recorded_runs(toy: Toy):
    lock = toy.lock()
    digest = lock[lock.index("md5: ") :].split()[1]
    (toy.root / "dvc.lock").write_text(lock.replace(digest, "f" * 32))
    toy.git("commit", "-qam", "Other data")
    (toy.root / "dvc.lock").write_text(lock)
    toy.git("commit", "-qam", "The data as it was")
    toy.git("checkout", "-q", "HEAD~1", "--", "dvc.lock")
    alert = toy.alert("data_quality", digest=f"md5:{digest}")
    told = toy.retouch("plan", alert)
    assert told.code == 0, told
    assert "Held" not in told.out


def test_two_files_of_one_alert_are_not_worth_what_the_better_is(toy: Toy, tmp_path: Path):
    key = register(toy, tmp_path, "signer")
    said = {"monitor": "signer", "audience": AUDIENCE}
    alert = sign(toy, toy.alert("data_quality", where={"odd": 1}, **said), key)
    other = tmp_path / "other.json"
    text = (toy.root / alert).read_text()
    other.write_text(re.sub(r'("value": )1\b', r"\1true", text))
    assert other.read_text() != text

    told = toy.retouch("run", str(other), alert)

    assert told.code == 2
    assert "another file has the same alert_id with other content" in told.err
