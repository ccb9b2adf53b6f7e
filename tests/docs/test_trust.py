"""The page on trust names tests that exist."""

from __future__ import annotations

import re

from tests.toy_project import ROOT

_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_attack_on_the_page_names_a_test_that_is_there():
    page = (ROOT / "docs/trust.md").read_text()
    table = page.partition("## Attacks that are tried")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 20
    for row in rows:
        named = _NAMED.findall(row)
        assert named, row
        for path, name in named:
            assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE), row
