"""Carry out the command in a comment on one of our pull requests, if its author may write here.

Nothing of a comment is ever run. Names in it are compared with names we know; its reason is
recorded as data, and shown escaped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from retouch.alerts.identifiers import ULID
from retouch.documents import Document
from retouch.errors import InputError
from retouch.gate.model import Override, Overrides, Verdict
from retouch.gate.overrides import blocking
from retouch.github import git_data, issues, pulls
from retouch.github.errors import Refused
from retouch.github.pulls import PullRequest
from retouch.github.repository import permission_of, run_workflow
from retouch.jobs.packages.comment import (
    HELP,
    Command,
    parse_comment,
    recorded_reason,
    resolve_check,
)
from retouch.jobs.packages.paths import ONLY_DOCUMENTS, allowed
from retouch.jobs.publish.pull_request import (
    Site,
    comment_once,
    set_labels,
    set_verdict_status,
)
from retouch.jobs.publish.retraining_commit import proposal_digest, with_trailer
from retouch.jobs.retrain.authorization import MAY_WRITE, CommentAuthority
from retouch.jobs.retrain.branch_contents import is_retouch_pull, retouch_pulls
from retouch.planning.model import Plan, reasons_for_approval
from retouch.reporting.escape import Markdown, code, join, write
from retouch.reporting.pull_request import DISCARDED, EDITED, HOLD, WAITING, edited_notice
from retouch.storage.documents import OVERRIDES


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _User(_Part):
    login: str = Field(max_length=100)
    type: str = ""


class _Comment(_Part):
    id: int = Field(ge=1)
    body: str | None = None
    created_at: AwareDatetime
    user: _User | None = None


class _Issue(_Part):
    number: int = Field(ge=1)
    pull_request: dict[str, object] | None = None


class _Event(_Part):
    action: str
    comment: _Comment
    issue: _Issue


class CommentCommand(_Part):
    """A command in a comment."""

    number: int
    """Of the pull request."""
    comment: int
    login: str
    at: datetime
    command: Command
    edited: bool = False
    """It was edited into this, by whoever may edit comments here."""


def read_comment_event(text: str) -> CommentCommand | None:
    """Return the command in an `issue_comment` event; None without one.

    Comments on issues and those of bots are ignored. Raises InputError for any other event.
    """
    try:
        event = _Event.model_validate(json.loads(text))
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(
            f"--event: is not an `issue_comment` event: {place or 'not an object'}."
        ) from None
    except (ValueError, RecursionError):
        raise InputError("--event: is not JSON.") from None
    result, who = event.comment, event.comment.user
    known = event.action in ("created", "edited")
    if not known or event.issue.pull_request is None or who is None:
        return None
    if who.type == "Bot" or who.login.endswith("[bot]"):
        return None
    command = parse_comment(result.body or "")
    if command is None:
        return None
    return CommentCommand(
        number=event.issue.number,
        comment=result.id,
        login=who.login,
        at=result.created_at,
        command=command,
        edited=event.action == "edited",
    )


WORKFLOW = "alert.yml"
_MOST_NAMES = 30
_PLAN = re.compile(rf"reports/({ULID})/plan\.json")
_Read = TypeVar("_Read", bound=Document)


@dataclass(frozen=True)
class _Context:
    """A command of an authorized person, on an open pull request of Retouch."""

    request: CommentCommand
    site: Site
    pull: PullRequest
    base: str
    """The base branch."""

    def file(self, path: str) -> bytes | None:
        return git_data.file_at(self.site.repo, path, self.pull.head.sha)

    def decline(self, text: Markdown) -> str:
        """Explain in a comment, once, with a thumbs-down; return what was done."""
        kind = "edited-reply" if self.request.edited else "reply"
        marker = f"<!-- retouch:{kind} v1 {self.request.comment} -->"
        comment_once(self.site, self.pull.number, marker, text)
        issues.add_reaction(self.site.repo, self.request.comment, "-1")
        return "not done; the reason is in a comment"


def carry_out(request: CommentCommand, site: Site, base: str) -> str:
    """Carry out a command, and return one sentence on what was done. Repeating it does no harm.

    Raises InputError and CheckFailed as GitHub's endpoints do.
    """
    pull = pulls.get_pull(site.repo, request.number)
    if pull is None or not is_retouch_pull(site.repo, pull) or pull.base.ref != base:
        return f"#{request.number} is not a pull request of Retouch; nothing was done."
    if permission_of(site.repo, request.login) not in MAY_WRITE:
        issues.add_reaction(site.repo, request.comment, "-1")
        return f"#{request.number}: the author may not write here; nothing was done."
    context = _Context(request, site, pull, base)
    if request.edited:
        return f"#{request.number}: {context.decline(_EDITED_COMMENT)}."
    issues.add_reaction(site.repo, request.comment, "eyes")
    try:
        result = _do(context)
    except Refused as refused:
        if refused.status not in (403, 422):
            raise
        result = context.decline(_not_written(refused))
    return f"#{request.number}: {result}."


def _not_written(refused: Refused) -> Markdown:
    return write(
        "It could not be done: {} If the base branch has newer workflow files, press **Update"
        " branch** on this pull request, and comment again.",
        refused.message,
    )


def _do(context: _Context) -> str:
    request = context.request
    if request.command.kind == "help":
        return context.decline(Markdown(HELP))
    if context.pull.status != "open" and not _is_half_discarded(context):
        return context.decline(Markdown("This pull request is closed: reopen it first."))
    if _has_moved(context):
        return context.decline(
            Markdown(
                "Nothing was done: somebody pushed to this branch after the comment was written."
                " Look at the branch, and comment again."
            )
        )
    match request.command.kind:
        case "hold":
            result = _hold(context)
        case "discard":
            result = _discard(context)
        case "override":
            return _override(context)
        case _:
            return _retrain(context)
    issues.add_reaction(context.site.repo, request.comment, "+1")
    return result


def _is_half_discarded(context: _Context) -> bool:
    """Tell whether a job closed the pull request at this command, and may have died before its end.

    Then the command goes on, so that the pull requests that waited for this one are started.
    """
    return context.request.command.kind == "discard" and DISCARDED in context.pull.labels


_EDITED_COMMENT = Markdown(
    "Nothing was done: a command counts as it was first written, and this comment was edited. Write"
    " it in a new comment."
)


def _has_moved(context: _Context) -> bool:
    """Tell whether somebody else pushed to the branch since the comment, by GitHub's own record.

    A commit's date proves nothing: whoever pushes it writes it. Without a record, nothing is known.
    """
    site, branch = context.site, context.pull.head.ref
    pushes = git_data.pushes_after(site.repo, branch, context.request.at) or ()
    authority = CommentAuthority(site.repo, context.pull.number)
    return any(push.actor != site.login for push in pushes) and (
        authority.result_commit(site.login) != context.pull.head.sha
    )


def _retrain(context: _Context) -> str:
    site, pull, overwrite = context.site, context.pull, context.request.command.overwrite
    if EDITED in pull.labels and not overwrite:
        return context.decline(edited_notice())
    if overwrite and not _remove_foreign_changes(context):
        return context.decline(_BRANCH_MOVED)
    wanted = [name for name in pull.labels if name not in (HOLD, EDITED)]
    set_labels(site, pull, tuple(wanted))
    return _start(context, "is being retrained")


def _start(context: _Context, result: str) -> str:
    """Start the workflow that retrains one pull request."""
    request = context.request
    inputs = {
        "pull": str(context.pull.number),
        "overwrite": "true" if request.command.overwrite else "false",
        "accepted_by": request.login if _needs_approval(context) else "",
    }
    run_workflow(context.site.repo, WORKFLOW, context.base, inputs)
    issues.add_reaction(context.site.repo, request.comment, "+1")
    return result


def _needs_approval(context: _Context) -> bool:
    """Tell whether the alerts need a person's approval to retrain."""
    report_id = _report_id(context)
    plan = _document(context, report_id, "plan.json", Plan)
    if plan is not None:
        return bool(reasons_for_approval(plan.provenance)) or plan.accepted_by is not None
    alert_id = context.pull.head.ref.rpartition("/")[2]
    return context.file(f"alerts/{alert_id}.json.sig") is None


def _remove_foreign_changes(context: _Context) -> bool:
    """Reset the branch to alerts and authorized overrides; other commits stay in history."""
    repo, head = context.site.repo, context.pull.head.sha
    base = git_data.branch_head(repo, context.base)
    if base is None:
        raise InputError(f"{repo.name}: there is no branch {context.base}.")
    texts, authority = {}, CommentAuthority(repo, context.pull.number)
    for path in pulls.changed_files(repo, context.pull.number):
        is_override = path.endswith(f"/{OVERRIDES}")
        kept = is_override or path.startswith("alerts/")
        if kept and allowed(path, ONLY_DOCUMENTS):
            raw = context.file(path)
            if raw is not None and not (is_override and authority.override_fault(path, raw)):
                texts[path] = raw.decode(errors="replace")
    message = with_trailer("Remove other changes from this branch", proposal_digest(base, texts))
    made = git_data.create_commit(repo, base, texts, message, parents=[head, base])
    return git_data.fast_forward_branch(repo, context.pull.head.ref, made)


def _hold(context: _Context) -> str:
    site, pull = context.site, context.pull
    set_labels(site, pull, tuple(sorted({*pull.labels, HOLD})))
    set_verdict_status(
        site, pull.head.sha, "pending", f"held by @{context.request.login}: /retrain resumes"
    )
    return "is on hold"


def _discard(context: _Context) -> str:
    site, pull = context.site, context.pull
    text = write(
        "Discarded by {}. It is not reopened automatically.", code(context.request.login, 100)
    )
    comment_once(site, pull.number, "<!-- retouch:discarded v1 -->", text)
    set_labels(site, pull, tuple(sorted({*pull.labels, DISCARDED})))
    set_verdict_status(site, pull.head.sha, "failure", f"discarded by @{context.request.login}")
    pulls.edit_pull(site.repo, pull.number, state="closed")
    # GitHub starts no workflow when a workflow's own token closes one: start those that wait.
    for other in retouch_pulls(site.repo, context.base):
        if WAITING in other.labels and other.number != pull.number:
            inputs = {"pull": str(other.number), "overwrite": "false", "accepted_by": ""}
            run_workflow(site.repo, WORKFLOW, context.base, inputs)
    return "is discarded"


def _override(context: _Context) -> str:
    report_id = _report_id(context)
    verdict = _document(context, report_id, "verdict.json", Verdict)
    stopping = blocking(verdict.deciding) if verdict else []
    names = tuple(dict.fromkeys(one.name for one in stopping))
    found = resolve_check(context.request.command, names)
    if found is None:
        return context.decline(_names_of(names))
    there = _document(context, report_id, OVERRIDES, Overrides) or Overrides()
    result = Override(
        check=found.check,
        reason=recorded_reason(found.reason),
        by=context.request.login,
        at=context.request.at,
    )
    if result not in there.overrides:
        if len(there.overrides) >= 50:
            return context.decline(Markdown("This report already has 50 overrides."))
        whole = Overrides(overrides=(*there.overrides, result))
        if not _commit(context, f"reports/{report_id}/{OVERRIDES}", whole):
            return context.decline(_BRANCH_MOVED)
    return _start(context, "has an override, and is being judged again")


def _commit(context: _Context, path: str, document: Document) -> bool:
    repo, head = context.site.repo, context.pull.head.sha
    texts = {path: document.to_json()}
    message = with_trailer("Record an override", proposal_digest(head, texts))
    made = git_data.create_commit(repo, head, texts, message)
    if not git_data.fast_forward_branch(repo, context.pull.head.ref, made):
        return False
    by = f"an override by @{context.request.login}"
    set_verdict_status(context.site, made, "pending", f"retraining, with {by}")
    return True


_BRANCH_MOVED = Markdown("Nothing was done: the branch changed in the meantime. Comment again.")


def _names_of(names: tuple[str, ...]) -> Markdown:
    if not names:
        return Markdown("There is no verdict here with a failed check.")
    listed = join(", ", [code(name, 200) for name in names[:_MOST_NAMES]])
    return write("No such check, or no reason. These failed: {}. {}", listed, Markdown(HELP))


def _report_id(context: _Context) -> str | None:
    """Return the id of the report on the branch; None where there is none, or more than one."""
    paths = pulls.changed_files(context.site.repo, context.pull.number)
    found = {m[1] for path in paths if (m := _PLAN.fullmatch(path))}
    return found.pop() if len(found) == 1 else None


def _document(
    context: _Context, report_id: str | None, name: str, model: type[_Read]
) -> _Read | None:
    """Return a document of the report on the branch; None without one. Raises InputError."""
    if report_id is None or not report_id.isalnum():
        return None
    raw = context.file(f"reports/{report_id}/{name}")
    if raw is None:
        return None
    try:
        return model.model_validate_json(raw)
    except ValueError as error:
        first = str(error).splitlines()[0]
        raise InputError(f"reports/{report_id}/{name}: cannot be read: {first}.") from None
