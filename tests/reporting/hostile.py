"""What an alert might say to us, and how Markdown is read back."""

from __future__ import annotations

import html
import re

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

ATTACKS = (
    "-->", "<!--", "</details>", "<details open>", "<summary>", "<script>alert(1)</script>",
    "<img src=x onerror=y>", "`", "```", "~~~", "\n```\n", "|", "\\|", "\\",
    "\n| a | b |\n|--|--|\n",
    "@octocat", "@acme/ml-owners", "cc:@octocat", "#123", "GH-123", "gh-7", "acme/site#1", "JIRA-4",
    "GHSA-wwww-qqqq-rrrr", "fixes #1", "acme/site@0123456789abcdef", "deadbeef", "0" * 40,
    "http://evil.example", "https://evil.example/a", "www.evil.example", "a@evil.example",
    "javascript:alert(1)", "[x](http://e)", "![x](y)", "[alert]", "[alert]: http://e", "<http://e>",
    "# heading", "\n# heading", "\nheading\n===", "\n---\n", "- item", "1. item", "1) item",
    "> quote",
    "* * *", "+ x", "    code", "\t", "${{ github.token }}", "{{ x }}", "{% x %}", "$x^2$", "$$",
    "$`x`$", ":smile:", ":+1:", "**", "__", "~~", "~", "_x_", "__x__", "*x*", "~~x~~",
    "[^1]", "&#64;octocat", "&lt;b&gt;", "&amp;",
    "\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\x00", "\x1b[31m", "\r\n", "\u2028",
    "\u0085",
    "e\u0301\u0301\u0301\u0301\u0301", "\U000e0041", "\ud800", "…", "–", "region = central",
)  # fmt: skip

hostile = st.lists(
    st.one_of(
        st.sampled_from(ATTACKS), st.text(max_size=8), st.sampled_from([" ", "\n", "a", "7"])
    ),
    max_size=12,
).map("".join)

_GITHUB_LINKS = re.compile(
    r"(?<!\w)@[a-z0-9]|[\w.]@[a-z0-9]+\.[a-z]|#\d|[a-z]{2,}-\d|\bGHSA-\w|[0-9a-f]{7}|:[\w+-]+:|www\.|://",
    re.IGNORECASE,
)
"""What GitHub makes a link or a picture of in text, after it has decoded entities."""


def parse(markdown: str) -> list[Token]:
    """Read Markdown as GitHub does, as far as blocks, tables and inline markup go."""
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)


def flat(tokens: list[Token]) -> list[Token]:
    """Return blocks and what is in them, one after the other."""
    return [t for token in tokens for t in (token, *flat(token.children or []))]


def shown(markdown: str) -> str:
    """Return the text a reader sees of one paragraph, zero-width marks included."""
    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown)
    return html.unescape(re.sub(r"</?(?:p|span|code)>", "", rendered)).removesuffix("\n")


def linked_by_github(text: str) -> list[str]:
    """Return what GitHub would link, mention or close in a text as it is shown."""
    return _GITHUB_LINKS.findall(text)
