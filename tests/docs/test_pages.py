"""What holds for README and docs as texts."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.pages import PAGES, anchors, links
from tests.toy_project import ROOT

FORMER_WORDS = (
    "nobody",
    "of ours",
    "said no",
    "says no",
    "came of it",
    "vouch",
    "believed",
    "put back",
    "held against",
    "made-up",
    "in vain",
    "whose word",
)
"""What stood where the glossary has a term now."""


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_a_link_leads_to_a_file_and_a_heading_that_are_there(page: Path):
    broken = []
    for link in links(page):
        target, _, anchor = unquote(link).partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        there = (page.parent / target) if target else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(link)
    assert broken == []


def test_the_code_and_the_schemas_cite_only_pages_that_are_there():
    written = [
        *ROOT.glob("retouch/**/*.py"),
        *ROOT.glob("schemas/*.json"),
        *ROOT.glob("stages/**/*.py"),
    ]
    cited = {
        (_name(path), page)
        for path in written
        for page in re.findall(r"\b(?:docs|facts|design)[\w/]*\.md\b", path.read_text())
    }
    assert cited
    assert {(name, page) for name, page in cited if not (ROOT / page).is_file()} == set()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_a_page_uses_the_terms_of_the_glossary(page: Path):
    text = " ".join(page.read_text().lower().split())
    assert [word for word in FORMER_WORDS if re.search(rf"\b{word}", text)] == []


def test_the_readme_has_at_most_150_lines():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_the_readme_or_a_page_it_links_leads_to_every_page():
    reached = {ROOT / "README.md"}
    waiting = list(reached)
    while waiting:
        page = waiting.pop()
        for link in links(page):
            there = (page.parent / link.partition("#")[0]).resolve()
            if there in PAGES and there not in reached:
                reached.add(there)
                waiting.append(there)
    assert reached == set(PAGES)
