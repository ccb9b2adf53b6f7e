"""The shape of the code: who may import whom, how long things get, what they are called."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted([*ROOT.glob("retouch/**/*.py"), *ROOT.glob("stages/**/*.py")])
LONGEST_MODULE, LONGEST_FUNCTION = 500, 40


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_go_the_way_of_the_contracts():
    code = "import importlinter.cli as i, sys; sys.exit(i.lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_is_short_documented_and_has_short_functions(path: Path):
    text = path.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= LONGEST_MODULE
    assert ast.get_docstring(tree), "it has no docstring"
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert not long


def test_nothing_is_called_utils():
    vague = {"utils", "util", "helpers", "helper", "misc"}
    assert not [_name(path) for path in MODULES if vague & set(path.with_suffix("").parts)]


_FILE_ACCESS = re.compile(
    r"open|(read|write)_(bytes|text)|exists|is_(file|dir|symlink)|r?stat|iterdir|rglob|walk|mkdir"
    r"|unlink|rmdir|touch|chmod|symlink_to"
)


_ORCHESTRATION = sorted(
    path for name in ("engine", "jobs") for path in ROOT.glob(f"retouch/{name}/**/*.py")
)


@pytest.mark.parametrize("path", _ORCHESTRATION, ids=_name)
def test_the_engine_and_the_jobs_read_and_write_files_through_the_worlds_folders(path: Path):
    here = [
        f"line {node.lineno}: {node.func.attr}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and _FILE_ACCESS.fullmatch(node.func.attr)
        and not (isinstance(node.func.value, ast.Name) and node.func.value.id == "files")
    ]
    assert not here
