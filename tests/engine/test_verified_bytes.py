"""What was verified is what is planned: an alert's bytes are read once, and no link is followed."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retouch.engine.project import Project
from retouch.engine.provenance import TrustSettings, verify_alerts
from tests.signing import AUDIENCE, register, sign
from tests.toy_project import Toy

NOW = datetime(2024, 3, 2, tzinfo=UTC)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_that_is_swapped_after_it_was_read_changes_neither_what_is_verified_nor_the_plan(
    toy: Toy, tmp_path: Path
):
    key = register(toy, tmp_path, "signer")
    alert = toy.root / sign(
        toy, toy.alert("data_quality", monitor="signer", audience=AUDIENCE), key
    )
    signed = sha256(alert)
    project = Project(toy.root)

    submitted = project.read_alerts([alert])
    forged = json.loads(alert.read_text()) | {"kind": "performance", "severity": "critical"}
    alert.write_text(json.dumps(forged))
    verified = verify_alerts(toy.root, submitted, TrustSettings(), NOW)
    alert.unlink()
    plan = project.plan(verified, now=NOW, jobs=1)

    assert (plan.alerts[0].kind, plan.provenance[0].sha256) == ("data_quality", signed)
    assert plan.provenance[0].provenance.verdict == "verified"


@pytest.mark.parametrize("command", [("plan",), ("run",), ("explain", "clean", "--alert")])
def test_a_link_is_not_followed(toy: Toy, tmp_path: Path, command: tuple[str, ...]):
    alert = toy.root / toy.alert("data_quality")
    elsewhere = tmp_path / alert.name
    alert.rename(elsewhere)
    alert.symlink_to(elsewhere)

    result = toy.retouch(*command, f"alerts/{alert.name}")

    assert result.code == 2
    assert "is a symbolic link, which is not followed" in result.err
    assert not toy.report(alert.name).exists()


def test_an_alert_that_changed_since_it_was_planned_is_not_run(toy: Toy):
    alert = toy.alert("data_quality")
    assert toy.retouch("plan", alert, "--out", "plan.json").code == 0
    toy.replace(alert, '"data_quality"', '"performance"')

    result = toy.retouch("run", alert, "--plan", "plan.json")

    assert (result.code, toy.report(alert).exists()) == (2, False)
    assert "was made from other inputs: alerts changed since." in result.err


def test_the_filed_plan_holds_the_digest_of_the_alert_that_was_run(toy: Toy):
    alert = toy.alert("data_quality")
    assert toy.retouch("run", alert).code == 0
    plan = json.loads((toy.report(alert) / "plan.json").read_text())
    assert [one["sha256"] for one in plan["provenance"]] == [sha256(toy.root / alert)]


def test_two_files_with_one_id_and_equal_fields_but_other_bytes_are_refused(toy: Toy):
    alert = toy.alert("data_quality")
    (toy.root / "copy.json").write_text((toy.root / alert).read_text() + "\n")
    result = toy.retouch("plan", alert, "copy.json")
    assert result.code == 2
    assert "copy.json: another file has the same alert_id with other content." in result.err
