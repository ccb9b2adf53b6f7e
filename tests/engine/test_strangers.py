"""What a stranger may bring to an intake: nothing is trusted unchecked."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from retouch.alerts.receipt import Receipt
from tests.engine.test_intake import event_of, receipt_of, states
from tests.signing import AUDIENCE, make_key, register, sign
from tests.toy_project import Toy

ATTACK = "\x1b[2J\u202ex"
SAID = {
    "monitor": "signer",
    "audience": AUDIENCE,
    "window": ["2024-02-01", "2024-02-02"],
    "severity": "critical",
}
AT_ONCE = """\
suppression:
  group_wait: 0 minutes
  persistence:
    - {name: At once, when: {severity: {at_least: critical}}, for: 1, keep_firing: 1}
"""


@pytest.fixture
def eager(toy: Toy) -> Toy:
    """A toy in which groups wait for nothing, and the worst counts in its first window."""
    path = toy.root / "policies/retraining.yaml"
    path.write_text(path.read_text() + AT_ONCE)
    toy.git("commit", "-qam", "Wait for nothing")
    return toy


def said(told: object) -> str:
    return f"{told.out}{told.err}"  # type: ignore[attr-defined]


def test_a_worse_alert_of_the_same_window_still_counts(eager: Toy):
    window = ["2024-02-01", "2024-02-02"]
    first = eager.alert("data_drift", 1, severity="warning", window=window)
    worse = eager.alert("data_drift", 2, severity="critical", window=window)
    assert eager.retouch("alert", "intake").code == 0
    assert states(eager)[worse] == "acts"
    assert receipt_of(eager, first).provenance.verdict == "unsigned"


def test_a_finding_still_counts_after_a_check_of_the_same_window_that_failed(eager: Toy):
    def found(verdict: str) -> dict[str, object]:
        one = {"scope": "column", "column": "label", "metric": "share", "verdict": verdict}
        return {"columns": ["label"], "findings": [one], "window": ["2024-02-01", "2024-02-02"]}

    failed = eager.alert("data_quality", 1, severity="critical", **found("error"))
    real = eager.alert("data_quality", 2, severity="critical", **found("breach"))
    assert eager.retouch("alert", "intake").code == 0
    assert states(eager) == {failed: "no_data", real: "acts"}


def test_an_all_clear_ends_what_began_after_the_last_one(eager: Toy):
    window = {"window": ["2024-02-01", "2024-02-02"], "severity": "critical"}
    eager.alert("data_drift", 1, columns=["a"], **window)
    eager.alert("data_drift", 2, status="resolved", **window)
    late = eager.alert("data_drift", 3, columns=["b"], **window)
    assert eager.retouch("alert", "intake").code == 0
    assert states(eager)[late] == "acts"
    eager.alert("data_drift", 4, status="resolved", **window)
    assert eager.retouch("alert", "intake").code == 0
    assert states(eager)[late] == "resolved"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"audience": "acme/other"}, "audience: it was made for 'acme/other'"),
        ({"expires_at": "2024-03-02T00:00:00Z"}, "expires_at: it expired on"),
        ({}, "is not known: policies/allowed_signers of the base branch"),
    ],
)
def test_what_repeats_a_true_alert_is_still_refused_for_all_that_can_be_read(
    eager: Toy, tmp_path: Path, changed: dict[str, str], message: str
):
    key = register(eager, tmp_path, "signer")
    true = sign(eager, eager.alert("data_quality", 1, **SAID), key)
    with_key = key if changed else make_key(tmp_path, "other")
    forged = sign(eager, eager.alert("data_quality", 2, **SAID | changed), with_key)

    told = eager.retouch("alert", "intake")

    assert told.code == 2
    assert message in told.err
    assert states(eager) == {true: "acts", forged: "refused"}


def test_a_changed_alert_of_the_base_does_not_pass_for_one_that_says_the_same(
    eager: Toy, tmp_path: Path
):
    key = register(eager, tmp_path, "signer")
    alerts = [sign(eager, eager.alert("data_quality", n, **SAID), key) for n in (1, 2)]
    eager.retouch("alert", "intake")
    eager.commit("Taken in")
    eager.git("branch", "base")
    eager.replace(alerts[1], '"kind"', ' "kind"')

    told = eager.retouch("alert", "intake", "--base", "base")

    assert told.code == 2
    assert "is on the base branch with other bytes" in told.err


def test_a_verification_forgets_neither_when_an_alert_came_in_nor_where_it_stands(eager: Toy):
    alert = eager.alert("data_drift")
    eager.retouch("alert", "intake")
    path = eager.root / alert.replace(".json", ".receipt.json")
    path.write_text(re.sub('"received_at": "[^"]+"', '"received_at": "2024-05-01T00:00:00Z"',
                           path.read_text()))  # fmt: skip
    before = receipt_of(eager, alert)

    assert eager.retouch("alert", "verify", alert).code == 0

    after = receipt_of(eager, alert)
    assert (after.received_at, after.standing) == (before.received_at, before.standing)
    assert after.standing is not None


def test_a_receipt_is_never_written_through_a_link(eager: Toy, tmp_path: Path):
    alert = Path(eager.alert("data_quality"))
    theirs = tmp_path / "theirs"
    theirs.write_text("mine")
    for name in (f".{alert.stem}.receipt.json.{os.getpid()}", f"{alert.stem}.receipt.json"):
        (eager.root / "alerts" / name).symlink_to(theirs)
    eager.commit("An alert, and links")
    eager.git("branch", "base", "HEAD~1")

    assert eager.retouch("alert", "intake", "--base", "base").code == 0

    assert theirs.read_text() == "mine"
    assert receipt_of(eager, str(alert)).provenance.verdict == "unsigned"


def test_a_folder_in_the_place_of_a_receipt_stops_no_other(eager: Toy):
    eager.git("branch", "base")
    first, second = (eager.alert("data_quality", n, columns=[f"c{n}"]) for n in (1, 2))
    (eager.root / first.replace(".json", ".receipt.json")).mkdir()
    eager.git("commit", "-q", "--allow-empty", "-m", "On a branch of its own")

    told = eager.retouch("alert", "intake", "--base", "base")

    assert told.code == 2
    assert "cannot be written" in told.err
    assert receipt_of(eager, second).standing is not None


@pytest.mark.parametrize("login", [None, 5, {"a": 1}, "", "\ud800", "x" * 200_000, ATTACK, "@a |"])
def test_an_event_from_nobody_is_one_sentence(eager: Toy, tmp_path: Path, login: object):
    event = event_of(eager, tmp_path, eager.alert("data_quality"))
    event.write_text(json.dumps(json.loads(event.read_text()) | {"sender": {"login": login}}))
    told = eager.retouch("alert", "intake", "--event", str(event))
    assert told.code == 2
    assert "is not a login of GitHub" in told.err
    assert told.err.count("\n") == 1
    assert list((eager.root / "alerts").iterdir()) == []


def test_an_event_adds_no_signature_to_an_alert_that_is_there(eager: Toy, tmp_path: Path):
    register(eager, tmp_path, "signer")
    alert = eager.alert("data_quality", 1, **SAID)
    raw = (eager.root / alert).read_bytes()
    sign(eager, alert, make_key(tmp_path, "other"))
    event = event_of(eager, tmp_path, alert)
    (eager.root / alert).write_bytes(raw)
    eager.retouch("alert", "intake")

    told = eager.retouch("alert", "intake", "--event", str(event))

    assert told.code == 2
    assert "is there already, without the signature that was sent" in told.err
    assert not (eager.root / f"{alert}.sig").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_SHA", "x\udcff"),
        ("GITHUB_SHA", "-" * 100_000),
        ("GITHUB_RUN_ID", ATTACK),
        ("GITHUB_REPOSITORY", f"{ATTACK}\udcff"),
        ("GITHUB_BASE_REF", ATTACK),
        ("GITHUB_BASE_REF", "--upload-pack=x"),
    ],
)
def test_an_environment_that_is_not_githubs_is_one_sentence(
    eager: Toy, monkeypatch: pytest.MonkeyPatch, name: str, value: str
):
    alert = eager.alert("data_quality")
    monkeypatch.setenv(name, value)
    told = eager.retouch("alert", "intake")
    assert told.code == 2
    assert told.err.count("\n") == 1
    assert said(told).isascii()
    assert said(told).replace("\n", "").isprintable()
    assert "git fetch origin -" not in told.err
    assert not (eager.root / alert.replace(".json", ".receipt.json")).exists()


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_status_at_the_end_of_the_calendar_is_one_sentence(eager: Toy, at: str):
    told = eager.retouch("alert", "status", "--at", at)
    assert told.code == 2
    assert "must be a time with a UTC offset" in told.err


@pytest.mark.parametrize(
    "command", ["alert verify", "alert check", "alert intake", "alert sign --key k", "plan", "run"]
)
def test_no_name_of_a_file_reaches_the_terminal_raw(eager: Toy, command: str):
    path = eager.root / f"alerts/{ATTACK}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}")
    told = eager.retouch(*command.split(), str(path))
    assert told.code == 2
    assert "schema_version: missing" in told.err
    assert "\x1b" not in said(told)
    assert "\u202e" not in said(told)


def test_no_text_of_an_alert_reaches_the_terminal_raw_in_a_verdict(eager: Toy):
    where = {"region": "eu", "odd": f"{ATTACK}\n\nVerdict: promote."}
    alert = eager.alert("performance", where=where)
    told = eager.retouch("run", alert)
    everything = said(told) + said(eager.retouch("status"))
    assert "the score table has no usable column for odd" in " ".join(everything.split())
    assert "\x1b" not in everything
    assert "\u202e" not in everything
    assert (
        re.findall("^Verdict: .*", everything, re.MULTILINE)
        == [line for line in told.out.splitlines() if line.startswith("Verdict: ")][:1]
    )


def test_a_receipt_says_who_sent_it_only_as_github_writes_it(eager: Toy):
    alert = eager.alert("data_quality")
    assert eager.retouch("alert", "intake", "--sender", ATTACK).code == 2
    assert eager.retouch("alert", "intake", "--sender", "relay_of-acme[bot]").code == 0
    path = eager.root / alert.replace(".json", ".receipt.json")
    assert Receipt.model_validate_json(path.read_text()).sender == "relay_of-acme[bot]"
