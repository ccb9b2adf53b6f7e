"""Whose alert it is and what it may cause; each refusal has a sentence of its own."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.alerts.new import new_alert
from retouch.alerts.signature import Signature
from retouch.alerts.verified import SubmittedAlert
from retouch.policy.monitors import Monitors, RegisteredMonitor
from retouch.provenance.admission import MonitorRegistry, Reception, SignatureCheck, admitted
from retouch.provenance.signers import Signer, Signers

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
KEY, OTHER_KEY = "SHA256:daily", "SHA256:weekly"
RAW = b"the bytes of the alert"
OURS, OTHERS = hashlib.sha256(RAW).hexdigest(), "b" * 64
SIGNATURE = Signature(key="ssh-ed25519 AAAA", key_fingerprint=KEY, namespace="retouch-alert")
GOOD = SignatureCheck(signature=SIGNATURE, good=True)
BAD = SignatureCheck(
    signature=SIGNATURE, words="Signature verification failed: incorrect signature"
)


def registry(*, signer=None, revoked=(), repository="acme/flights", registered=True, **entry):
    daily = RegisteredMonitor(description="The error of each day.", owner="ann", **entry)
    return MonitorRegistry(
        commit="c" * 40,
        repository=repository,
        monitors=Monitors(monitors={"daily": daily} if registered else {}),
        signers=Signers(
            by_key={
                KEY: Signer(principal="daily", line=1, **(signer or {})),
                OTHER_KEY: Signer(principal="weekly", line=2),
            },
            revoked=frozenset(revoked),
        ),
    )


def received(said=None, **how):
    words = {
        "kind": "performance",
        "model": "block-time",
        "monitor": "daily",
        "dataset": "flights",
        "audience": "acme/flights",
        "emitted_at": "2026-07-01T11:00:00Z",
    }
    given_words = {key: value for key, value in (words | (said or {})).items() if value is not None}
    alert = new_alert(given_words, now=NOW, randomness=bytes(10))
    how = {"channel": "commit", "received_at": NOW} | how
    return SubmittedAlert(alert, RAW, "alerts/X.json"), Reception(**how)


def signed(**fields):
    return SignatureCheck(signature=SIGNATURE.model_copy(update=fields), words="no")


def test_a_good_signature_of_the_registered_monitor_may_retrain():
    provenance = admitted(*received(), GOOD, registry())

    assert provenance.verdict == "verified"
    assert provenance.may_retrain
    assert (provenance.method, provenance.principal) == ("ssh", "daily")
    assert provenance.key_fingerprint == KEY
    assert provenance.registry_commit == "c" * 40
    assert provenance.reasons == ()


SIGNATURE_FAULTS = {
    "garbled": (
        SignatureCheck(fault="alerts/X.json.sig: is not."),
        {},
        "alerts/X.json.sig: is not.",
    ),
    "other namespace": (
        signed(namespace="git"),
        {},
        "alerts/X.json.sig: was made for the namespace 'git', not 'retouch-alert'. Sign it",
    ),
    "unknown key": (
        signed(key_fingerprint="SHA256:new"),
        {},
        "alerts/X.json.sig: the key SHA256:new is not known: policies/allowed_signers of the base",
    ),
    "revoked key": (
        BAD,
        {"revoked": [KEY]},
        "alerts/X.json.sig: the key SHA256:daily is revoked in policies/revoked_signers. Sign it",
    ),
    "revoked key, in a binary list": (
        BAD.model_copy(update={"revoked": True}),
        {},
        "alerts/X.json.sig: the key SHA256:daily is revoked in policies/revoked_signers. Sign it",
    ),
    "key of another monitor": (
        signed(key_fingerprint=OTHER_KEY),
        {},
        "alerts/X.json: monitor.id: is 'daily', but the signature is by the key of 'weekly'.",
    ),
    "key for another purpose": (
        BAD,
        {"signer": {"namespaces": ("git",)}},
        "alerts/X.json.sig: the key SHA256:daily may not sign alerts: policies/allowed_signers, "
        "line 1, does not name 'retouch-alert'",
    ),
    "expired key": (
        BAD,
        {"signer": {"valid_before": NOW - timedelta(seconds=1)}},
        "alerts/X.json.sig: the key SHA256:daily of 'daily' expired on 2026-07-01T11:59:59Z "
        "(policies/allowed_signers, line 1), and the alert was received on 2026-07-01T12:00:00Z.",
    ),
    "key not yet valid": (
        BAD,
        {"signer": {"valid_after": NOW + timedelta(seconds=1)}},
        "alerts/X.json.sig: the key SHA256:daily of 'daily' is not valid before 2026-07-01T12:00:0",
    ),
    "CRLF": (
        BAD.model_copy(update={"undone": "line ends"}),
        {},
        "alerts/X.json: its line ends were changed after it was signed (CRLF for LF",
    ),
    "re-indented": (
        BAD.model_copy(update={"undone": "indentation"}),
        {},
        "alerts/X.json: it was re-indented after it was signed. Put the signed bytes back",
    ),
    "final newline": (
        BAD.model_copy(update={"undone": "final newline"}),
        {},
        "alerts/X.json: its final newline was added or taken away after it was signed.",
    ),
    "tampered": (BAD, {}, "alerts/X.json: was changed after it was signed, or the signature is of"),
    "something else": (
        BAD.model_copy(update={"words": "it is Tuesday"}),
        {},
        "alerts/X.json.sig: ssh-keygen refuses the signature: 'it is Tuesday'.",
    ),
    "something it keeps to itself": (
        BAD.model_copy(update={"words": ""}),
        {},
        "alerts/X.json.sig: ssh-keygen refuses the signature: 'it does not say why'.",
    ),
}


@pytest.mark.parametrize("case", SIGNATURE_FAULTS)
def test_a_bad_signature_is_refused_with_its_own_sentence(case):
    examined, rules, message = SIGNATURE_FAULTS[case]

    provenance = admitted(*received(), examined, registry(**rules))

    assert provenance.verdict == "refused"
    assert not provenance.may_retrain
    assert provenance.principal is None
    (reason,) = provenance.reasons
    assert reason.startswith(message)


@pytest.mark.parametrize("case", [case for case in SIGNATURE_FAULTS if "key" in case])
def test_what_we_find_wrong_with_a_key_is_refused_even_if_ssh_keygen_calls_it_good(case):
    examined, rules, _ = SIGNATURE_FAULTS[case]
    good = examined.model_copy(update={"good": True})

    assert admitted(*received(), good, registry(**rules)).verdict == "refused"


def test_sentences_of_refused_signatures_differ():
    openings = [message for *_, message in SIGNATURE_FAULTS.values()]

    assert len(set(openings)) == len(openings) - 1  # both ways to revoke read alike


@pytest.mark.parametrize("moment", [NOW, NOW.replace(microsecond=999_999)])
def test_a_key_is_valid_up_to_and_including_its_last_second(moment):
    rules = registry(signer={"valid_after": NOW - timedelta(1), "valid_before": NOW})

    assert admitted(*received(received_at=moment), GOOD, rules).verdict == "verified"


CLAIM_FAULTS = {
    "audience of another repository": (
        {"audience": "acme/trains"},
        {},
        {},
        "alerts/X.json: audience: it was made for 'acme/trains', and this repository is 'acme/fl",
    ),
    "a kind it is not registered for": (
        {},
        {},
        {"kinds": ("volume",)},
        "alerts/X.json: kind: 'daily' is not registered for 'performance'. policies/monitors.yaml",
    ),
    "a dataset it is not registered for": (
        {},
        {},
        {"datasets": ("weather",)},
        "alerts/X.json: slice.current.dataset: 'daily' is not registered for 'flights'.",
    ),
    "a sender who may not": (
        {},
        {"sender": "mallory"},
        {"senders": ("ann",)},
        "alerts/X.json: 'mallory' may not submit alerts of 'daily'.",
    ),
    "an unnamed sender": (
        {},
        {},
        {"senders": ("ann",)},
        "alerts/X.json: its sender is unknown; give `--sender LOGIN`.",
    ),
    "expired": (
        {"expires_at": "2026-07-01T12:00:00Z"},
        {},
        {},
        "alerts/X.json: expires_at: it expired on 2026-07-01T12:00:00Z and was received on",
    ),
    "of the future": (
        {"emitted_at": "2026-07-01T12:10:01Z"},
        {},
        {},
        "alerts/X.json: emitted_at: 2026-07-01T12:10:01Z lies in the future; it was received on",
    ),
    "a known id with other bytes": (
        {},
        {"known": frozenset({OURS, OTHERS})},
        {},
        "alerts/X.json: alert_id: '01",
    ),
}


@pytest.mark.parametrize("examined", [GOOD, None], ids=["signed", "unsigned"])
@pytest.mark.parametrize("case", CLAIM_FAULTS)
def test_what_an_alert_may_not_claim_is_refused_signed_or_not(case, examined):
    said, how, rules, message = CLAIM_FAULTS[case]

    provenance = admitted(*received(said, **how), examined, registry(unsigned="retrain", **rules))

    assert provenance.verdict == "refused"
    assert not provenance.may_retrain
    (reason,) = provenance.reasons
    assert reason.startswith(message)


def test_all_that_speaks_against_a_signed_alert_is_said():
    said = {"audience": "acme/trains", "expires_at": "2026-07-01T11:30:00Z"}

    reasons = admitted(*received(said), GOOD, registry(kinds=("volume",))).reasons

    assert [reason.split(": ")[1] for reason in reasons] == ["audience", "kind", "expires_at"]


@pytest.mark.parametrize(
    ("said", "how", "rules"),
    [
        ({"audience": "ACME/Flights"}, {}, {}),
        ({}, {"sender": "ANN"}, {"senders": ("ann",)}),
        ({}, {"channel": "manual"}, {"senders": ("ann",)}),
        ({}, {"known": frozenset({OURS})}, {}),
        ({"emitted_at": "2026-07-01T12:10:00Z"}, {}, {}),
        ({"expires_at": "2026-07-01T12:00:01Z"}, {}, {}),
        ({}, {}, {"kinds": ("volume", "performance"), "datasets": ("flights",)}),
    ],
)
def test_what_a_monitor_may_do_is_verified(said, how, rules):
    assert admitted(*received(said, **how), GOOD, registry(**rules)).reasons == ()


def test_a_signed_alert_without_audience_would_be_good_anywhere():
    (reason,) = admitted(*received({"audience": None}), GOOD, registry()).reasons

    assert reason.startswith("alerts/X.json: audience: missing, so the same signature would be")
    assert '`"audience": "acme/flights"`' in reason


def test_a_signed_alert_is_refused_where_the_repository_is_unknown():
    (reason,) = admitted(*received(), GOOD, registry(repository=None)).reasons

    assert "this repository's name is not known" in reason


def test_a_key_without_an_entry_in_the_registry_is_refused():
    (reason,) = admitted(*received(), GOOD, registry(registered=False)).reasons

    assert "has a key in policies/allowed_signers but no entry in policies/monitors.yaml" in reason


@pytest.mark.parametrize("said", [{}, {"audience": None}, {"monitor": "by-hand"}])
@pytest.mark.parametrize("repository", ["acme/flights", None])
def test_an_unsigned_alert_is_held_for_a_person(said, repository):
    provenance = admitted(*received(said), None, registry(repository=repository))

    assert (provenance.verdict, provenance.method) == ("unsigned", "none")
    assert not provenance.may_retrain
    (reason,) = provenance.reasons
    assert "`retouch run alerts/X.json --accept-unsigned`" in reason


def test_policy_may_let_a_monitor_retrain_unsigned():
    provenance = admitted(*received(), None, registry(unsigned="retrain"))

    assert (provenance.verdict, provenance.may_retrain) == ("unsigned", True)


def test_a_bad_signature_is_no_better_than_none_where_policy_accepts_unsigned():
    assert admitted(*received(), BAD, registry(unsigned="retrain")).verdict == "refused"


@given(
    examined=st.sampled_from([None, GOOD, *(case[0] for case in SIGNATURE_FAULTS.values())]),
    how=st.fixed_dictionaries(
        {
            "sender": st.sampled_from([None, "ann", "mallory"]),
            "known": st.sets(st.sampled_from([OURS, OTHERS])).map(frozenset),
        }
    ),
    unsigned=st.sampled_from(["hold", "retrain"]),
    registered=st.booleans(),
)
def test_only_verified_or_excepted_alerts_may_retrain_and_all_others_say_why(
    examined, how, unsigned, registered
):
    rules = registry(registered=registered, unsigned=unsigned, senders=("ann",))

    provenance = admitted(*received(**how), examined, rules)

    if provenance.verdict == "verified":
        assert examined == GOOD
        assert registered
        assert provenance.reasons == ()
    else:
        assert provenance.reasons
        excepted = provenance.verdict == "unsigned" and registered and unsigned == "retrain"
        assert provenance.may_retrain == excepted
