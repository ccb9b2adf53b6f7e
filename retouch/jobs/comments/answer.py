"""Do what a comment on a pull request of ours asks for, if its author may.

Nothing of a comment is ever run. What it names is compared with names we know; what it says is
written down as data, and shown escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from retouch.documents import Document
from retouch.errors import InputError
from retouch.gate.model import Override, Overrides, Verdict
from retouch.gate.overrides import blocking
from retouch.git import branches
from retouch.github import git_data, issues, pulls
from retouch.github.git_data import get_commit
from retouch.github.pulls import PullRequest
from retouch.github.repository import permission_of, run_workflow
from retouch.jobs.comments.request import Asked
from retouch.jobs.packages.comment import HELP, named
from retouch.jobs.packages.comment_authority import kept_reason
from retouch.jobs.packages.paths import ONLY_DOCUMENTS, allowed
from retouch.jobs.publish.answer_commit import proposal_digest, with_trailer
from retouch.jobs.publish.pull_request_sync import Site, label, our_report, say, tell_once
from retouch.jobs.retrain.authorization import MAY_WRITE, Hearing
from retouch.jobs.retrain.open_pulls import is_ours, our_pulls
from retouch.planning.model import Plan, reasons_to_vouch
from retouch.reporting.escape import Markdown, code, join, write
from retouch.reporting.pull_request import DISCARDED, EDITED, HOLD, WAITING, edited_notice
from retouch.storage.documents import OVERRIDES

WORKFLOW = "alert.yml"
_MOST_NAMES = 30
_Read = TypeVar("_Read", bound=Document)


@dataclass(frozen=True)
class _Request:
    """A command of somebody who may give it, on an open pull request of ours."""

    asked: Asked
    site: Site
    pull: PullRequest
    base: str
    """The base branch."""

    def file(self, path: str) -> bytes | None:
        return git_data.file_at(self.site.repo, path, self.pull.head.sha)

    def say_no(self, text: Markdown) -> str:
        """Answer with a comment, once, and a thumb down."""
        marker = f"<!-- retouch:reply v1 {self.asked.comment} -->"
        tell_once(self.site, self.pull.number, marker, text)
        issues.add_reaction(self.site.repo, self.asked.comment, "-1")
        return "not done: it was said why"


def answer(asked: Asked, site: Site, base: str) -> str:
    """Do what is asked, and return one sentence on what was done. Taken again, it does no harm.

    Raises InputError and CheckFailed as GitHub's endpoints do.
    """
    pull = pulls.get_pull(site.repo, asked.number)
    if pull is None or not is_ours(site.repo, pull) or pull.base.ref != base:
        return f"#{asked.number} is no pull request of ours; nothing is done."
    if permission_of(site.repo, asked.login) not in MAY_WRITE:
        issues.add_reaction(site.repo, asked.comment, "-1")
        return f"#{asked.number}: who asks may not write here; nothing is done."
    issues.add_reaction(site.repo, asked.comment, "eyes")
    request = _Request(asked, site, pull, base)
    said = _do(request)
    return f"#{asked.number}: {said}."


def _do(request: _Request) -> str:
    asked = request.asked
    if asked.command.kind == "help":
        return request.say_no(Markdown(HELP))
    if request.pull.status != "open":
        return request.say_no(Markdown("This pull request is closed: open it again first."))
    if _has_moved(request):
        return request.say_no(
            Markdown(
                "Nothing was done: somebody has committed to this branch after the comment was"
                " written. Look at it again, and comment again."
            )
        )
    match asked.command.kind:
        case "hold":
            said = _hold(request)
        case "discard":
            said = _discard(request)
        case "override":
            return _override(request)
        case _:
            return _retrain(request)
    issues.add_reaction(request.site.repo, asked.comment, "+1")
    return said


def _has_moved(request: _Request) -> bool:
    """Tell whether another's commit is newer than the comment, as far as its date tells."""
    head = get_commit(request.site.repo, request.pull.head.sha)
    return branches.proposal_of(head.message) is None and head.committed_at > request.asked.at


def _retrain(request: _Request) -> str:
    site, pull, overwrite = request.site, request.pull, request.asked.command.overwrite
    if EDITED in pull.labels and not overwrite:
        return request.say_no(edited_notice())
    if overwrite and not _take_back(request):
        return request.say_no(_FASTER)
    wanted = [name for name in pull.labels if name not in (HOLD, EDITED)]
    label(site, pull, tuple(wanted))
    return _start(request, "is retrained again")


def _start(request: _Request, said: str) -> str:
    """Start the workflow that retrains one pull request."""
    asked = request.asked
    inputs = {
        "pull": str(request.pull.number),
        "overwrite": "true" if asked.command.overwrite else "false",
        "accepted_by": asked.login if _must_be_vouched_for(request) else "",
    }
    run_workflow(request.site.repo, WORKFLOW, request.base, inputs)
    issues.add_reaction(request.site.repo, asked.comment, "+1")
    return said


def _must_be_vouched_for(request: _Request) -> bool:
    """Tell whether the alerts retrain nothing without a person's word."""
    report_id = our_report(request.site, request.pull.number)
    plan = _document(request, report_id, "plan.json", Plan)
    if plan is not None:
        return bool(reasons_to_vouch(plan.provenance)) or plan.accepted_by is not None
    alert_id = request.pull.head.ref.rpartition("/")[2]
    return request.file(f"alerts/{alert_id}.json.sig") is None


def _take_back(request: _Request) -> bool:
    """Commit what is ours alone onto the branch; what others committed stays in its history."""
    repo, head = request.site.repo, request.pull.head.sha
    base = git_data.branch_head(repo, request.base)
    if base is None:
        raise InputError(f"{repo.name}: there is no branch {request.base}.")
    texts, hearing = {}, Hearing(repo, request.pull.number)
    for path in pulls.changed_files(repo, request.pull.number):
        said = path.endswith(f"/{OVERRIDES}")
        ours = said or path.startswith("alerts/")
        if ours and allowed(path, ONLY_DOCUMENTS):
            raw = request.file(path)
            if raw is not None and not (said and hearing.case_fault(path, raw)):
                texts[path] = raw.decode(errors="replace")
    message = with_trailer("Take others' changes off this branch", proposal_digest(base, texts))
    made = git_data.create_commit(repo, base, texts, message, parents=[head, base])
    return git_data.fast_forward_branch(repo, request.pull.head.ref, made)


def _hold(request: _Request) -> str:
    site, pull = request.site, request.pull
    label(site, pull, tuple(sorted({*pull.labels, HOLD})))
    say(site, pull.head.sha, "pending", f"held by @{request.asked.login}: /retrain goes on")
    return "is held"


def _discard(request: _Request) -> str:
    site, pull = request.site, request.pull
    text = write("Discarded by {}. It is not opened again.", code(request.asked.login, 100))
    tell_once(site, pull.number, "<!-- retouch:discarded v1 -->", text)
    label(site, pull, tuple(sorted({*pull.labels, DISCARDED})))
    say(site, pull.head.sha, "failure", f"discarded by @{request.asked.login}")
    pulls.edit_pull(site.repo, pull.number, state="closed")
    # GitHub starts no workflow for what a workflow's own token closes, so those that wait are told.
    for other in our_pulls(site.repo, request.base):
        if WAITING in other.labels and other.number != pull.number:
            inputs = {"pull": str(other.number), "overwrite": "false", "accepted_by": ""}
            run_workflow(site.repo, WORKFLOW, request.base, inputs)
    return "is discarded"


def _override(request: _Request) -> str:
    report_id = our_report(request.site, request.pull.number)
    verdict = _document(request, report_id, "verdict.json", Verdict)
    stopping = blocking(verdict.deciding) if verdict else []
    names = tuple(dict.fromkeys(one.name for one in stopping))
    found = named(request.asked.command, names)
    if found is None:
        return request.say_no(_names_of(names))
    there = _document(request, report_id, OVERRIDES, Overrides) or Overrides()
    said = Override(
        check=found.check,
        reason=kept_reason(found.reason),
        by=request.asked.login,
        at=request.asked.at,
    )
    if said not in there.overrides:
        if len(there.overrides) >= 50:
            return request.say_no(Markdown("This report has 50 overrides already."))
        whole = Overrides(overrides=(*there.overrides, said))
        if not _commit(request, f"reports/{report_id}/{OVERRIDES}", whole):
            return request.say_no(_FASTER)
    return _start(request, "has an override, and is judged again")


def _commit(request: _Request, path: str, document: Document) -> bool:
    repo, head = request.site.repo, request.pull.head.sha
    texts = {path: document.to_json()}
    message = with_trailer("Put an override on record", proposal_digest(head, texts))
    made = git_data.create_commit(repo, head, texts, message)
    if not git_data.fast_forward_branch(repo, request.pull.head.ref, made):
        return False
    by = f"an override by @{request.asked.login}"
    say(request.site, made, "pending", f"retraining, with {by}")
    return True


_FASTER = Markdown("Nothing was done: the branch moved meanwhile. Comment again.")


def _names_of(names: tuple[str, ...]) -> Markdown:
    if not names:
        return Markdown("There is no verdict here with a check that does not hold.")
    listed = join(", ", [code(name, 200) for name in names[:_MOST_NAMES]])
    return write("No such check, or no reason. These do not hold: {}. {}", listed, Markdown(HELP))


def _document(
    request: _Request, report_id: str | None, name: str, model: type[_Read]
) -> _Read | None:
    """Return a document of the report as the branch has it; None when it has none that reads."""
    if report_id is None or not report_id.isalnum():
        return None
    raw = request.file(f"reports/{report_id}/{name}")
    if raw is None:
        return None
    try:
        return model.model_validate_json(raw)
    except ValueError as error:
        first = str(error).splitlines()[0]
        raise InputError(f"reports/{report_id}/{name}: cannot be read: {first}.") from None
