"""Every attack of the table has a test that exists."""

from __future__ import annotations

import ast

import pytest

from tests.attacks.rows import ROWS
from tests.toy_project import ROOT


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_tests_that_exist(row: str):
    assert ROWS[row]
    for test in ROWS[row]:
        path, _, name = test.partition("::")
        tree = ast.parse((ROOT / path).read_text())
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name in names, test
