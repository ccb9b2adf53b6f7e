"""`retouch alert verify`, with real keys: what is good, and each refusal in its own words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.provenance.conftest import MONITORS, Checkout, shell


def sign_for(checkout: Checkout, alert: str, namespace: str) -> None:
    raw = (checkout.root / alert).read_bytes()
    command = ("ssh-keygen", "-Y", "sign", "-f", checkout.key("daily"), "-n", namespace)
    made = shell(*command, cwd=checkout.root, told=raw)
    (checkout.root / f"{alert}.sig").write_text(made)


def test_a_signed_alert_is_verified_and_its_receipt_lies_beside_it(checkout):
    alert = checkout.signed()
    before = (checkout.root / alert).read_bytes()

    told = checkout.verify(alert, "--channel", "commit", "--sender", "ann")

    commit = checkout.git("rev-parse", "origin/main").strip()
    fingerprint = shell("ssh-keygen", "-lf", checkout.key("daily"), cwd=checkout.root).split()[1]
    assert told.out == (
        f"verified: {alert}: by 'daily' with {fingerprint} "
        f"(policies of origin/HEAD, {commit[:10]})\n"
    )
    assert told.code == 0
    receipt = checkout.receipt(alert)
    assert receipt.provenance.model_dump() == {
        "verdict": "verified",
        "method": "ssh",
        "principal": "daily",
        "key_fingerprint": fingerprint,
        "registry_commit": commit,
        "may_retrain": True,
        "reasons": (),
    }
    assert (receipt.channel, receipt.sender, receipt.standing) == ("commit", "ann", None)
    assert (checkout.root / alert).read_bytes() == before


def test_an_unsigned_alert_is_no_error_but_may_not_retrain(checkout):
    alert = checkout.alert()

    told = checkout.verify(alert)

    assert told.code == 0
    assert told.out == (
        f"unsigned: {alert}: is unsigned, so it may be planned but not retrain by itself. "
        f"A person may run it: `retouch run {alert} --accept-unsigned`.\n"
    )
    assert not checkout.receipt(alert).provenance.may_retrain


def test_the_registry_may_let_a_monitor_retrain_unsigned(checkout):
    checkout.review(monitors_yaml=f"{MONITORS}    unsigned: retrain\n")
    alert = checkout.alert(monitor="weekly")

    assert "lets 'weekly' retrain unsigned" in checkout.verify(alert).out
    assert checkout.receipt(alert).provenance.may_retrain


def test_a_project_without_a_registry_holds_every_alert(checkout):
    checkout.review(monitors_yaml=None, allowed_signers=None)

    assert checkout.verify(checkout.alert(1)).out.startswith("unsigned: ")
    assert "is not known: policies/allowed_signers of the base branch" in checkout.refusal(
        checkout.signed(2), "--repository", "acme/flights"
    )


def test_a_tampered_alert_is_refused(checkout):
    alert = checkout.signed()
    checkout.change(alert, '"eu"', '"us"')

    assert checkout.refusal(alert) == (
        f"{alert}: was changed after it was signed, or the signature is of another alert. "
        f"Have the monitor sign it again: `retouch alert sign {alert}`."
    )


def test_the_signature_of_another_alert_is_refused(checkout):
    first, second = checkout.signed(1), checkout.signed(2)
    (checkout.root / f"{second}.sig").replace(checkout.root / f"{first}.sig")

    assert "the signature is of another alert" in checkout.refusal(first)


def test_a_signature_for_another_purpose_is_refused(checkout):
    alert = checkout.alert()
    sign_for(checkout, alert, "git")

    assert checkout.refusal(alert) == (
        f"{alert}.sig: was made for the namespace 'git', not 'retouch-alert'. "
        f"Sign it with the key of 'daily': `retouch alert sign {alert}`."
    )


def test_one_monitor_cannot_speak_for_another(checkout):
    alert = checkout.signed(key="weekly")

    assert checkout.refusal(alert) == (
        f"{alert}: monitor.id: is 'daily', but the signature is by the key of 'weekly'. "
        f"Sign it with the key of 'daily': `retouch alert sign {alert}`."
    )


def test_an_unknown_key_is_refused(checkout):
    alert = checkout.signed(key="stranger")
    checkout.change(alert, '"eu"', '"us"')  # of a strange key it does not matter what it signed

    reason = checkout.refusal(alert)

    assert reason.startswith(f"{alert}.sig: the key SHA256:")
    assert "is not known: policies/allowed_signers of the base branch does not list it." in reason


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ('valid-before="20200101Z"', "of 'daily' expired on 2020-01-01T00:00:00Z"),
        ('valid-after="29990101Z"', "of 'daily' is not valid before 2999-01-01T00:00:00Z"),
        ('namespaces="git"', "may not sign alerts: policies/allowed_signers, line 1,"),
    ],
)
def test_a_key_outside_of_its_bounds_is_refused(checkout, option, message):
    checkout.review(allowed_signers=f"daily {option} {checkout.public('daily')}\n")

    assert message in checkout.refusal(checkout.signed())


@pytest.mark.parametrize("binary", [False, True], ids=["a list", "a binary list"])
def test_a_revoked_key_is_refused_and_others_are_not(checkout, binary):
    listed = checkout.key("daily.pub")
    if binary:
        shell("ssh-keygen", "-q", "-k", "-f", "krl", listed, cwd=listed.parent)
        listed = listed.parent / "krl"
    checkout.review(revoked_signers=listed.read_bytes())

    reason = checkout.refusal(checkout.signed())
    other = checkout.verify(checkout.signed(2, key="weekly", monitor="weekly"))

    assert " is revoked in policies/revoked_signers. Sign it with the key of 'daily'" in reason
    assert other.out.startswith("verified: ")


def test_line_ends_that_a_checkout_changed_are_named(checkout):
    alert = checkout.signed()
    checkout.change(alert, "\n", "\r\n")

    assert checkout.refusal(alert) == (
        f"{alert}: its line ends were changed after it was signed (CRLF for LF, or the reverse). "
        "Put the signed bytes back, keep formatters away from alerts/ and add `alerts/** -text` "
        "to .gitattributes."
    )


def test_a_formatter_that_re_indented_it_is_named(checkout):
    alert = checkout.signed()
    path = checkout.root / alert
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4))

    assert checkout.refusal(alert).startswith(f"{alert}: it was re-indented after it was signed.")


def test_a_fixer_of_final_newlines_is_named(checkout):
    alert = checkout.signed()
    path = checkout.root / alert
    path.write_bytes(path.read_bytes().rstrip(b"\n"))

    assert ": its final newline was added or taken away after it" in checkout.refusal(alert)


def test_an_alert_replayed_to_another_repository_is_refused(checkout):
    alert = checkout.signed()

    message = (
        f"{alert}: audience: it was made for 'acme/flights', and this repository is 'eve/fork'."
    )
    assert checkout.refusal(alert, "--repository", "eve/fork") == message
    assert checkout.refusal(alert, GITHUB_REPOSITORY="eve/fork") == message


def test_a_known_id_with_other_bytes_is_refused(checkout):
    alert = checkout.signed(1)
    checkout.merge(alert, f"{alert}.sig")
    assert checkout.verify(alert).code == 0
    checkout.signed(1, where={"region": "us"})

    assert f"{alert}: alert_id: '01" in checkout.refusal(alert)
    assert "is on the base branch with other bytes." in checkout.refusal(alert)


def test_line_ends_that_git_converted_are_named(checkout):
    alert = checkout.signed(1)
    checkout.merge(alert, f"{alert}.sig")
    path = checkout.root / alert
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (checkout.root / f"{alert}.sig").unlink()

    said = checkout.refusal(alert)

    assert "is on the base branch with other line ends. Add `alerts/** -text` to .git" in said


def test_a_known_id_is_refused_by_its_receipt_alone(checkout):
    alert = checkout.signed(1)
    checkout.verify(alert)
    checkout.merge(checkout.receipt_path(alert).relative_to(checkout.root).as_posix())
    checkout.signed(1, where={"region": "us"})

    assert "is on the base branch with other bytes." in checkout.refusal(alert)


def test_what_ssh_keygen_refuses_in_its_own_way_is_refused_in_its_own_words(checkout):
    alert = checkout.signed()
    path = checkout.root / f"{alert}.sig"
    body = path.read_text().replace("AAAAU", "AAABU", 1)  # the inner length: sound armor, no more
    path.write_text(body)

    assert checkout.verify(alert).code == 2
    (reason,) = checkout.receipt(alert).provenance.reasons
    assert reason.startswith(f"{alert}.sig: ")
    assert str(checkout.root) not in reason


def test_two_files_with_one_id_and_other_bytes_are_not_both_taken(checkout):
    alert = checkout.signed(1)
    for name in (alert, f"{alert}.sig"):
        (checkout.root / name).rename(checkout.root / Path(name).name)
    other = checkout.signed(1, where={"region": "us"})

    told = checkout.verify(other, Path(alert).name)

    assert told.code == 2
    assert told.out.startswith(f"verified: {other}")
    assert f"{Path(alert).name}: another file has the alert_id '01" in told.err


def test_each_of_several_alerts_is_judged_and_the_worst_is_the_exit_code(checkout):
    good, bad, held = checkout.signed(1), checkout.signed(2), checkout.alert(3)
    checkout.change(bad, '"eu"', '"us"')

    told = checkout.verify(good, bad, held, "alerts/none.json")

    assert [line.split(":")[0] for line in told.out.splitlines()] == [
        "verified",
        "refused",
        "unsigned",
    ]
    assert told.err.startswith("alerts/none.json: there is no such file.")
    assert told.code == 2


def test_json_is_the_receipts_for_a_machine(checkout):
    alert = checkout.signed()

    told = checkout.verify(alert, "--json", "--no-receipt")

    (receipt,) = json.loads(told.out)
    assert receipt["provenance"]["verdict"] == "verified"
    assert not checkout.receipt_path(alert).exists()


def test_an_alert_elsewhere_is_verified_without_a_receipt(checkout):
    alert = checkout.signed()
    for name in (alert, f"{alert}.sig"):
        (checkout.root / name).replace(checkout.root / Path(name).name)

    assert checkout.verify(Path(alert).name).code == 0
    assert not list(checkout.root.rglob("*.receipt.json"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("allowed_signers", "* ssh-ed25519 AAAA\n", "policies/allowed_signers: line 1: "),
        ("allowed_signers", b"\xff\n", "policies/allowed_signers: is not UTF-8 text (byte 0)."),
        ("monitors_yaml", "version: 1\nmonitor: {}\n", "policies/monitors.yaml: monitor: unknown"),
        ("revoked_signers", "lost\n", "policies/revoked_signers: line 1: is not a public key"),
    ],
)
def test_nothing_is_verified_by_a_registry_that_cannot_be_read(checkout, name, text, message):
    alert = checkout.signed()
    checkout.review(**{name: text})

    told = checkout.verify(alert)

    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(message)
    assert not checkout.receipt_path(alert).exists()
