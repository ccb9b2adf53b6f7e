"""A proposal: what one retraining wants to be written to GitHub. The publishing job decides."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from retouch.documents import Document

Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
Branch = Annotated[str, StringConstraints(pattern=r"^retouch/[a-z]+/[A-Za-z0-9-]{1,64}$")]
"""Only branches of ours are ever written: `retouch/alert/<id>`, `retouch/retrain/<id>`."""
AlertName = Annotated[str, StringConstraints(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]


class Proposal(Document):
    """What one group of alerts came to, for one pull request.

    It lies in a folder of its own: `proposal.json`, the files of the commit below `files/` by their
    path, and DVC's objects below `objects/` by their hash. Nothing in it is believed before
    `boundary` has looked at it: the job that wrote it ran the repository's code.
    """

    schema_version: Literal["1.0"] = "1.0"
    branch: Branch
    base: Commit
    """The commit of the base branch all of it was made on."""
    head: Commit | None = None
    """Where the branch was then; None: it is to be made."""
    pull: Annotated[int, Field(ge=1)] | None = None
    """The pull request, where there was one."""
    alert_ids: tuple[AlertName, ...] = ()
    """Of the group; of alerts only recorded, those."""
    report_id: AlertName | None = None
    """Its folder below `reports/`; None: nothing was planned, only receipts come with it."""
    waits_for: tuple[int, ...] = ()
    """Pull requests that must be settled first, as they run the same stages."""
    faults: tuple[str, ...] = ()
    """Sentences: why a file is no alert, or an alert is not believed."""
    message: str = ""
    """One sentence on what came of it, where there is no report to say so."""
