"""What the fake GitHub remembers of one repository, and what people do there.

Branches are read from git each time, as somebody may push into it meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from tests.github.bare import Bare
from tests.github.protection import ACTIONS

__all__ = ["ACTIONS"]

REPOSITORY = "acme/site"
_START = datetime(2024, 3, 1, 6, tzinfo=UTC)
Record = dict[str, Any]


class Site:
    """One repository: git, and all that GitHub keeps beside it."""

    def __init__(self, git: Bare, name: str = REPOSITORY) -> None:
        """`git` is the repository that it serves, and changes; `name` is `owner/name`."""
        self.git = git
        self.name = name
        self.owner = name.partition("/")[0]
        self.login = ACTIONS
        """Whom the token belongs to."""
        self.default_branch = "main"
        self.collaborators: dict[str, str] = {}
        """Roles by login: `admin`, `maintain`, `write`, `triage`, `read`; all others may read."""
        self.pulls: list[Record] = []
        self.issues: list[Record] = []
        self.comments: list[Record] = []
        self.reactions: list[Record] = []
        self.known_labels: set[str] = set()
        self.statuses: list[Record] = []
        self.deployments: list[Record] = []
        self.releases: list[Record] = []
        """Each with its `assets`, which hold their bytes."""
        self.events: list[Record] = []
        """Bodies of `repository_dispatch`."""
        self.dispatched: list[Record] = []
        """Starts of workflows: `workflow`, `ref`, `inputs`."""
        self.awaiting: list[Record] = []
        """Runs of other workflows that wait for a person's approval: `pull`, `sha`."""
        self.jobs: list[Record] = []
        """Jobs of workflow runs, with their logs."""
        self.activities: list[Record] = []
        """What happened to branches, and when it was seen."""
        self._count = 0
        self._ticks = 0
        self._seen: dict[str, str] = {}

    def new_id(self) -> int:
        """Return a number that nothing has yet, but for pull requests and issues."""
        self._count += 1
        return 1000 + self._count

    def now(self) -> str:
        """Return a time, a second later than the last one."""
        self._ticks += 1
        return f"{_START + timedelta(seconds=self._ticks):%Y-%m-%dT%H:%M:%SZ}"

    def pull(self, number: int) -> Record:
        """Return a pull request. Raises LookupError when there is none of this number."""
        return next((p for p in self.pulls if p["number"] == number), None) or _nothing(number)

    def issue(self, number: int) -> Record:
        """Return an issue or a pull request. Raises LookupError when there is none."""
        both = [*self.pulls, *self.issues]
        return next((i for i in both if i["number"] == number), None) or _nothing(number)

    def open_pull(
        self,
        head: str,
        *,
        title: str = "A change",
        body: str | None = None,
        author: str = "alice",
        base: str | None = None,
        owner: str | None = None,
        files: Mapping[str, str] | None = None,
        draft: bool = False,
    ) -> int:
        """Open a pull request as a person would, and return its number.

        `files` are committed to its branch first, which begins at the base. Another `owner` is a
        fork's: its branch is none of ours.
        """
        base = base or self.default_branch
        fork = owner not in (None, self.owner)
        start = (None if fork else self.git.head(head)) or self.git.head(base) or ""
        sha = start
        if files:
            entries = [(path, "100644", text.encode()) for path, text in files.items()]
            tree = self.git.tree(self.git.tree_of(start), entries)
            sha = self.git.commit(tree, [start], f"Change {', '.join(files)}", self.now())
            if not fork:
                self.git.point(head, sha)
        made = self.add_pull(head, base, sha, title, body, author, draft=draft)
        if fork:
            made["owner"] = owner
        return int(made["number"])

    def add_pull(
        self,
        head: str,
        base: str,
        sha: str,
        title: str,
        body: str | None,
        author: str,
        *,
        draft: bool = False,
    ) -> Record:
        """Remember a pull request, and return it."""
        pull = {
            "number": self._next_number(),
            "state": "open",
            "merged": False,
            "merged_at": None,
            "merge_commit_sha": None,
            "head": head,
            "base": base,
            "owner": self.owner,
            "sha": sha,
            "title": title,
            "body": body,
            "author": author,
            "labels": [],
            "draft": draft,
        }
        self.pulls.append(pull)
        self.git.refer(f"refs/pull/{pull['number']}/head", sha)
        self._await_approval(pull)
        return pull

    def add_issue(
        self, title: str, body: str | None = None, labels: list[str] | None = None, author: str = ""
    ) -> Record:
        """Remember an issue, and return it; the author is the token's, unless named."""
        issue = {
            "number": self._next_number(),
            "state": "open",
            "title": title,
            "body": body,
            "labels": labels or [],
            "author": author or self.login,
        }
        self.known_labels |= set(issue["labels"])
        self.issues.append(issue)
        return issue

    def comment(self, number: int, body: str, author: str = "alice") -> int:
        """Comment on an issue or a pull request, and return the comment's id."""
        self.sync()
        self.issue(number)
        made = {"id": self.new_id(), "number": number, "body": body, "author": author}
        now = self.now()
        self.comments.append(made | {"created_at": now, "updated_at": now, "editor": None})
        return int(made["id"])

    def edit_comment(self, comment: int, body: str, editor: str = "alice") -> None:
        """Change a comment's text, as whoever may write to the repository can.

        The API says that it was edited by a later `updated_at`, and not by whom; a reaction is no
        edit (docs.github.com, "REST API endpoints for issue comments", "Editing a comment").
        """
        found = next(one for one in self.comments if one["id"] == comment)
        found.update({"body": body, "updated_at": self.now(), "editor": editor})

    def ran(
        self,
        run: int,
        name: str,
        conclusion: str | None = "success",
        log: str = "",
        attempt: int = 1,
    ) -> int:
        """Remember a job of a workflow run, and return its id; without a conclusion it runs."""
        made = {"id": self.new_id(), "run": run, "name": name, "conclusion": conclusion}
        made |= {"attempt": attempt, "log": log, "at": self.now()}
        self.jobs.append(made | {"sha": self.git.head(self.default_branch)})
        return int(made["id"])

    def ends(self, job: int, conclusion: str, log: str) -> None:
        """Let a job that runs come to its end."""
        found = next(one for one in self.jobs if one["id"] == job)
        found.update({"conclusion": conclusion, "log": log, "at": self.now()})

    def label(self, number: int, *labels: str) -> None:
        """Give an issue or a pull request exactly these labels."""
        self.known_labels |= set(labels)
        self.issue(number)["labels"] = list(labels)

    def merge(
        self,
        number: int,
        method: Literal["merge", "squash"] = "merge",
        *,
        delete_branch: bool = True,
    ) -> str:
        """Merge a pull request as a person would, and return the commit that came of it.

        A conflict is an AssertionError.
        """
        self.sync()
        pull = self.pull(number)
        assert pull["state"] == "open", f"#{number} is not open"
        base = self.git.head(pull["base"]) or ""
        tree = self.git.merged_tree(base, pull["sha"])
        if method == "merge":
            title = f"Merge pull request #{number} from {pull['owner']}/{pull['head']}"
            message, parents = f"{title}\n\n{pull['title']}", [base, pull["sha"]]
        else:
            message, parents = f"{pull['title']} (#{number})\n\n{pull['body'] or ''}", [base]
        commit = self.git.commit(tree, parents, message, self.now())
        pull["fork_point"] = self.git.fork_point(base, pull["sha"])
        self.git.point(pull["base"], commit)
        self._merged(pull, commit)
        if delete_branch and pull["owner"] == self.owner:
            self.git.delete(pull["head"])
        return commit

    def close(self, number: int, *, delete_branch: bool = False) -> None:
        """Close a pull request or an issue, without merging it."""
        self.sync()
        self.issue(number)["state"] = "closed"
        if delete_branch:
            self.git.delete(self.pull(number)["head"])

    def sync(self) -> None:
        """Take in what was pushed: commits of pull requests, merges by hand, deleted branches."""
        heads = self.git.branches()
        if heads == self._seen:
            return
        for branch in sorted(heads.keys() | self._seen.keys()):
            self._note_activity(branch, self._seen.get(branch), heads.get(branch))
        self._seen = heads
        for pull in self.pulls:
            if pull["owner"] != self.owner or pull["state"] != "open":
                continue
            head = heads.get(pull["head"])
            if head is None:
                pull["state"] = "closed"
                continue
            if head != pull["sha"]:
                pull["sha"] = head
                self.git.refer(f"refs/pull/{pull['number']}/head", head)
                self._await_approval(pull)
            base = heads.get(pull["base"])
            if base is not None and self.git.is_ancestor(head, base):
                self._merged(pull, self._where_merged(head, base))

    def changed_files(self, number: int) -> list[Record]:
        """Return status, path and, of a moved file, old path of what a pull request changes."""
        pull = self.pull(number)
        start = pull.get("fork_point")
        if start is None:
            start = self.git.fork_point(self.git.head(pull["base"]) or "", pull["sha"])
        names = {"A": "added", "M": "modified", "D": "removed", "R": "renamed", "T": "changed"}
        found = []
        for status, *paths in self.git.changes(start, pull["sha"]):
            file = {"status": names[status[0]], "filename": paths[-1]}
            found.append(file | ({"previous_filename": paths[0]} if len(paths) > 1 else {}))
        return found

    def state(self) -> Record:
        """Return all of it as JSON can hold it."""
        self.sync()
        releases = [
            {**release, "assets": [_without_bytes(asset) for asset in release["assets"]]}
            for release in self.releases
        ]
        names = (
            "name pulls issues comments reactions statuses deployments events dispatched "
            "awaiting jobs"
        )
        known = {"labels": sorted(self.known_labels), "branches": self.git.branches()}
        return (
            {name: getattr(self, name) for name in names.split()} | known | {"releases": releases}
        )

    def _note_activity(self, branch: str, before: str | None, after: str | None) -> None:
        if before == after:
            return
        kind = "branch_creation" if before is None else "branch_deletion"
        if before is not None and after is not None:
            kind = "push" if self.git.is_ancestor(before, after) else "force_push"
        nothing = "0" * 40
        facts = {"before": before or nothing, "after": after or nothing, "activity_type": kind}
        made = {"id": self.new_id(), "ref": f"refs/heads/{branch}", "timestamp": self.now()}
        self.activities.append(made | facts)

    def _next_number(self) -> int:
        return len(self.pulls) + len(self.issues) + 1

    def _await_approval(self, pull: Record) -> None:
        # Who pushed into git is not known; what a workflow's token opened, it alone pushes to.
        if pull["author"] == ACTIONS:
            self.awaiting.append({"pull": pull["number"], "sha": pull["sha"]})

    def _merged(self, pull: Record, commit: str) -> None:
        merged = {"state": "closed", "merged": True, "merged_at": self.now()}
        pull.update(merged | {"merge_commit_sha": commit})

    def _where_merged(self, head: str, base: str) -> str:
        """Return the first commit of a branch's own line that holds another commit."""
        line = self.git.git("rev-list", "--first-parent", base, f"^{head}").decode().split()
        holding = [commit for commit in line if self.git.is_ancestor(head, commit)]
        return holding[-1] if holding else head


def _nothing(number: int) -> Record:
    raise LookupError(f"there is no #{number}")


def _without_bytes(asset: Record) -> Record:
    return {name: value for name, value in asset.items() if name != "content"}
