"""The same signal has the same fingerprint: whatever its numbers, its time and its order."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from retouch.alerts.fingerprint import fingerprints, group_key
from retouch.alerts.new import new_alert


def alert(*, now=datetime(2013, 7, 1, tzinfo=UTC), **said):
    words = {"kind": "data_drift", "model": "block-time", "monitor": "m", "dataset": "flights"}
    return new_alert(words | said, now=now, randomness=bytes(10))


def breach(column, **said):
    return {"metric": "psi", "column": column} | said


def test_each_breaching_finding_has_one_and_the_others_have_none():
    findings = [breach("temp"), breach("precip"), breach("humid", verdict="ok")]

    both = fingerprints(alert(findings=findings))

    assert len(both) == 2
    assert both == tuple(
        sorted(
            fingerprints(alert(findings=[findings[0]]))
            + fingerprints(alert(findings=[findings[1]]))
        )
    )


def test_numbers_metrics_severity_and_times_do_not_enter():
    before = alert(findings=[breach("temp", value=0.2)])
    after = alert(
        now=datetime(2013, 8, 1, tzinfo=UTC),
        findings=[breach("temp", value=0.3, metric="wasserstein", severity="critical")],
        severity="critical",
        window=["2013-07-16", "2013-08-01"],
        message="again",
    )

    assert fingerprints(before) == fingerprints(after)


def test_who_what_and_where_do_enter():
    signals = [
        alert(),
        alert(monitor="n"),
        alert(kind="target_drift"),
        alert(model="other"),
        alert(dataset="weather"),
        alert(columns=["temp"]),
        alert(where={"origin": "EWR"}),
        alert(where={"origin": "JFK"}),
    ]

    assert len({fingerprint for each in signals for fingerprint in fingerprints(each)}) == 8


def test_without_findings_each_column_is_a_signal():
    named = alert(columns=["temp", "precip"])
    found = alert(findings=[breach("temp"), breach("precip")])

    assert fingerprints(named) == fingerprints(found)


def test_what_resolves_has_the_fingerprint_of_what_fired():
    fired = alert(findings=[breach("temp")])
    resolved = alert(status="resolved", findings=[breach("temp", verdict="ok")])

    assert fingerprints(fired) == fingerprints(resolved)


@given(st.permutations(["temp", "precip", "humid"]), st.permutations(["EWR", "JFK", "LGA"]))
def test_order_does_not_enter(columns, origins):
    findings = [breach(column) for column in columns]
    where = dict.fromkeys(origins, "yes") | {"origin": origins}

    one = alert(findings=findings, where=where)
    other = alert(findings=findings[::-1], where=dict(reversed(where.items())))

    assert fingerprints(one) == fingerprints(other)
    assert fingerprints(one) == fingerprints(
        alert(findings=findings, where=where | {"origin": sorted(origins)})
    )


def test_alerts_of_one_model_on_one_dataset_are_answered_together():
    assert group_key(alert()) == "block-time/flights"
