"""A proposal: what a retraining asks the publishing job to write to GitHub."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from retouch.alerts.identifiers import ULID
from retouch.documents import Document

Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
Branch = Annotated[str, StringConstraints(pattern=r"^retouch/[a-z]+/[A-Za-z0-9-]{1,64}$")]
"""Only Retouch's branches are ever written: `retouch/alert/<id>`, `retouch/retrain/<id>`."""
AlertName = Annotated[str, StringConstraints(pattern=f"^{ULID}$")]


class Proposal(Document):
    """The result for one group of alerts, for one pull request.

    Stored as a package (see `package_folder`). Nothing in it is trusted before `package_policy` has
    checked it: the job that wrote it ran the repository's code.
    """

    schema_version: Literal["1.0"] = "1.0"
    branch: Branch
    base: Commit
    """The commit of the base branch it was made on."""
    head: Commit | None = None
    """The branch's commit at that time; None: there was no branch."""
    pull: Annotated[int, Field(ge=1)] | None = None
    """The pull request, where there was one."""
    alert_ids: tuple[AlertName, ...] = ()
    """The group's alerts, and those that are only recorded."""
    report_id: AlertName | None = None
    """Its folder below `reports/`; None: nothing was planned, there are only receipts."""
    waits_for: tuple[int, ...] = ()
    """Pull requests that must be closed first, as they run the same stages."""
    faults: tuple[str, ...] = ()
    """Why a file is not an alert, or an alert is not trusted; a sentence each."""
    message: str = ""
    """One sentence on the result, where there is no report."""
