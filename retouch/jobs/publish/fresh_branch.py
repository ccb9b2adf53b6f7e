"""Where to publish when GitHub does not let the answer's branch take over newer workflow files.

A token without the permission `workflows` may not change `.github/workflows` on a branch, not even
to what the base branch has. A branch made anew from the base branch's newest commit changes none.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from retouch.errors import CheckFailed
from retouch.git import branches
from retouch.github import git_data
from retouch.github import pulls as github_pulls
from retouch.github.errors import Refused
from retouch.github.pulls import PullRequest
from retouch.jobs.publish.pull_request import (
    Publication,
    Site,
    comment_once,
    set_labels,
    set_verdict_status,
)
from retouch.reporting.escape import Markdown
from retouch.reporting.pull_request import SUPERSEDED

WORKFLOWS = ".github/workflows"
_OTHER = {"alert": "retrain", "retrain": "alert"}


def on_fresh_branch(publication: Publication, newest: str, root: Path) -> Publication | None:
    """Return a publication on a branch made from the base branch's newest commit.

    None unless a branch that exists would take over other workflow files, or a new one would bring
    older ones. `newest` was fetched. The publication's pull request is still to be opened or found.
    """
    package, head = publication.package, publication.head
    theirs, ours = (head, publication.base) if head else (publication.base, newest)
    if branches.tree_at(root, theirs, WORKFLOWS) == branches.tree_at(root, ours, WORKFLOWS):
        return None
    branch = _other_name(package.proposal.branch) if head else package.proposal.branch
    there = branches.fetch(root, branch)
    changed = {"branch": branch, "base": newest, "head": there, "pull": None}
    proposal = package.proposal.model_copy(update=changed)
    return replace(publication, package=replace(package, proposal=proposal), pull=None, head=there)


def _other_name(branch: str) -> str:
    """Return the alert's other branch: one is free once the other's pull request is closed."""
    prefix, kind, name = branch.split("/")
    return f"{prefix}/{_OTHER[kind]}/{name}"


def workflows_refused(branch: str, refused: Refused) -> CheckFailed:
    """Return the error for a refusal that a fresh branch did not get past."""
    return CheckFailed(
        f"{branch}: GitHub does not let this token bring the base branch's newer workflow files to"
        f" it ({refused.message})",
        hint="Press `Update branch` on the pull request.",
    )


def close_former(former: PullRequest, pull: PullRequest, site: Site) -> None:
    """Close a pull request that goes on in another one, with a link, and delete its branch."""
    number = int(pull.number)
    text = Markdown(
        f"Continued in #{number}. The base branch has newer workflow files, which GitHub does not"
        " let a workflow's token bring to a branch that exists."
    )
    comment_once(site, former.number, "<!-- retouch:continued v1 -->", text)
    set_labels(site, former, tuple(sorted({*former.labels, SUPERSEDED})))
    set_verdict_status(site, former.head.sha, "failure", f"continued in #{number}")
    github_pulls.edit_pull(site.repo, former.number, state="closed")
    git_data.delete_branch(site.repo, former.head.ref)
