"""Who we are on GitHub, and where, as the environment says."""

from __future__ import annotations

import pytest

from retouch.cli.options import login_from_environment, repository_from_environment
from retouch.errors import InputError


def test_we_are_the_workflows_token_unless_an_app_is_named(monkeypatch):
    monkeypatch.delenv("RETOUCH_APP_LOGIN", raising=False)
    assert login_from_environment() == "github-actions[bot]"
    monkeypatch.setenv("RETOUCH_APP_LOGIN", "")
    assert login_from_environment() == "github-actions[bot]"
    monkeypatch.setenv("RETOUCH_APP_LOGIN", "acme-retouch[bot]")
    assert login_from_environment() == "acme-retouch[bot]"


def test_a_named_repository_comes_before_that_of_the_environment(monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_x")
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/site")

    assert repository_from_environment(None).name == "acme/site"
    assert repository_from_environment("acme/other").name == "acme/other"


def test_without_a_name_nothing_is_asked(monkeypatch):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)

    with pytest.raises(InputError, match=r"^No repository is given\. Use --repo OWNER/NAME"):
        repository_from_environment(None)
