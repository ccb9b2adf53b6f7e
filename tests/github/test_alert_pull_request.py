"""A hostile alert shows in its pull request as it reads, and does nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from retouch.alerts.model import FAMILY_OF, SEVERITIES, Alert
from retouch.alerts.new import new_alert
from retouch.reporting.escape import plain
from retouch.reporting.pull_request import alert_pull_request
from tests.reporting.hostile import ATTACKS, flat, hostile, linked_by_github, parse, shown

NOW = datetime(2024, 3, 1, 6, tzinfo=UTC)
WORDS = {"kind": "data_drift", "model": "means", "monitor": "daily", "dataset": "rows"}
NOTHING_BUT_TEXT = {
    "paragraph_open", "paragraph_close", "inline", "text", "text_special", "softbreak",
    "table_open", "table_close", "thead_open", "thead_close", "tbody_open", "tbody_close",
    "tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close",
    "strong_open", "strong_close", "code_inline", "html_inline", "html_block",
}  # fmt: skip
OUR_HTML = {"<span>", "</span>", "<code>", "</code>"}

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,12}([./@][A-Za-z0-9][A-Za-z0-9_-]{0,8}){0,3}",
                      fullmatch=True)  # fmt: skip
text = hostile.map(lambda said: said.encode(errors="ignore").decode())
columns = text.filter(lambda said: 1 <= len(said) <= 128)


def made(**said) -> Alert:
    return new_alert({**WORDS, **said}, now=NOW, randomness=bytes(10))


@given(
    names,
    names,
    st.sampled_from(sorted(FAMILY_OF)),
    st.sampled_from(SEVERITIES),
    st.lists(columns, max_size=20),
    text,
    text,
)
@settings(suppress_health_check=[HealthCheck.filter_too_much], deadline=None)
@example("octo", "octo", "manual", "info", [], "@octocat fixes #1", "<!-- --> ${{ github.token }}")
@example("cc@octocat", "GH-12", "manual", "info", ["a|b"], "```\n@x", "-->")
@example("deadbeef", "www.evil", "manual", "info", ["\u202e"], "x" * 4000, "y" * 2000)
def test_nothing_in_a_pull_request_is_linked_named_or_closed(
    dataset, model, kind, severity, columns, message, hypothesis
):
    alert = made(
        dataset=dataset,
        model=model,
        monitor=model,
        kind=kind,
        severity=severity,
        columns=columns,
        message=message[:4000],
        hypothesis=hypothesis[:2000],
        where=[{"column": column, "value": column} for column in columns],
    )

    made_of_it = alert_pull_request(alert, signed=True)

    for line in (made_of_it.title, made_of_it.commit_message.replace(alert.alert_id, "ID")):
        assert linked_by_github(line) == []
        assert plain(line.replace("\n", " ")) == " ".join(line.split())
    assert "\n" not in made_of_it.title
    assert len(made_of_it.title) <= 200
    assert len(made_of_it.body) <= 30_000
    assert "${{" not in made_of_it.body
    tokens = flat(parse(made_of_it.body))
    assert {token.type for token in tokens} <= NOTHING_BUT_TEXT
    assert {t.content for t in tokens if t.type == "html_inline"} <= OUR_HTML
    (marker,) = [t.content for t in tokens if t.type == "html_block"]
    assert marker == f"<!-- retouch:alert v1 {alert.alert_id} -->\n"
    prose = [t.content for t in tokens if t.type in ("text", "text_special")]
    assert linked_by_github(shown(" ".join(prose)).replace(alert.alert_id, "ID")) == []


def test_a_table_has_one_row_for_each_thing_said():
    alert = made(columns=["a|b", "c\nd"], message="x | y\n| z |", hypothesis="h")

    body = alert_pull_request(alert, signed=False).body

    tokens = parse(body)
    rows = [token for token in tokens if token.type == "tr_open"]
    cells = [token for token in tokens if token.type in ("td_open", "th_open")]
    assert len(rows) == 8
    assert len(cells) == 16


@pytest.mark.parametrize(
    ("dataset", "title"),
    [
        ("rows", "Alert: data drift in rows (warning)"),
        ("raw/day_mean.v2", "Alert: data drift in raw/day_mean.v2 (warning)"),
        ("cc@octocat", "Alert: data drift (warning)"),
        ("GH-12", "Alert: data drift (warning)"),
        ("deadbeef", "Alert: data drift (warning)"),
        ("www.evil", "Alert: data drift (warning)"),
    ],
)
def test_the_title_names_the_dataset_unless_github_would_act_on_it(dataset, title):
    assert alert_pull_request(made(dataset=dataset), signed=True).title == title


@pytest.mark.parametrize(
    ("status", "title"),
    [
        ("resolved", "Resolved: data drift in rows (warning)"),
        ("no_data", "No data: data drift in rows (warning)"),
    ],
)
def test_an_alert_that_is_over_is_no_alarm(status, title):
    assert alert_pull_request(made(status=status), signed=True).title == title


def test_many_columns_are_counted():
    body = alert_pull_request(made(columns=[f"c{n}" for n in range(11)]), signed=True).body

    assert "`c7`, and 3 more |" in body
    assert "c8" not in body


@pytest.mark.parametrize(("signed", "message"), [(True, "verified at intake"), (False, "unsigned")])
def test_a_pull_request_says_whether_there_is_a_signature(signed, message):
    assert message in alert_pull_request(made(), signed=signed).body


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_long_message_is_cut_and_never_in_the_commit(attack):
    message = (attack * 2000)[:2000].encode(errors="ignore").decode()

    text = alert_pull_request(made(message=message), signed=True)

    assert text.commit_message == alert_pull_request(made(), signed=True).commit_message
    assert len(text.body) <= 5_000
