"""Write the golden files anew: `python -m tests.reporting.regenerate`, then read the diff."""

from __future__ import annotations

from pathlib import Path

from retouch.reporting.incident import render_incident
from retouch.reporting.plan import explain_plan
from tests.reporting.cases import CASES, ladder, report_of
from tests.reporting.verdict_cases import halted

GOLDEN = Path(__file__).parent.parent / "golden"


def golden_texts() -> dict[str, str]:
    """Return every golden file's name and what it must hold."""
    reports = {f"report_{name}.md": report_of(name) for name in CASES}
    incident = render_incident(*halted()) or ""
    plans = {"plan_ladder.md": explain_plan(ladder()[0])}
    return reports | plans | {"report_halted_incident.md": incident}


def main() -> None:
    """Write them all."""
    for name, text in golden_texts().items():
        (GOLDEN / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
