"""What GitHub itself says of a pull request: who asked for what, and which commit is our result.

Approvals and overrides come from comments of people who may write. What a branch records of them
proves nothing, nor does the message of its commit: whoever may push writes both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from retouch.gate.model import Override, Overrides
from retouch.git import branches
from retouch.github import git_data, issues
from retouch.github.pulls import get_pull
from retouch.github.records import latest_status
from retouch.github.repository import Repository, permission_of
from retouch.jobs.packages.comment import (
    AuthoredComment,
    requests_override,
    retraining_requested_at,
)
from retouch.jobs.retrain.branch_contents import BranchContents
from retouch.planning.model import Plan
from retouch.reporting.marker import read_result_commit
from retouch.reporting.pull_request import WAITING_FOR
from retouch.schema_errors import shown

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
        return tuple(
            AuthoredComment(one.author, one.body, one.created_at, one.updated_at > one.created_at)
            for one in found
        )

    def may_write(self, login: str) -> bool:
        """Tell whether a login may write to the repository now."""
        if login not in self._may:
            self._may[login] = permission_of(self.repo, login) in MAY_WRITE
        return self._may[login]

    def approved(self, login: str, root: Path) -> bool:
        """Tell whether this person asked for the retraining of these alerts, and may write.

        An alert that was pushed to the branch after their comment was not meant. `root`: a checkout
        of the base branch.
        """
        at = retraining_requested_at(login, self._comments)
        return at is not None and self.may_write(login) and self._had_alerts(at, root)

    def _had_alerts(self, at: datetime, root: Path) -> bool:
        """Tell whether the branch had all of its alerts then, by GitHub's record of pushes.

        Without such a record, nothing is known, and nothing stands against it.
        """
        pull = get_pull(self.repo, self.number) if self.number is not None else None
        pushes = git_data.pushes_after(self.repo, pull.head.ref, at) if pull else ()
        if not pull or not pushes:
            return True
        now, then = pull.head.sha, pushes[-1].before
        if not all(branches.fetch_commit(root, commit) for commit in (now, then)):
            return False
        known = (
            branches.alert_blobs(root, then).items() | branches.alert_blobs(root, "HEAD").items()
        )
        return branches.alert_blobs(root, now).items() <= known

    def requested_override(self, one: Override) -> bool:
        """Tell whether a person who may write asked for this override."""
        return requests_override(one.check, one.reason, one.by, self._comments) and self.may_write(
            one.by
        )

    def result_commit(self, us: str) -> str | None:
        """Return the commit that our report comment names as the result; None without one."""
        found = (read_result_commit(c.body) for c in self._comments if c.login == us)
        return next((commit for commit in found if commit is not None), None)

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
                return f"{message} (an edited one does not count). {HOW_TO_AUTHORIZE}"
        return None


def authorized(
    incoming: BranchContents, repo: Repository, number: int | None, us: str, root: Path
) -> BranchContents:
    """Return a branch's contents without what no comment of a writer authorizes.

    Overrides without such a comment are left out, and are faults. The approver of an earlier plan
    is dropped without one. Its newest commit is a result of ours when the comment of the login
    `us` on the pull request names it, and the status on it is final.
    """
    authority = CommentAuthority(repo, number)
    fault_by_path = {
        path: authority.override_fault(path, raw) for path, raw in incoming.overrides.items()
    }
    faults = tuple(fault for fault in fault_by_path.values() if fault is not None)
    return replace(
        incoming,
        faults=(*incoming.faults, *faults),
        plans=tuple(_with_known_approver(plan, authority, root) for plan in incoming.plans),
        documents={p: raw for p, raw in incoming.documents.items() if fault_by_path.get(p) is None},
        published=authority.result_commit(us) == incoming.head and is_final(repo, incoming.head),
    )


def is_final(repo: Repository, commit: str) -> bool:
    """Tell whether the status `retouch/verdict` of a commit says more than that work began.

    Waiting for another pull request is final: what ends it is looked at anew.
    """
    status = latest_status(repo, commit)
    return status is not None and (status[0] != "pending" or status[1].startswith(WAITING_FOR))


def _with_known_approver(plan: Plan, authority: CommentAuthority, root: Path) -> Plan:
    if plan.accepted_by is None or authority.approved(plan.accepted_by, root):
        return plan
    return plan.model_copy(update={"accepted_by": None})
