"""`retouch policy check` reads every file in policies/, and says what is wrong with each."""

from __future__ import annotations

import pytest

from tests.toy_project import Toy

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINDmxc2SuOkdNNAmvSUUdjX/of37eEvF29gZ0+f9UsdQ"
SILENCE = "name: a, why: b, author: c, match: {dataset: rows}, starts: '2026-12-01T00:00:00Z'"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "monitors.yaml",
            "version: 1\nmonitors: {daily: {description: x}}\n",
            "monitors.daily.owner",
        ),
        ("monitors.yaml", "monitors: {}\n", "version: missing"),
        ("silences.yaml", f"version: 1\nsilences: [{{{SILENCE}}}]\n", "silences[0].ends: missing"),
        ("allowed_signers", f"* {KEY}\n", "line 1: '*' is not one monitor's id"),
        ("allowed_signers", f"daily {KEY}\nother {KEY}\n", "line 2: the key SHA256:"),
        ("revoked_signers", "nonsense\n", "line 1: is not a public key"),
        ("promotion.yaml", "version: 1\n", "model: missing"),
        ("retraining.yaml", "version: 1\n", "model: missing"),
    ],
)
def test_a_broken_policy_file_is_refused(toy: Toy, name: str, text: str, message: str):
    (toy.root / "policies" / name).write_text(text)
    told = toy.retouch("policy", "check")
    assert told.code == 2
    assert told.err.startswith(f"Error: policies/{name}: {message}")
    assert told.err.count("\n") == 1


def test_every_broken_file_is_told_of_at_once(toy: Toy):
    for name in ("monitors.yaml", "silences.yaml", "promotion.yaml"):
        (toy.root / "policies" / name).write_text("- nothing\n")
    told = toy.retouch("policy", "check")
    assert told.code == 2
    assert told.err.count("Error: policies/") == 3
    assert told.out == "3 of 3 examples decided as expected.\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"dayly {KEY}", "knows no monitor 'dayly'; did you mean 'daily'"),
        (f'daily namespaces="git" {KEY}', "its namespaces lack 'retouch-alert'"),
    ],
)
def test_a_key_that_is_of_no_use_is_told_of(toy: Toy, line: str, message: str):
    (toy.root / "policies/allowed_signers").write_text(f"# keys\n{line}\n")
    told = toy.retouch("policy", "check")
    assert told.code == 0
    assert told.err.startswith("policies/allowed_signers: line 2: ")
    assert message in told.err


def test_a_key_of_a_registered_monitor_is_no_matter(toy: Toy):
    (toy.root / "policies/allowed_signers").write_text(f'daily namespaces="retouch-alert" {KEY}\n')
    assert toy.retouch("policy", "check").err == ""


def test_a_policy_for_another_model_is_not_replayed(toy: Toy):
    text = (toy.root / "policies/retraining.yaml").read_text()
    (toy.root / "other.yaml").write_text(text.replace("model: means", "model: medians"))
    told = toy.retouch("policy", "replay", "--policy", "other.yaml")
    assert told.code == 2
    assert told.err == (
        "Error: other.yaml: model: is 'medians', but the current policy is for 'means'."
        " Replay a policy for the same model.\n"
    )
