"""What somebody writes who wants it to be run or obeyed, and how one sees that it was not."""

from __future__ import annotations

import re
from pathlib import Path

from tests.reporting.hostile import flat, linked_by_github, parse


def shell(canary: Path) -> str:
    return f'"; touch {canary}; $(touch {canary}) `touch {canary}` | touch {canary} &'


RUNNER = '\n::set-output name=targets::[{"pull":7}]\r::add-mask::a\n ::stop-commands::x\n'
INLINE = "x ##[set-env name=PATH;]/tmp/evil ##[add-mask]retouch"
EXPRESSION = "${{ github.token }} ${{ secrets.RETOUCH_APP_PRIVATE_KEY }}"
MARKDOWN = (
    "--> </details> <script>alert(1)</script> @acme/ml-owners fixes #1 "
    "[x](http://evil.example) | a | b |\n\n# heading\n<!-- retouch:report v1 -->"
)


def everything(canary: Path) -> str:
    """Return all of it in one text."""
    return f"{RUNNER}{shell(canary)} {INLINE} {EXPRESSION} {MARKDOWN}"


_LINE = re.compile(r"\r\n|\r|\n")


def commands_in(log: str) -> list[str]:
    """Return the lines of a log that the runner of GitHub Actions would obey."""
    lines = (line.lstrip() for line in _LINE.split(log))
    return [line for line in lines if line.startswith("::") or "##[" in line]


def acting_in(markdown: str) -> list[str]:
    """Return what of a Markdown text does more than to be read, of what we attack with."""
    found = []
    for token in flat(parse(markdown)):
        if token.type == "text":
            links = linked_by_github(token.content)
            found += [link for link in links if link.lower() in ("@a", "#1", "://")]
        if token.type in ("html_inline", "html_block") and "script" in token.content:
            found.append(token.content)
        if token.type == "link_open" and "evil" in str(token.attrs.get("href")):
            found.append(str(token.attrs))
        if token.type == "inline" and token.content.strip() == "heading":
            found.append("# heading")
    return found
