"""A stage and the scoring command write down the environment they got."""

from __future__ import annotations

import json

import pytest

from tests.toy_project import Toy

SECRETS = ("GITHUB_TOKEN", "GH_TOKEN", "GITHUB_ENV", "ACTIONS_RUNTIME_TOKEN", "INPUT_KEY",
           "RETOUCH_APP_PRIVATE_KEY", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN")  # fmt: skip
WRITE = """
import json, os, pathlib
pathlib.Path('seen-{}.json').write_text(json.dumps(dict(os.environ)))
"""


@pytest.fixture
def nosy(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> Toy:
    for name in SECRETS:
        monkeypatch.setenv(name, f"value of {name}")
    for script in ("fit", "score"):
        path = toy.root / f"{script}.py"
        path.write_text(path.read_text() + WRITE.format(script))
    (toy.root / ".gitignore").write_text((toy.root / ".gitignore").read_text() + "seen-*.json\n")
    toy.alert("performance")
    toy.commit("Scripts that look around")
    return toy


def seen(toy: Toy, script: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((toy.root / f"seen-{script}.json").read_text())
    return found


@pytest.mark.parametrize("script", ["fit", "score"])
def test_what_runs_code_of_the_repository_sees_no_secret(nosy: Toy, script: str):
    (alert,) = (nosy.root / "alerts").glob("*.json")
    told = nosy.retouch("run", str(alert))
    assert told.code == 0, told
    found = seen(nosy, script)
    assert "PATH" in found
    assert not [name for name in found if name in SECRETS]
    assert not [name for name, value in found.items() if value.startswith("value of")]


def test_a_variable_that_is_passed_on_by_name_arrives(nosy: Toy, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RETOUCH_STAGE_ENVIRONMENT", "HF_TOKEN")
    told = nosy.retouch("build")
    assert told.code == 0, told
    found = seen(nosy, "fit")
    assert found["HF_TOKEN"] == "value of HF_TOKEN"
    assert "GITHUB_TOKEN" not in found
