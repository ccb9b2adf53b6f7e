"""Every command that README and docs show is run as it stands there, or says what it needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from retouch.alerts.parse import parse_alert
from retouch.cli.main import cli
from tests.docs.pages import MARKERS, PAGES, Block, blocks
from tests.toy_project import ROOT

BLOCKS = [block for page in PAGES for block in blocks(page)]
RUN = [block for block in BLOCKS if block.language == "sh" and block.needs is None]


def _named(block: Block) -> str:
    return f"{block.page}:{block.line}"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this repository without data, with `retouch` where an installation puts it."""
    folder = tmp_path_factory.mktemp("docs") / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    commands = folder / ".venv/bin"
    commands.mkdir(parents=True)
    (commands / "retouch").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m retouch "$@"\n')
    (commands / "retouch").chmod(0o755)
    (commands / "activate").write_text("")
    return folder


@pytest.fixture
def checkout(clone: Path) -> Path:
    """The clone as it was committed: no page sees what another wrote."""
    for command in (("reset", "--quiet", "--hard"), ("clean", "-fdq", "-e", ".venv")):
        subprocess.run(["git", *command], cwd=clone, check=True)
    return clone


@pytest.mark.parametrize("page", sorted({block.page for block in RUN}))
def test_the_commands_of_a_page_run_from_top_to_bottom(page: str, checkout: Path):
    environment = {
        **os.environ,
        "PATH": f"{checkout}/.venv/bin{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    script = "\n".join(block.text for block in RUN if block.page == page)
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_a_block_with_commands_is_run_or_says_what_it_needs():
    """`text` is for a synopsis, and for what a command prints."""
    unmarked = [
        _named(block)
        for block in BLOCKS
        if block.commands and block.needs is None and block.language not in ("sh", "text")
    ]
    assert unmarked == []


def test_the_alert_that_the_readme_shows_is_one():
    [shown] = [b.text for b in BLOCKS if b.page == "README.md" and '"alert_id"' in b.text]
    assert parse_alert(shown.encode(), "README.md").slice.where[0].value == "central"


def test_what_a_block_needs_is_known():
    assert {block.needs for block in BLOCKS} <= {None, *MARKERS}


def test_every_command_of_every_page_exists():
    targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    known = {f"make {name}" for name in targets} | {f"retouch {name}" for name in cli.commands}
    shown = {command for block in BLOCKS for command in block.commands}
    inline = {
        found
        for page in PAGES
        if page.name != "CHANGELOG.md"
        for found in re.findall(r"`((?:retouch|make) [a-z0-9]+(?:-[a-z0-9]+)*)", page.read_text())
    }
    assert shown | inline <= known
