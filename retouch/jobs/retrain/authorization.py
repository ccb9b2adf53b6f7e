"""What people with a say have said on a pull request; what its branch says of them is no proof."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from retouch.gate.model import Override, Overrides
from retouch.git import branches
from retouch.github import issues
from retouch.github.records import was_status_set_by
from retouch.github.repository import Repository, permission_of
from retouch.jobs.packages.comment_authority import Said, is_said, is_vouching
from retouch.jobs.retrain.incoming import Incoming
from retouch.planning.model import Plan
from retouch.schema_errors import shown

_MOST_COMMITS = 10
"""An answer, and the overrides on top of it."""
MAY_WRITE = ("admin", "write")
NO_PROOF = "Ask for it in a comment of your own; `/retrain --overwrite` takes this one off."


@dataclass(frozen=True)
class Hearing:
    """The comments of one pull request, and who may write here. Asked for once, and only if needed.

    `number`: None where there is no pull request, and so nobody has said anything.
    """

    repo: Repository
    number: int | None
    _may: dict[str, bool] = field(default_factory=dict)

    @cached_property
    def _said(self) -> tuple[Said, ...]:
        if self.number is None:
            return ()
        found = issues.list_comments(self.repo, self.number)
        return tuple(Said(comment.author, comment.body) for comment in found)

    def may_write(self, login: str) -> bool:
        """Tell whether somebody may write to the repository, today."""
        if login not in self._may:
            self._may[login] = permission_of(self.repo, login) in MAY_WRITE
        return self._may[login]

    def vouched(self, login: str) -> bool:
        """Tell whether it was this person who asked for the retraining, and they may write."""
        return is_vouching(login, self._said) and self.may_write(login)

    def overrode(self, one: Override) -> bool:
        """Tell whether a person who may write asked for this override."""
        return is_said(one.check, one.reason, one.by, self._said) and self.may_write(one.by)

    def case_fault(self, path: str, raw: bytes) -> str | None:
        """Return what is wrong with a file of overrides; None when people said all of it."""
        try:
            overrides = Overrides.model_validate_json(raw).overrides
        except ValueError:
            return f"{path}: is no list of overrides. {NO_PROOF}"
        for one in overrides:
            if not self.overrode(one):
                check, by = shown(one.check), shown(one.by)
                message = f"{path}: no comment here by {by}, who may write, overrides {check}"
                return f"{message}. {NO_PROOF}"
        return None


def heard(incoming: Incoming, repo: Repository, number: int | None) -> Incoming:
    """Return what a branch brings without what nobody with a say has said.

    Overrides that no writer's comment asked for are left out, and are faults. Who vouched for an
    earlier answer is forgotten without such a comment. Lock files are left out.
    """
    hearing = Hearing(repo, number)
    told = {path: hearing.case_fault(path, raw) for path, raw in incoming.overrides.items()}
    faults = tuple(fault for fault in told.values() if fault is not None)
    return replace(
        incoming,
        faults=(*incoming.faults, *faults),
        plans=tuple(_vouched(plan, hearing) for plan in incoming.plans),
        documents={p: raw for p, raw in incoming.documents.items() if told.get(p) is None},
        locks={},
    )


def heard_and_made(
    incoming: Incoming, repo: Repository, number: int | None, root: Path, us: str
) -> Incoming:
    """Return as `heard` does, with the branch's lock files if they are of an answer of ours.

    DVC restores what a lock names instead of making it, and a model is code: so our verdict (`us`
    is our login) must lie on a commit of the branch that has the very same ones.
    """
    found = heard(incoming, repo, number)
    wanted = {path: text.encode() for path, text in incoming.locks.items()}
    if not wanted:
        return found
    for commit in branches.last_commits(root, incoming.head, _MOST_COMMITS):
        same = branches.read_files(root, commit, wanted) == wanted
        if same and was_status_set_by(repo, commit, us, "success"):
            return replace(found, locks=incoming.locks)
    return found


def _vouched(plan: Plan, hearing: Hearing) -> Plan:
    if plan.accepted_by is None or hearing.vouched(plan.accepted_by):
        return plan
    return plan.model_copy(update={"accepted_by": None})
