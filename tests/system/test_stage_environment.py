"""Which variables commands of the repository get."""

from __future__ import annotations

import pytest

from retouch.system.stage_environment import ALLOW, WITHHELD, dvc_environment, stage_environment

OF_GITHUB = (
    "GITHUB_TOKEN", "GH_TOKEN", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_CACHE_URL", "INPUT_TOKEN", "INPUT_SSH-KEY", "RETOUCH_APP_PRIVATE_KEY",
    "RUNNER_TEMP", "RUNNER_TRACKING_ID", "STATE_isPost",
)  # fmt: skip
OTHERS = (
    "AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE", "AZURE_CLIENT_SECRET",
    "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_GHA_CREDS_PATH", "CLOUDSDK_AUTH_ACCESS_TOKEN",
    "GDRIVE_CREDENTIALS_DATA", "OSS_ACCESS_KEY_SECRET", "DVC_STUDIO_TOKEN", "SSH_AUTH_SOCK",
    "GIT_CONFIG_VALUE_0", "HF_TOKEN", "WANDB_API_KEY", "PGPASSWORD_SECRET", "DB_PASSWORD",
    "npm_config_token",
)  # fmt: skip
HARMLESS = (
    "PATH", "HOME", "LANG", "TMPDIR", "CI", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "PYTHONPATH",
    "TOKENIZERS_PARALLELISM", "MAX_TOKENS", "HTTPS_PROXY", "DVC_ROOT", "DVC_STAGE", "TOY_SLOW",
    "GIT_CONFIG_GLOBAL", "VIRTUAL_ENV", "KEYBOARD", "SECRETARY", "XDG_CACHE_HOME",
)  # fmt: skip


def environment(*names: str, **more: str) -> dict[str, str]:
    return dict.fromkeys(names, "x") | more


def test_a_command_gets_no_token_no_command_file_and_no_credential():
    assert stage_environment(environment(*OF_GITHUB, *OTHERS)) == {}


def test_a_command_gets_all_that_is_harmless():
    assert stage_environment(environment(*HARMLESS)) == environment(*HARMLESS)


def test_dvc_keeps_the_credentials_of_its_remotes_and_nothing_of_github():
    assert dvc_environment(environment(*OF_GITHUB, *OTHERS)) == environment(*OTHERS)


@pytest.mark.parametrize("gets", [stage_environment, dvc_environment])
def test_who_starts_us_may_pass_variables_on_by_name(gets):
    passed = gets(environment("HF_TOKEN", "GH_TOKEN", **{ALLOW: " GH_TOKEN, HF_TOKEN"}))
    assert {"HF_TOKEN", "GH_TOKEN"} <= passed.keys()


def test_what_is_passed_on_is_not_told_to_the_command():
    assert stage_environment({ALLOW: "PATH"}) == {}


def test_each_rule_says_why():
    assert all(rule.because for rule in WITHHELD)
