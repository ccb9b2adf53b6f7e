"""Retouch: retrain only what an alert touched.

The names below are the public interface for Python; docs/api.md shows them at work. They are
imported when they are first used, so that `import retouch` costs next to nothing. Everything else
in the package may change without notice.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retouch.alerts.model import Alert
    from retouch.alerts.verified import SubmittedAlert, VerifiedAlert
    from retouch.cli.console import ProgressLines as ProgressLines
    from retouch.engine.project import Project, open_project
    from retouch.engine.provenance import TrustSettings, verify_alerts
    from retouch.engine.report_files import rerender_report
    from retouch.engine.run import RunResult, Settings, build_pipeline, plan_alerts, run_alerts
    from retouch.engine.status import explain_stage, project_status
    from retouch.errors import CheckFailed, InputError, RetouchError
    from retouch.execution.model import Run
    from retouch.gate.comparison import Comparison, ScoredModel
    from retouch.gate.judge import judge
    from retouch.gate.model import Judgement, Verdict
    from retouch.planning.model import Plan
    from retouch.planning.plan import make_plan
    from retouch.reporting.report import render_report

__all__ = [
    "Alert",
    "CheckFailed",
    "Comparison",
    "InputError",
    "Judgement",
    "Plan",
    "ProgressLines",
    "Project",
    "RetouchError",
    "Run",
    "RunResult",
    "ScoredModel",
    "Settings",
    "SubmittedAlert",
    "TrustSettings",
    "Verdict",
    "VerifiedAlert",
    "build_pipeline",
    "explain_stage",
    "judge",
    "make_plan",
    "open_project",
    "plan_alerts",
    "project_status",
    "render_report",
    "rerender_report",
    "run_alerts",
    "verify_alerts",
]

_MODULES = {
    "retouch.alerts.model": ("Alert",),
    "retouch.alerts.verified": ("SubmittedAlert", "VerifiedAlert"),
    "retouch.cli.console": ("ProgressLines",),
    "retouch.engine.project": ("Project", "open_project"),
    "retouch.engine.provenance": ("TrustSettings", "verify_alerts"),
    "retouch.engine.report_files": ("rerender_report",),
    "retouch.engine.run": (
        *("RunResult", "Settings"),
        *("build_pipeline", "plan_alerts", "run_alerts"),
    ),
    "retouch.engine.status": ("explain_stage", "project_status"),
    "retouch.errors": ("CheckFailed", "InputError", "RetouchError"),
    "retouch.execution.model": ("Run",),
    "retouch.gate.comparison": ("Comparison", "ScoredModel"),
    "retouch.gate.judge": ("judge",),
    "retouch.gate.model": ("Judgement", "Verdict"),
    "retouch.planning.model": ("Plan",),
    "retouch.planning.plan": ("make_plan",),
    "retouch.reporting.report": ("render_report",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
