"""Which references a token may move, as GitHub decides it for pushes and for its API alike.

Workflow files. A token without the permission `workflows` may not create or update a file of
`.github/workflows` (docs.github.com, "Permissions required for GitHub Apps": Workflows; "REST API
endpoints for Git references": *Create a reference* names `contents=write,workflows=write`), and
`GITHUB_TOKEN` can never hold it ("Workflow syntax": `permissions` has no such key). What counts as
creating is told by reports alone, and they agree on this: a reference that is new, a tag too, may
not point to a commit whose workflow files differ from those at the head of a branch, although main
had them a minute ago (actions/checkout#1421, vercel/next.js#94596, mkb79/Audible#882). They do not
agree on a branch that exists and takes over a file that main has. So the fake is as strict as the
strictest: a branch that exists keeps its workflow files, and a new reference has main's. With
`like_a_branch` it lets pass what any branch has ("Scopes for OAuth apps": `workflow`).

Rulesets (docs.github.com, "About rulesets", "Available rules for rulesets"). Roles and Apps may be
on the list of those who pass; `GITHUB_TOKEN` cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from tests.github.bare import Bare

ACTIONS = "github-actions[bot]"
_FOLDER = ".github/workflows"
Rule = Literal["creation", "update", "deletion", "pull_request"]
_WORDS: dict[Rule, str] = {
    "creation": "Cannot create ref due to creations being restricted.",
    "update": "Cannot update this protected ref.",
    "deletion": "Cannot delete this protected ref.",
    "pull_request": "Changes must be made through a pull request.",
}


@dataclass(frozen=True)
class Actor:
    """Whom a token belongs to, and what it may do."""

    login: str
    permissions: Mapping[str, str] = field(default_factory=dict)
    """`read` or `write` by area: `contents`, `pull_requests`, ..., `workflows`."""

    @property
    def may_change_workflows(self) -> bool:
        return self.login != ACTIONS and self.permissions.get("workflows") == "write"


@dataclass(frozen=True)
class Ruleset:
    """Rules for the references whose full names match a pattern."""

    pattern: str
    """`refs/tags/means@*`."""
    rules: frozenset[Rule]
    bypass: frozenset[str] = frozenset()
    """Logins of Apps, and roles."""


@dataclass(frozen=True)
class Move:
    """A reference by its full name, and what it points to before and after; None is nothing."""

    ref: str
    old: str | None
    new: str | None

    @property
    def broken(self) -> frozenset[Rule]:
        """Return the rules that it would break."""
        kind: Rule = "creation" if self.old is None else "update"
        if self.new is None:
            return frozenset({"deletion"})
        return frozenset({kind, "pull_request"})


@dataclass(frozen=True)
class Refusal:
    """Why a reference is not moved."""

    message: str
    is_ruleset: bool = False
    """Else it is about a workflow file."""


def refusal(
    git: Bare,
    move: Move,
    actor: Actor,
    *,
    default_branch: str,
    rulesets: Sequence[Ruleset] = (),
    role: str | None = None,
    like_a_branch: bool = False,
    env: Mapping[str, str] = {},
) -> Refusal | None:
    """Return why an actor may not move a reference; None when it may.

    `role` is the actor's in the repository; `env` lets git see objects that are not accepted yet.
    """
    known = {actor.login, role} - {None, ACTIONS}
    for ruleset in rulesets:
        broken = ruleset.rules & move.broken
        if broken and fnmatchcase(move.ref, ruleset.pattern) and not ruleset.bypass & known:
            return Refusal(_WORDS[sorted(broken)[0]], is_ruleset=True)
    if actor.may_change_workflows or move.new is None:
        return None
    path = _workflow_changed(git, move, default_branch, like_a_branch, env)
    if path is None:
        return None
    return Refusal(
        f"refusing to allow a GitHub App to create or update workflow `{path}` without "
        "`workflows` permission"
    )


def _workflow_changed(
    git: Bare, move: Move, default_branch: str, like_a_branch: bool, env: Mapping[str, str]
) -> str | None:
    """Return a workflow file that a move creates or updates."""
    assert move.new is not None
    files = _workflows(git, move.new, env)
    known = set(_workflows(git, move.old, env).items()) if move.old else set()
    if move.old is None or like_a_branch:
        heads = git.branches()
        chosen = heads.values() if like_a_branch else [heads.get(default_branch)]
        for head in chosen:
            known |= set(_workflows(git, head, env).items()) if head else set()
    return next((path for path, blob in sorted(files.items()) if (path, blob) not in known), None)


def _workflows(git: Bare, commit: str, env: Mapping[str, str]) -> dict[str, str]:
    """Return the blob of each workflow file, by its path; none for what is no commit."""
    if git.git("cat-file", "-t", commit, env=env).decode().strip() not in ("commit", "tag"):
        return {}
    listed = git.git("ls-tree", "-r", "-z", f"{commit}^{{commit}}", "--", _FOLDER, env=env).decode()
    lines = [line.partition("\t") for line in listed.split("\0") if line]
    return {path: facts.split()[2] for facts, _, path in lines}
