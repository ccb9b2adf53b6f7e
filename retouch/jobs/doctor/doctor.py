"""Is everything set up? Looks at the checkout, the data, the workflows, the token and GitHub.

Changes nothing. Without a network it says what it could not look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from retouch.dvc.project import find_root
from retouch.engine.project import Project
from retouch.errors import InputError
from retouch.git import git
from retouch.jobs.doctor.checkout import checkout_findings, data_findings
from retouch.jobs.doctor.findings import Diagnosis, Finding, each, fail
from retouch.jobs.doctor.github import Asking, github_findings
from retouch.jobs.doctor.workflows import workflow_finding


def examine(start: Path, environment: Mapping[str, str], asking: Asking) -> Diagnosis:
    """Look at everything and return what was found; `environment` is that of the process."""
    try:
        top = git.top_level(start)
        root = find_root(start)
    except InputError as error:
        return Diagnosis(findings=(fail("checkout", error.message, error.hint),))
    return Diagnosis(findings=tuple(_findings(Project(root), top, environment, asking)))


def _findings(
    project: Project, top: Path, environment: Mapping[str, str], asking: Asking
) -> list[Finding]:
    return [
        *checkout_findings(project, asking.network),
        *data_findings(project.root, environment, asking.network),
        *each(("workflows", lambda: workflow_finding(top))),
        *github_findings(top, environment, asking),
    ]
