"""The picture in the README: a committed report as GitHub shows it, light and dark.

`python -m benchmarks.picture [ALERT]` renders the first screen of `reports/ALERT/report.md`, its
first figure and the closed sections below, and writes docs/images/report-light.png and -dark.png.
It needs Chromium and two fonts (Debian: `apt install chromium fonts-liberation
fonts-noto-color-emoji`). The pictures depend on the fonts of the machine, so no test compares them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "images"
ALERT = "01M82XS4CR86V1E6DCCBD23F46"
WIDTH = 920
"""Pixels."""
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_PACKAGES = "chromium fonts-liberation fonts-noto-color-emoji"
_SMALLEST = 200
"""Height in pixels below which something went wrong."""
_COLOURS = {
    "light": {
        "page": "#ffffff", "ink": "#1f2328", "muted": "#59636e", "edge": "#d1d9e0",
        "stripe": "#f6f8fa", "code": "#818b981f", "link": "#0969da",
    },
    "dark": {
        "page": "#0d1117", "ink": "#f0f6fc", "muted": "#9198a1", "edge": "#3d444d",
        "stripe": "#151b23", "code": "#656c7633", "link": "#4493f8",
    },
}  # fmt: skip
_CSS = """
* {{ box-sizing: border-box }}
html {{ background: {page} }}
body {{ margin: 0; padding: 10px; background: {page}; color: {ink};
  font: 14px/1.5 -apple-system, "Segoe UI", "Liberation Sans", "DejaVu Sans",
  sans-serif }}
#comment {{ border: 1px solid {edge}; border-radius: 6px; overflow: hidden }}
header {{ background: {stripe}; border-bottom: 1px solid {edge}; color: {muted};
  padding: 8px 16px }}
header b {{ color: {ink} }}
header i {{ border: 1px solid {edge}; border-radius: 2em; padding: 0 7px; font-style: normal;
  font-size: 12px; margin: 0 4px }}
main {{ padding: 4px 16px 16px }}
h2 {{ font-size: 21px; border-bottom: 1px solid {edge}; padding-bottom: 6px; margin: 14px 0 }}
p {{ margin: 0 0 14px }}
a {{ color: {link} }}
code {{ background: {code}; border-radius: 6px; padding: .15em .4em;
  font: 85% "DejaVu Sans Mono", monospace }}
table {{ border-collapse: collapse; margin-bottom: 14px }}
th, td {{ border: 1px solid {edge}; padding: 5px 12px }}
tr:nth-child(2n) td {{ background: {stripe} }}
img {{ max-width: 100%; display: block }}
details {{ margin-bottom: 4px }}
sub {{ color: {muted} }}
"""


def main(alert: str = ALERT) -> int:
    """Write both pictures. Return 1, with a message, when there is no Chromium or no report."""
    report = ROOT / "reports" / alert / "report.md"
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None or not report.is_file():
        missing = f"{report.relative_to(ROOT)} does not exist: name another report."
        if browser is None:
            missing = f"Chromium is missing. On Debian: apt install {_PACKAGES}"
        print(f"error: {missing}", file=sys.stderr)  # noqa: T201
        return 1
    OUT.mkdir(parents=True, exist_ok=True)
    body = shown(report.read_text(encoding="utf-8"))
    for scheme, colours in _COLOURS.items():
        page = page_of(body, report.parent, _CSS.format(**colours))
        target = OUT / f"report-{scheme}.png"
        photograph(browser, page, target)
        print(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1000:.0f} kB")  # noqa: T201
    return 0


def shown(report: str) -> str:
    """Return the HTML of a report; sections that are closed at first are empty."""
    first, _, rest = report.partition("<details")
    sections = re.findall(r"<details( open)?>(<summary>.*?</summary>)(.*?)</details>", report, re.S)
    links = rest[rest.rindex("</sub>") :]
    kept = [
        f"<details{opened}>{summary}{content if opened else ''}</details>\n"
        for opened, summary, content in sections
    ]
    markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return str(markdown.render("".join((first, *kept, links.removeprefix("</sub>")))))


def page_of(body: str, folder: Path, css: str) -> str:
    """Return a whole page: a comment of the bot, with the report in it."""
    return (
        f'<!doctype html><meta charset="utf-8"><base href="{folder.as_uri()}/">'
        f"<style>{css}</style>"
        '<div id="comment"><header><b>retouch</b><i>bot</i> commented</header>'
        f"<main>{body}</main></div>"
        "<script>onload = () => document.title = document.body.scrollHeight</script>"
    )


def photograph(browser: str, page: str, target: Path) -> None:
    """Write a PNG of the page at its own height. Raises CalledProcessError, or ValueError."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="utf-8")
        call = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--user-data-dir={folder}/profile", "--force-device-scale-factor=1",
        ]  # fmt: skip

        def run(*options: str) -> str:
            done = subprocess.run(
                [*call, *options, file.as_uri()], check=True, capture_output=True, text=True,
                timeout=120,
            )  # fmt: skip
            return done.stdout

        title = re.search(r"<title>(\d+)</title>", run(f"--window-size={WIDTH},400", "--dump-dom"))
        height = int(title[1]) if title else 0
        if height < _SMALLEST:
            raise ValueError(f"Chromium laid out a page of {height} pixels.")
        run(f"--window-size={WIDTH},{height}", f"--screenshot={target}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
