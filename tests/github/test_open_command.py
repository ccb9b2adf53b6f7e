"""`retouch alert open`, as it is typed."""

from __future__ import annotations

import contextlib
import io
import json
import os
from datetime import UTC, datetime

import pytest

from retouch.alerts.new import alert_json, new_alert
from retouch.cli.alert import alert_open
from retouch.errors import InputError
from tests.github.fake import REPOSITORY, TOKEN, Status

WORDS = {"kind": "data_drift", "model": "means", "monitor": "daily", "dataset": "rows"}


@pytest.fixture
def environment(github, monkeypatch):
    """What a workflow's step sees."""
    monkeypatch.setenv("GITHUB_API_URL", github.url)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
    return monkeypatch


@pytest.fixture
def alert(tmp_path):
    made = new_alert(WORDS, now=datetime(2024, 3, 1, 6, tzinfo=UTC), randomness=bytes(10))
    path = tmp_path / "alert.json"
    path.write_text(alert_json(made))
    return str(path)


def typed(*args):
    """Return exit code, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = alert_open.main(list(args), standalone_mode=False)
    return code or 0, out.getvalue(), err.getvalue()


def test_it_says_where_the_pull_request_is(environment, github, alert):
    assert typed(alert) == (0, f"{alert}: opened: https://github.com/acme/site/pull/1\n", "")
    assert len(github.pulls) == 1


def test_the_repository_may_be_named_instead(environment, github, alert):
    environment.setenv("GITHUB_REPOSITORY", "acme/other")

    assert typed(alert, "--repo", "acme/site", "--base", "main")[0] == 0
    assert len(github.pulls) == 1


def test_an_event_is_sent_on_request(environment, github, alert):
    code, out, _ = typed(alert, "--dispatch")

    assert (code, out) == (0, f"{alert}: sent to acme/site as repository_dispatch model-alert\n")
    assert len(github.events) == 1
    assert github.pulls == []


def test_a_long_wait_is_said(environment, github, alert):
    slept = []
    environment.setattr("time.sleep", slept.append)
    github.fails("GET repo", Status(502), Status(429, {}, {"Retry-After": "59"}))

    code, _, err = typed(alert)

    assert code == 0
    assert len(slept) == 2
    assert 59 <= slept[1] < 60
    assert err == f"Waiting for GitHub: retrying in {slept[1]:.0f} s.\n"


def test_the_worst_outcome_is_the_exit_code(environment, github, alert, tmp_path):
    code, out, err = typed(str(tmp_path / "missing.json"), alert)

    assert code == 2
    assert out == f"{alert}: opened: https://github.com/acme/site/pull/1\n"
    assert err.startswith(f"{tmp_path}/missing.json: there is no such file.")


def test_a_machine_reads_all_outcomes(environment, github, alert, tmp_path):
    code, out, err = typed(alert, alert, str(tmp_path / "missing.json"), "--json")

    outcomes = json.loads(out)
    assert (code, err) == (2, "")
    assert [outcome["outcome"] for outcome in outcomes] == ["opened", "found", "failed"]
    assert {outcome["url"] for outcome in outcomes[:2]} == {"https://github.com/acme/site/pull/1"}
    assert [outcome["exit_code"] for outcome in outcomes] == [0, 0, 2]


@pytest.mark.parametrize(
    ("settings", "args", "message"),
    [
        ({"GITHUB_TOKEN": None}, (), "GITHUB_TOKEN is not set."),
        ({"GITHUB_REPOSITORY": None}, (), "No repository is given. Use --repo OWNER/NAME"),
        ({"GITHUB_REPOSITORY": ""}, (), "No repository is given."),
        ({"GITHUB_API_URL": "http://example.org"}, (), "the token would be sent unencrypted"),
        ({}, ("--repo", "site"), "--repo: 'site' is not the name of a repository"),
        ({}, ("--base", "a b"), "--base: 'a b' is not the name of a branch"),
        ({}, ("--base", "x", "--dispatch"), "--base: cannot be combined with --dispatch"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_asked(
    environment, github, alert, settings, args, message
):
    for name, value in settings.items():
        if value is None:
            environment.delenv(name)
        else:
            environment.setenv(name, value)

    with pytest.raises(InputError) as refused:
        typed(alert, *args)

    assert message in str(refused.value)
    assert github.calls == []


def test_a_wrong_token_is_said_and_not_shown(environment, github, alert):
    github.token = "another"

    code, out, err = typed(alert)

    assert (code, out) == (2, "")
    assert err.startswith("GITHUB_TOKEN: 127.0.0.1:")
    assert TOKEN not in err


@pytest.mark.parametrize("name", ["alert.json", "alert.json.sig"])
def test_a_link_or_a_pipe_is_not_sent(environment, github, alert, tmp_path, name):
    path = tmp_path / name
    path.unlink(missing_ok=True)
    path.symlink_to(tmp_path / "nowhere")
    assert typed(alert)[0] == 2
    path.unlink()
    os.mkfifo(path)
    assert typed(alert)[0] == 2
    assert github.calls == []
