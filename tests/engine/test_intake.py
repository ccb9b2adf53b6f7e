"""`retouch alert intake` and `status`: real files, real git, real signatures."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from retouch.alerts.receipt import Receipt
from tests.signing import AUDIENCE, make_key, register, sign
from tests.toy_project import Toy

LATER = ("--at", "2124-01-01T00:00:00Z")
"""Long after every wait of a group is over."""


def receipt_of(toy: Toy, alert: str) -> Receipt:
    path = toy.root / alert.replace(".json", ".receipt.json")
    return Receipt.model_validate_json(path.read_text())


def status_of(toy: Toy, *args: str) -> dict:
    told = toy.retouch("alert", "status", "--json", *args)
    assert told.code == 0, told
    return json.loads(told.out)


def states(toy: Toy, *args: str) -> dict[str, str]:
    return {
        f"alerts/{one['alert_id']}.json": one["standing"]["state"]
        for one in status_of(toy, *args)["alerts"]
    }


@pytest.fixture
def eager(toy: Toy) -> Toy:
    """A toy whose groups wait for nothing."""
    path = toy.root / "policies/retraining.yaml"
    path.write_text(path.read_text() + "suppression:\n  group_wait: 0 minutes\n")
    toy.git("commit", "-qam", "Wait for nothing")
    return toy


def test_a_new_alert_gets_a_receipt_and_its_group_is_named(eager: Toy):
    alert = eager.alert("data_quality")

    told = eager.retouch("alert", "intake")

    assert told.code == 0, told
    assert f"retouch run {alert}" in told.out
    receipt = receipt_of(eager, alert)
    assert receipt.provenance.verdict == "unsigned"
    assert receipt.provenance.may_retrain
    assert receipt.standing is not None
    assert receipt.standing.state == "acts"
    assert eager.retouch("alert", "intake").out.startswith("No new alerts.")


def test_the_alert_itself_is_never_changed(toy: Toy):
    alert = toy.alert("data_quality")
    before = (toy.root / alert).read_bytes()
    toy.retouch("alert", "intake")
    assert (toy.root / alert).read_bytes() == before


def test_a_group_waits_for_more_alerts_of_its_kind(toy: Toy):
    alert = toy.alert("data_quality")
    told = toy.retouch("alert", "intake", "--json")
    document = json.loads(told.out)
    assert document["groups"] == []
    assert document["next_due"] is not None
    assert document["receipts"][0]["standing"]["state"] == "waiting"
    assert states(toy, *LATER) == {alert: "acts"}


def test_an_answered_alert_is_planned_no_more(eager: Toy):
    alert = eager.alert("data_quality")
    eager.retouch("alert", "intake")
    assert eager.retouch("run", alert).code == 0
    assert states(eager) == {alert: "answered"}
    assert status_of(eager)["groups"] == []


def test_drift_must_last_for_two_windows(eager: Toy):
    first = eager.alert("data_drift", 1, window=["2024-02-01", "2024-02-02"])
    eager.retouch("alert", "intake")
    assert states(eager) == {first: "pending"}
    assert "1 of 2" in eager.retouch("alert", "status").out
    second = eager.alert("data_drift", 2, window=["2024-02-02", "2024-02-03"])
    eager.retouch("alert", "intake")
    assert states(eager) == {first: "acts", second: "acts"}
    (group,) = status_of(eager)["groups"]
    assert group["alert_ids"] == [Path(first).stem, Path(second).stem]


def test_a_receipt_that_a_stranger_commits_is_not_believed(eager: Toy, tmp_path: Path):
    eager.git("branch", "base")
    alert = eager.alert("data_quality", monitor="stranger")
    eager.retouch("alert", "intake")
    path = eager.root / alert.replace(".json", ".receipt.json")
    forged = json.loads(path.read_text())
    forged["provenance"] |= {"verdict": "verified", "may_retrain": True, "reasons": []}
    path.write_text(json.dumps(forged))
    eager.git("add", "-A")
    eager.git("commit", "-qm", "An alert and a receipt for it")

    document = status_of(eager, "--base", "base")

    assert document["alerts"][0]["new"]
    assert document["alerts"][0]["provenance"]["verdict"] == "unsigned"
    assert not document["groups"][0]["trusted"]


def test_of_alerts_that_say_the_same_one_signature_is_checked(eager: Toy, tmp_path: Path):
    key = register(eager, tmp_path, "signer")
    said = {"monitor": "signer", "audience": AUDIENCE, "window": ["2024-02-01", "2024-02-02"]}
    alerts = [sign(eager, eager.alert("data_quality", n, **said), key) for n in (1, 2)]
    tampered = sign(eager, eager.alert("data_quality", 3, **said), key)
    eager.replace(tampered, '"kind"', ' "kind"')

    assert eager.retouch("alert", "intake").code == 0

    verdicts = [receipt_of(eager, alert).provenance.verdict for alert in (*alerts, tampered)]
    assert verdicts == ["verified", "not_checked", "not_checked"]
    assert states(eager) == {alerts[0]: "acts", alerts[1]: "duplicate", tampered: "duplicate"}


def test_a_forged_alert_never_hides_a_true_one(eager: Toy, tmp_path: Path):
    key = register(eager, tmp_path, "signer")
    said = {"monitor": "signer", "audience": AUDIENCE, "window": ["2024-02-01", "2024-02-02"]}
    forged = sign(eager, eager.alert("data_quality", 1, **said), make_key(tmp_path, "other"))
    true = sign(eager, eager.alert("data_quality", 2, **said), key)

    told = eager.retouch("alert", "intake")

    assert told.code == 2
    assert Path(forged).stem in told.err
    assert states(eager) == {forged: "refused", true: "acts"}


def test_a_file_that_is_no_alert_stops_no_other(eager: Toy):
    alert = eager.alert("data_quality")
    (eager.root / "alerts/nonsense.json").write_text("{")
    told = eager.retouch("alert", "intake")
    assert told.code == 2
    assert told.err.startswith("alerts/nonsense.json: line 1, column 2: not JSON")
    assert receipt_of(eager, alert).standing is not None
    assert len(list((eager.root / "alerts").glob("*.receipt.json"))) == 1


def test_an_alert_that_lies_elsewhere_gets_no_receipt(toy: Toy, tmp_path: Path):
    elsewhere = tmp_path / "x.json"
    elsewhere.write_text((toy.root / toy.alert("data_quality")).read_text())
    told = toy.retouch("alert", "intake", str(elsewhere))
    assert told.code == 2
    assert "does not lie in alerts/" in told.err
    assert list(tmp_path.glob("*.receipt.json")) == []


def event_of(toy: Toy, folder: Path, alert: str, **changed: object) -> Path:
    """Return a dispatch event that carries an alert, whose files are taken away."""
    path = toy.root / alert
    signature = path.with_name(f"{path.name}.sig")
    payload = {"v": 1, "alert_b64": base64.b64encode(path.read_bytes()).decode()}
    if signature.exists():
        monitor = json.loads(path.read_text())["monitor"]["id"]
        payload |= {"sig": signature.read_text(), "principal": monitor}
        signature.unlink()
    path.unlink()
    event = {
        "action": "model-alert",
        "client_payload": payload | changed,
        "sender": {"login": "relay[bot]"},
    }
    file = folder / "event.json"
    file.write_text(json.dumps(event))
    return file


def test_a_dispatched_alert_ends_as_files_with_the_bytes_that_were_signed(
    eager: Toy, tmp_path: Path
):
    key = register(eager, tmp_path, "signer")
    alert = sign(eager, eager.alert("data_quality", monitor="signer", audience=AUDIENCE), key)
    raw = (eager.root / alert).read_bytes()
    event = event_of(eager, tmp_path, alert)

    told = eager.retouch("alert", "intake", "--event", str(event))

    assert told.code == 0, told
    assert (eager.root / alert).read_bytes() == raw
    receipt = receipt_of(eager, alert)
    assert receipt.provenance.verdict == "verified"
    assert (receipt.channel, receipt.sender) == ("dispatch", "relay[bot]")
    assert eager.retouch("alert", "verify", alert).code == 0
    again = eager.retouch("alert", "intake", "--event", str(event))
    assert again.code == 0, again
    assert again.out.startswith("No new alerts.")


def test_a_dispatched_alert_that_is_refused_leaves_no_file(eager: Toy, tmp_path: Path):
    register(eager, tmp_path, "signer")
    alert = eager.alert("data_quality", monitor="signer", audience=AUDIENCE)
    sign(eager, alert, make_key(tmp_path, "other"))
    told = eager.retouch("alert", "intake", "--event", str(event_of(eager, tmp_path, alert)))
    assert told.code == 2
    assert list((eager.root / "alerts").iterdir()) == []


def test_a_dispatched_alert_whose_id_is_taken_by_other_bytes_is_refused(eager: Toy, tmp_path: Path):
    event = event_of(eager, tmp_path, eager.alert("data_quality", columns=["a"]))
    there = eager.alert("data_quality", columns=["b"])
    before = (eager.root / there).read_bytes()
    told = eager.retouch("alert", "intake", "--event", str(event))
    assert told.code == 2
    assert "is there already, with other content" in told.err
    assert (eager.root / there).read_bytes() == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"client_payload": {"v": 1}, "sender": {"login": "x"}}',
        '{"client_payload": "x", "sender": {"login": "x"}}',
        '{"client_payload": {"v": 1, "alert_b64": "e30="}, "sender": {"login": "x"}}',
        '{"client_payload": {"v": 1, "alert_b64": "e30="}}',
        "[" * 100_000,
    ],
)
def test_an_event_without_an_alert_is_one_sentence(toy: Toy, tmp_path: Path, text: str):
    event = tmp_path / "event.json"
    event.write_text(text)
    told = toy.retouch("alert", "intake", "--event", str(event))
    assert told.code == 2
    assert "Traceback" not in told.err
    assert not (toy.root / "alerts").exists() or list((toy.root / "alerts").iterdir()) == []


def test_status_writes_nothing_and_names_what_is_new(eager: Toy):
    eager.alert("data_quality")
    before = sorted(path.name for path in (eager.root / "alerts").iterdir())
    told = eager.retouch("alert", "status")
    assert "1 new alert. Process with `retouch alert intake`." in told.out
    assert sorted(path.name for path in (eager.root / "alerts").iterdir()) == before


def test_no_text_of_an_alert_reaches_the_terminal_raw(eager: Toy):
    eager.alert("data_quality", columns=["\x1b[2Jx\u202e[red]y"])
    told = eager.retouch("alert", "status")
    assert "\x1b" not in told.out
    assert "\u202e" not in told.out
    assert "[red]y" in told.out


@pytest.mark.parametrize("at", ["yesterday", "2026-11-23", "2026-11-23T06:00:00"])
def test_a_time_without_an_offset_is_no_time_for_a_status(toy: Toy, at: str):
    told = toy.retouch("alert", "status", "--at", at)
    assert told.code == 2
    assert "must be a time with a UTC offset" in told.err
