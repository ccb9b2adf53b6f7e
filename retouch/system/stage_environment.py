"""The environment that commands of the repository get: stages, scoring, measuring, synthetic rows.

They run code that a change brought, so they get no token, nothing that speaks to the runner, and
not the credentials that DVC needs for its remotes. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

ALLOW = "RETOUCH_STAGE_ENVIRONMENT"
"""Names, with commas between them, of variables that stages get all the same. Whoever starts us
sets it; nothing in the repository does."""


class Withheld(NamedTuple):
    """One rule."""

    names: str
    """A regular expression that the whole name must match, in capitals."""
    because: str


WITHHELD = (
    Withheld(r"GITHUB_.*", "the token, and the files by which a step gives the runner commands"),
    Withheld(r"GH_.*", "the token as `gh` reads it, and its settings"),
    Withheld(r"ACTIONS_.*", "the tokens for artifacts, caches and OIDC, and their addresses"),
    Withheld(r"RUNNER_.*", "the runner's folders, where command files lie, and its own tokens"),
    Withheld(r"INPUT_.*", "inputs of an action, tokens among them"),
    Withheld(r"STATE_.*", "what one step of an action leaves for its next"),
    Withheld(r"RETOUCH_APP_.*", "the App that publishes"),
    Withheld(r"AWS_.*", "credentials for a bucket that is a DVC remote"),
    Withheld(r"(AZURE|ARM)_.*", "credentials for a container that is a DVC remote"),
    Withheld(
        r"(GOOGLE|CLOUDSDK|GCLOUD|GCE|GDRIVE)_.*", "credentials for a bucket that is a DVC remote"
    ),
    Withheld(r"(OSS|WEBDAV)_.*", "credentials for other kinds of DVC remotes"),
    Withheld(r"DVC_STUDIO_.*", "the token for DVC Studio"),
    Withheld(r"(SSH_AUTH_SOCK|SSH_ASKPASS|GIT_ASKPASS)", "a way to keys and passwords"),
    Withheld(
        r"GIT_CONFIG_(COUNT|KEY_\d+|VALUE_\d+|PARAMETERS)",
        "settings of git, which can hold the header with the token",
    ),
    Withheld(
        r"(.*_)?(TOKEN|SECRET|SECRETS|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS|PRIVATE_KEY|API_KEY"
        r"|ACCESS_KEY|SECRET_KEY|PAT)(_.*)?",
        "a secret by its name",
    ),
)


def stage_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what commands of the repository get of an environment."""
    allowed = {name.strip() for name in environment.get(ALLOW, "").split(",")}
    return {
        name: value
        for name, value in environment.items()
        if name != ALLOW and (name in allowed or not _withheld(name))
    }


def dvc_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what DVC gets that runs a stage: its remotes' credentials, and nothing of GitHub's.

    It withholds the rest from the command itself.
    """
    hidden = {name for rule in WITHHELD[:_OF_GITHUB] for name in environment if _fits(rule, name)}
    allowed = {name.strip() for name in environment.get(ALLOW, "").split(",")}
    return {name: value for name, value in environment.items() if name not in hidden - allowed}


_OF_GITHUB = next(n for n, rule in enumerate(WITHHELD) if rule.names.startswith("AWS"))


def _withheld(name: str) -> bool:
    return any(_fits(rule, name) for rule in WITHHELD)


def _fits(rule: Withheld, name: str) -> bool:
    return re.fullmatch(rule.names, name.upper()) is not None
