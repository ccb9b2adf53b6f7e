"""Write answers to GitHub: objects, one commit, branch, pull request, labels, comment, status.

Every step can be taken again: what an earlier call left is found and made use of. Nothing a package
says is believed before it was checked, and no code of the repository runs here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from retouch.documents import Value
from retouch.errors import InputError, RetouchError
from retouch.git import branches
from retouch.git_remote.store import push_objects
from retouch.github import git_data
from retouch.github import pulls as github_pulls
from retouch.github.pulls import PullRequest
from retouch.jobs.package_folder import Package, packages_in, read_package
from retouch.jobs.packages.overlap import certain, waits_for
from retouch.jobs.publish.answer_commit import (
    answer_files,
    is_at,
    proposal_digest,
    with_trailer,
)
from retouch.jobs.publish.package_check import (
    check_claims,
    check_package,
    held_by,
    named_in,
    stages_moved,
)
from retouch.jobs.publish.pull_request_content import (
    Answer,
    Publisher,
    only_planned,
    show_answer,
    subject_of,
    supersede,
)
from retouch.jobs.publish.pull_request_sync import show, tell_once
from retouch.jobs.retrain.open_pulls import our_pulls
from retouch.reporting.case import BaseMoved
from retouch.reporting.escape import plain
from retouch.reporting.pull_request import (
    PullRequestState,
    PullRequestSubject,
    edited_notice,
    pull_numbers,
    pull_request_texts,
    pull_request_title,
)

Happened = Literal[
    "published",
    "unchanged",
    "told",
    "waiting",
    "stale",
    "edited",
    "overtaken",
    "closed",
    "failed",
    "refused",
]


class Outcome(Value):
    """What became of one package."""

    package: str
    outcome: Happened
    message: str
    """One sentence for a person."""
    url: str | None = None
    """Of the pull request."""
    exit_code: int = 0


def _outcome(
    answer: Answer, outcome: Happened, message: str, pull: PullRequest | None = None
) -> Outcome:
    pull = pull or answer.pull
    name = answer.package.proposal.branch
    at = f": {pull.html_url}" if pull else ""
    url = pull.html_url if pull else None
    return Outcome(package=name, outcome=outcome, message=f"{name}: {message}{at}", url=url)


def publish(folder: Path, publisher: Publisher) -> Iterator[Outcome]:
    """Publish every package of a folder; what goes wrong with one stops no other."""
    for path in packages_in(folder):
        try:
            package = read_package(path)
        except RetouchError as error:
            yield _refused(path, publisher, error)
            continue
        try:
            yield _publish(path, package, publisher)
        except RetouchError as error:
            yield Outcome(
                package=path.name,
                outcome="failed",
                message=f"{package.proposal.branch}: {error}",
                exit_code=1,
            )


def _publish(path: Path, package: Package, publisher: Publisher) -> Outcome:
    proposal, root = package.proposal, publisher.root
    pull = _pull_of(package, publisher)
    if pull is not None and not _is_ours(pull, proposal.branch, publisher):
        message = f"pull request {pull.number} is not one from {proposal.branch}."
        return _refused(path, publisher, InputError(message))
    answer = Answer(package, None, pull, branches.fetch(root, proposal.branch))
    if pull is not None and pull.status != "open":
        return _outcome(answer, "closed", f"its pull request was {pull.status} meanwhile")
    if answer.head is None and proposal.head is not None:
        return _outcome(answer, "closed", "its branch is gone")
    newest = branches.fetch(root, publisher.base_branch) or proposal.base
    try:
        stale = stages_moved(root, package, newest)
        if stale is not None:
            return _stale(replace(answer, documents=stale.documents), stale.moved, publisher)
        answer = replace(answer, documents=check_package(root, package))
        if not proposal.faults:
            check_claims(answer, publisher, datetime.now(UTC))
        files = answer_files(root, package, answer.documents, answer.head)
    except InputError as error:
        return _refused(path, publisher, error)
    if proposal.faults:
        return _tell(answer, publisher)
    return _carry_out(answer, files, newest, publisher)


def _carry_out(answer: Answer, files: dict[str, str], newest: str, publisher: Publisher) -> Outcome:
    """Commit what a package holds, unless the branch has it, and show it."""
    root, base, head = publisher.root, answer.base, answer.head
    waits = answer.package.proposal.waits_for
    if not is_at(root, head, base, files):
        late = _waits(answer, newest, publisher)
        if late:  # of what came second, only the plan is put on record
            waits, answer = tuple(sorted({*waits, *late})), only_planned(answer)
            files = answer_files(root, answer.package, answer.documents, head)
    if not files:
        return _outcome(answer, "unchanged", "there is nothing to write")
    if not is_at(root, head, base, files):
        if head != answer.package.proposal.head:
            return _outcome(answer, "overtaken", "somebody was faster; nothing was written")
        if head and branches.is_edited(root, head, newest):
            return _edited(answer, publisher)
        head = _write(answer, files, publisher)
    if head is None:
        return _outcome(answer, "overtaken", "somebody was faster; nothing was written")
    pull = answer.pull or _open(answer, publisher)
    written = show_answer(publisher, answer, pull, head, waits_for=waits)
    written += supersede(answer, pull, publisher)
    if waits:
        return _outcome(answer, "waiting", f"waits for {pull_numbers(waits)}", pull)
    if not written and head == answer.head:
        return _outcome(answer, "unchanged", "is as it should be")
    return _outcome(answer, "published", "published", pull)


def _tell(answer: Answer, publisher: Publisher) -> Outcome:
    """Say what is wrong with a branch; nothing is committed to it."""
    if answer.pull is None:
        return _outcome(answer, "told", plain(answer.package.proposal.faults[0]))
    show_answer(publisher, answer, answer.pull, answer.pull.head.sha)
    return _outcome(answer, "told", "what is wrong with it was said there")


def _pull_of(package: Package, publisher: Publisher) -> PullRequest | None:
    """Return the pull request a package names, or the one of its branch; None without one."""
    proposal, repo = package.proposal, publisher.site.repo
    if proposal.pull is None:
        return github_pulls.find_pull_request(repo, proposal.branch)
    return github_pulls.get_pull(repo, proposal.pull)


def _is_ours(pull: PullRequest, branch: str, publisher: Publisher) -> bool:
    of_base = pull.head.ref == branch and pull.base.ref == publisher.base_branch
    return of_base and github_pulls.is_from_own_branch(publisher.site.repo, pull)


def _waits(answer: Answer, newest: str, publisher: Publisher) -> tuple[int, ...]:
    """Return the open pull requests that hold a stage this candidate surely ran, too."""
    documents, branch = answer.documents, answer.package.proposal.branch
    if documents is None or not documents.case.kept:
        return ()
    pulls = our_pulls(publisher.site.repo, publisher.base_branch)
    others = [pull for pull in pulls if pull.head.ref != branch]
    return waits_for(certain(documents.plan), branch, held_by(publisher.root, others, newest))


def _stale(answer: Answer, moved: BaseMoved, publisher: Publisher) -> Outcome:
    pull = answer.pull
    if pull is not None:
        show_answer(publisher, answer, pull, answer.head or pull.head.sha, moved=moved)
    return _outcome(answer, "stale", f"{publisher.base_branch} moved on; it will be made anew")


def _edited(answer: Answer, publisher: Publisher) -> Outcome:
    pull, head = answer.pull, answer.head
    if pull is not None and head is not None:
        show_answer(publisher, answer, pull, head, edited=True)
        marker = f"<!-- retouch:edited v1 {head} -->"
        tell_once(publisher.site, pull.number, marker, edited_notice())
    return _outcome(answer, "edited", "somebody else has committed to it; it is left alone")


def _write(answer: Answer, files: dict[str, str], publisher: Publisher) -> str | None:
    """Send the objects, commit, and move or make the branch; None when somebody was faster."""
    root, repo, proposal = publisher.root, publisher.site.repo, answer.package.proposal
    if answer.package.objects:
        push_objects(root, answer.package.objects)
    head, base = answer.head, answer.base
    parents = [head] if head else [base]
    if head and not branches.is_ancestor(root, base, head):
        parents = [head, base]
    digest = proposal_digest(base, files)
    message = with_trailer(pull_request_title(subject_of(answer, publisher)), digest)
    commit = git_data.create_commit(repo, base, files, message, parents=parents)
    if head is None:
        there = git_data.create_branch(repo, proposal.branch, commit)
    elif git_data.fast_forward_branch(repo, proposal.branch, commit):
        there = commit
    else:
        there = git_data.branch_head(repo, proposal.branch) or ""
    if there == commit:
        return commit
    there = branches.fetch(root, proposal.branch) or ""
    return there if is_at(root, there, base, files) else None


def _open(answer: Answer, publisher: Publisher) -> PullRequest:
    """Open the pull request; an earlier call may have done so."""
    texts = pull_request_texts(subject_of(answer, publisher), checks_wait=not publisher.site.as_app)
    return github_pulls.open_pull_request(
        publisher.site.repo,
        branch=answer.package.proposal.branch,
        base=publisher.base_branch,
        title=texts.title,
        body=texts.body or texts.comment,
    )


def _refused(path: Path, publisher: Publisher, error: RetouchError) -> Outcome:
    """Say of a package that is none why; on its pull request too, if it names one of ours."""
    message, url = f"{path.name}: {error}", None
    try:
        proposal = named_in(path)
        pull = (
            proposal and proposal.pull and github_pulls.get_pull(publisher.site.repo, proposal.pull)
        )
        ours = proposal and pull and _is_ours(pull, proposal.branch, publisher)
        if pull and ours and pull.status == "open":
            texts = pull_request_texts(
                PullRequestSubject("", (), None, PullRequestState(faults=(str(error),)))
            )
            show(publisher.site, pull, replace(texts, title=pull.title), pull.head.sha)
            url = pull.html_url
    except RetouchError as also:
        message = f"{message} And it could not be said on its pull request: {also}"
    return Outcome(package=path.name, outcome="refused", message=message, url=url, exit_code=2)
