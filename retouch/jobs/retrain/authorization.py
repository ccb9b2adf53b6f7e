"""Approvals and overrides of people who may write, from their comments on a pull request.

What its branch records of them proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from retouch.gate.model import Override, Overrides
from retouch.git import branches
from retouch.github import issues
from retouch.github.records import was_status_set_by
from retouch.github.repository import Repository, permission_of
from retouch.jobs.packages.comment import AuthoredComment, requests_override, requests_retraining
from retouch.jobs.retrain.branch_contents import BranchContents
from retouch.planning.model import Plan
from retouch.schema_errors import shown

_MOST_COMMITS = 10
"""A retraining, and the overrides on top of it."""
MAY_WRITE = ("admin", "write")
HOW_TO_AUTHORIZE = "Ask for it in a comment of your own; `/retrain --overwrite` removes this one."


@dataclass(frozen=True)
class CommentAuthority:
    """The comments of one pull request, and who may write here. Fetched once, and only if needed.

    `number`: None where there is no pull request, and so no comment.
    """

    repo: Repository
    number: int | None
    _may: dict[str, bool] = field(default_factory=dict)

    @cached_property
    def _comments(self) -> tuple[AuthoredComment, ...]:
        if self.number is None:
            return ()
        found = issues.list_comments(self.repo, self.number)
        return tuple(AuthoredComment(comment.author, comment.body) for comment in found)

    def may_write(self, login: str) -> bool:
        """Tell whether a login may write to the repository now."""
        if login not in self._may:
            self._may[login] = permission_of(self.repo, login) in MAY_WRITE
        return self._may[login]

    def approved(self, login: str) -> bool:
        """Tell whether this person asked for the retraining, and may write."""
        return requests_retraining(login, self._comments) and self.may_write(login)

    def requested_override(self, one: Override) -> bool:
        """Tell whether a person who may write asked for this override."""
        return requests_override(one.check, one.reason, one.by, self._comments) and self.may_write(
            one.by
        )

    def override_fault(self, path: str, raw: bytes) -> str | None:
        """Return what is wrong with a file of overrides; None when each was requested."""
        try:
            overrides = Overrides.model_validate_json(raw).overrides
        except ValueError:
            return f"{path}: is not a valid list of overrides. {HOW_TO_AUTHORIZE}"
        for one in overrides:
            if not self.requested_override(one):
                check, by = shown(one.check), shown(one.by)
                message = f"{path}: no comment by {by} with write access overrides {check}"
                return f"{message}. {HOW_TO_AUTHORIZE}"
        return None


def authorized(incoming: BranchContents, repo: Repository, number: int | None) -> BranchContents:
    """Return a branch's contents without what no comment of a writer authorizes.

    Overrides without such a comment are left out, and are faults. The approver of an earlier plan
    is dropped without one. Lock files are left out.
    """
    authority = CommentAuthority(repo, number)
    fault_by_path = {
        path: authority.override_fault(path, raw) for path, raw in incoming.overrides.items()
    }
    faults = tuple(fault for fault in fault_by_path.values() if fault is not None)
    return replace(
        incoming,
        faults=(*incoming.faults, *faults),
        plans=tuple(_with_known_approver(plan, authority) for plan in incoming.plans),
        documents={p: raw for p, raw in incoming.documents.items() if fault_by_path.get(p) is None},
        locks={},
    )


def authorized_with_locks(
    incoming: BranchContents, repo: Repository, number: int | None, root: Path, us: str
) -> BranchContents:
    """Return as `authorized` does, with the branch's lock files if a retraining made them.

    DVC restores what a lock names instead of running the stage, and a model is code: so a verdict
    of the login `us` must be on a commit of the branch with the very same files.
    """
    found = authorized(incoming, repo, number)
    wanted = {path: text.encode() for path, text in incoming.locks.items()}
    if not wanted:
        return found
    for commit in branches.last_commits(root, incoming.head, _MOST_COMMITS):
        same = branches.read_files(root, commit, wanted) == wanted
        if same and was_status_set_by(repo, commit, us, "success"):
            return replace(found, locks=incoming.locks)
    return found


def _with_known_approver(plan: Plan, authority: CommentAuthority) -> Plan:
    if plan.accepted_by is None or authority.approved(plan.accepted_by):
        return plan
    return plan.model_copy(update={"accepted_by": None})
