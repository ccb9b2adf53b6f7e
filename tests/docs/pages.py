"""What is in a page: its fenced blocks, its headings, its links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.toy_project import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
MARKERS = ("github", "data", "long", "tool", "remote", "registered-monitor")
"""Why a block is not run: it needs GitHub, the data of the reference pipeline, minutes of time,
another tool's output, a git or DVC remote, or a monitor that the base branch knows."""
_MARKER = re.compile(r"<!-- needs: ([a-z-]+) -->\s*\Z")


@dataclass(frozen=True)
class Block:
    """A fenced block; `needs` is what the comment right before it says."""

    page: str
    line: int
    language: str
    text: str
    needs: str | None

    @property
    def commands(self) -> list[str]:
        """The lines that call `retouch` or `make`, as they begin."""
        return re.findall(
            r"^(?:\$ |[A-Z]+=\$\()?((?:retouch|make) [a-z0-9-]+)", self.text, re.MULTILINE
        )


def blocks(path: Path) -> Iterator[Block]:
    """Yield the fenced and the indented blocks of a page."""
    before: Token | None = None
    for token in MarkdownIt().parse(path.read_text()):
        if token.type in ("fence", "code_block"):
            marker = _MARKER.match(before.content.strip()) if before is not None else None
            line = token.map[0] + 1 if token.map else 0
            name, language = path.relative_to(ROOT).as_posix(), token.info.strip()
            yield Block(name, line, language, token.content, marker[1] if marker else None)
        before = token if token.type == "html_block" else None


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    bare = [re.sub(r"[^\w\- ]", "", title.lower()) for title in titles]
    return {title.strip().replace(" ", "-") for title in bare}


def links(path: Path) -> Iterator[str]:
    """Yield the targets of a page's links and pictures, those in HTML too."""
    for token in MarkdownIt().parse(path.read_text()):
        for child in token.children or ():
            if child.type in ("link_open", "image"):
                yield str(child.attrGet("href") or child.attrGet("src"))
        if token.type == "html_block":
            yield from re.findall(r'(?:src|srcset|href)="([^"]+)"', token.content)
