"""The repository on GitHub that the environment names, and who we are there."""

from __future__ import annotations

import os
import time

import click

from retouch.engine import submit_alerts
from retouch.errors import InputError
from retouch.github.client import API_URL, Client, Timing
from retouch.github.repository import Repository

_LONG_WAIT_SECONDS = 5
"""A wait this long is announced, so that it does not look like a hang."""
_ACTIONS_LOGIN = "github-actions[bot]"


def repository_from_environment(name: str | None) -> Repository:
    """Return a repository: the one named, else that of GITHUB_REPOSITORY.

    The token comes from GITHUB_TOKEN, the address from GITHUB_API_URL where it is not github.com.
    Raises InputError when one of them is missing or cannot be one.
    """
    name = name or os.environ.get("GITHUB_REPOSITORY")
    if not name:
        raise InputError(
            "No repository is named.", hint="Give --repo owner/name, or set GITHUB_REPOSITORY."
        )
    name = submit_alerts.checked_repository(name)
    api_url = os.environ.get("GITHUB_API_URL") or API_URL
    client = Client(os.environ.get("GITHUB_TOKEN", ""), api_url, Timing(sleep=_sleep))
    return Repository(client, name)


def login_from_environment() -> str:
    """Return the login our comments bear: RETOUCH_APP_LOGIN, else that of a workflow's token.

    GitHub does not tell a workflow's token who it is.
    """
    return os.environ.get("RETOUCH_APP_LOGIN") or _ACTIONS_LOGIN


def _sleep(seconds: float) -> None:
    if seconds >= _LONG_WAIT_SECONDS:
        click.echo(f"GitHub: retrying in {seconds:.0f} s.", err=True)
    time.sleep(seconds)
