"""The public interface for Python: its names, its cost, and the code in docs/api.md."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

import retouch
from tests.toy_project import Toy

PAGE = Path(__file__).parents[1] / "docs/api.md"


def test_the_code_in_docs_api_runs(toy: Toy, capsys):
    toy.alert("target_drift", where={"region": "eu"})
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    names: dict[str, object] = {}
    with contextlib.chdir(toy.root):
        for block in blocks:
            exec(compile(block, PAGE.name, "exec"), names)
    out = capsys.readouterr().out
    assert "refit ['fit@eu'] " in out
    assert "missing.json: there is no such file." in out
    assert names["judgement"].outcome == "promote"
    assert names["result"].report.joinpath("report.md").is_file()


@pytest.mark.parametrize("name", retouch.__all__)
def test_every_public_name_can_be_imported_and_is_documented(name: str):
    value = getattr(retouch, name)
    assert value.__name__ == name
    assert value.__doc__
    if isinstance(value, FunctionType):
        assert f"`{name}" in PAGE.read_text(), "docs/api.md does not show it"


def test_every_public_name_is_in_the_module_that_is_said_to_hold_it():
    assert sorted(retouch._HOME) == sorted(retouch.__all__) == retouch.__all__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'plan_alert'"):
        _ = retouch.plan_alert
    assert {"plan_alerts", "judge"} <= set(dir(retouch))


def test_importing_retouch_imports_nothing_of_it():
    code = "import sys, retouch; print([m for m in sys.modules if m.startswith('retouch.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
