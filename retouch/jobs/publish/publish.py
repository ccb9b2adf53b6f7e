"""Write retrainings to GitHub: objects, commit, branch, pull request, labels, comment, status.

Every step can be repeated: what an earlier call left is found and used. Nothing in a package is
trusted before it is checked, and no code of the repository runs here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from retouch.github.errors import Refused
from retouch.github.pulls import PullRequest
from retouch.jobs.package_folder import Package, packages_in, read_package
from retouch.jobs.packages.overlap import certain, waits_for
from retouch.jobs.publish.failed_try import (
    DeadJob,
    hold_after_failures,
    report_failed_try,
    resolve_base_tries,
    resolve_failed_tries,
    set_failed_comment,
)
from retouch.jobs.publish.fresh_branch import close_former, on_fresh_branch, workflows_refused
from retouch.jobs.publish.package_check import (
    check_claims,
    check_package,
    open_claims,
    read_proposal,
    stale_since,
)
from retouch.jobs.publish.pull_request import (
    Publication,
    Publisher,
    comment_once,
    plan_only,
    set_verdict_status,
    subject_of,
    supersede,
    sync_publication,
    sync_pull,
)
from retouch.jobs.publish.retraining_commit import (
    commit_holds,
    committed_files,
    proposal_digest,
    with_trailer,
)
from retouch.jobs.retrain.branch_contents import retouch_pulls
from retouch.reporting.case import BaseMoved
from retouch.reporting.escape import plain
from retouch.reporting.failed_try import publishing_failed
from retouch.reporting.pull_request import (
    PullRequestState,
    PullRequestSubject,
    edited_notice,
    pull_numbers,
    pull_request_texts,
    pull_request_title,
)
from retouch.reporting.report import STATUS_CHARACTERS

PublishOutcome = Literal[
    "published",
    "unchanged",
    "reported",
    "waiting",
    "stale",
    "edited",
    "overtaken",
    "closed",
    "failed",
    "refused",
    "died",
    "held",
]


class PublishResult(Value):
    """The result for one package."""

    package: str
    outcome: PublishOutcome
    message: str
    """One sentence for a person."""
    url: str | None = None
    """Of the pull request."""
    exit_code: int = 0


def _result(
    publication: Publication, outcome: PublishOutcome, message: str, pull: PullRequest | None = None
) -> PublishResult:
    pull = pull or publication.pull
    name = publication.package.proposal.branch
    at = f": {pull.html_url}" if pull else ""
    url = pull.html_url if pull else None
    return PublishResult(package=name, outcome=outcome, message=f"{name}: {message}{at}", url=url)


def publish(
    folder: Path, publisher: Publisher, job: DeadJob | None = None
) -> Iterator[PublishResult]:
    """Publish every package of a folder; a failure of one does not stop the others.

    `job`: the retraining job that made them. That nothing came of it is a result, and reported.
    """
    results = list(_publish_all(folder, publisher))
    yield from results
    if job is not None:
        try:
            yield from _settle(job, results, publisher)
        except RetouchError as error:
            yield PublishResult(
                package=job.name, outcome="failed", message=f"{job.name}: {error}", exit_code=1
            )


def _settle(
    job: DeadJob, results: Sequence[PublishResult], publisher: Publisher
) -> Iterator[PublishResult]:
    """Report a job that ended without a result; close the report on earlier ones after one has."""
    bad = any(one.exit_code for one in results)
    if job.result != "success":
        message = report_failed_try(job, publisher.site, publisher.root)
        yield PublishResult(package=job.name, outcome="died", message=message)
    elif bad and job.target.pull is not None:
        if held := hold_after_failures(job.target.pull, publisher.site):
            yield PublishResult(package=job.name, outcome="held", message=held)
    elif not bad and job.target.pull is None:
        resolve_base_tries(publisher.site)
    elif any(one.outcome == "published" for one in results) and job.target.pull is not None:
        resolve_failed_tries(publisher.site, job.target.pull)


def _publish_all(folder: Path, publisher: Publisher) -> Iterator[PublishResult]:
    for path in packages_in(folder):
        try:
            package = read_package(path)
        except RetouchError as error:
            yield _refused(path, publisher, error)
            continue
        try:
            yield _publish(path, package, publisher)
        except RetouchError as error:
            yield _failed(path, package, publisher, error)


def _publish(path: Path, package: Package, publisher: Publisher) -> PublishResult:
    proposal, root = package.proposal, publisher.root
    pull = _pull_of(package, publisher)
    if pull is not None and not _is_ours(pull, proposal.branch, publisher):
        message = f"pull request {pull.number} is not from {proposal.branch}."
        return _refused(path, publisher, InputError(message))
    publication = Publication(package, None, pull, branches.fetch(root, proposal.branch))
    if pull is not None and pull.status != "open":
        return _result(publication, "closed", f"its pull request was {pull.status} in the meantime")
    if publication.head is None and proposal.head is not None:
        return _result(publication, "closed", "its branch was deleted")
    newest = branches.fetch(root, publisher.base_branch) or proposal.base
    try:
        stale = stale_since(root, package, newest)
        if stale is not None:
            return _stale(replace(publication, documents=stale.documents), stale.moved, publisher)
        publication = replace(publication, documents=check_package(root, package))
        if not proposal.faults:
            check_claims(publication, publisher, datetime.now(UTC))
        files = committed_files(root, package, publication.documents, publication.head)
    except InputError as error:
        return _refused(path, publisher, error)
    if proposal.faults:
        return _report_faults(publication, publisher)
    return _commit_and_show(publication, files, newest, publisher)


def _commit_and_show(
    publication: Publication, files: dict[str, str], newest: str, publisher: Publisher
) -> PublishResult:
    """Commit the files of a package, unless the branch has them, and update its pull request."""
    root, base, head = publisher.root, publication.base, publication.head
    former = publication.pull
    waits = publication.package.proposal.waits_for
    if not commit_holds(root, head, base, files):
        late = _late_conflicts(publication, newest, publisher)
        if late:  # the later of two keeps only its plan
            waits, publication = tuple(sorted({*waits, *late})), plan_only(publication)
            files = committed_files(root, publication.package, publication.documents, head)
    if not files:
        return _result(publication, "unchanged", "nothing to write")
    if not commit_holds(root, head, base, files):
        if head != publication.package.proposal.head:
            return _result(
                publication, "overtaken", "the branch changed in the meantime; nothing was written"
            )
        if head and branches.is_edited_by_others(root, head, newest):
            return _edited(publication, publisher)
        publication, head = _written(publication, files, newest, publisher)
    if head is None:
        return _result(
            publication, "overtaken", "the branch changed in the meantime; nothing was written"
        )
    pull = publication.pull or _open(publication, publisher)
    written = sync_publication(publisher, publication, pull, head, waits_for=waits)
    written += supersede(publication, pull, publisher)
    if former is not None and former.number != pull.number:
        close_former(former, pull, publisher.site)
    if waits:
        return _result(publication, "waiting", f"waits for {pull_numbers(waits)}", pull)
    if not written and head == publication.head:
        return _result(publication, "unchanged", "up to date")
    return _result(publication, "published", "published", pull)


def _written(
    publication: Publication, files: dict[str, str], newest: str, publisher: Publisher
) -> tuple[Publication, str | None]:
    """Write as `_write` does; on a fresh branch where the branch may not take newer workflows."""
    try:
        return publication, _write(publication, files, publisher)
    except Refused as refused:
        fresh = on_fresh_branch(publication, newest, publisher.root)
        if fresh is None:
            raise
        if commit_holds(publisher.root, fresh.head, newest, files):
            return fresh, fresh.head
        try:
            return fresh, _write(fresh, files, publisher)
        except Refused:
            raise workflows_refused(publication.package.proposal.branch, refused) from None


def _report_faults(publication: Publication, publisher: Publisher) -> PublishResult:
    """Report the faults of a branch; nothing is committed to it."""
    if publication.pull is None:
        return _result(publication, "reported", plain(publication.package.proposal.faults[0]))
    sync_publication(publisher, publication, publication.pull, publication.pull.head.sha)
    return _result(publication, "reported", "its faults were reported there")


def _pull_of(package: Package, publisher: Publisher) -> PullRequest | None:
    """Return the pull request a package names, or the one of its branch; None without one."""
    proposal, repo = package.proposal, publisher.site.repo
    if proposal.pull is None:
        return github_pulls.find_pull_request(repo, proposal.branch)
    return github_pulls.get_pull(repo, proposal.pull)


def _is_ours(pull: PullRequest, branch: str, publisher: Publisher) -> bool:
    of_base = pull.head.ref == branch and pull.base.ref == publisher.base_branch
    return of_base and github_pulls.is_from_own_branch(publisher.site.repo, pull)


def _late_conflicts(publication: Publication, newest: str, publisher: Publisher) -> tuple[int, ...]:
    """Return the open pull requests whose claims include a stage this candidate ran."""
    documents, branch = publication.documents, publication.package.proposal.branch
    if documents is None or not documents.case.kept:
        return ()
    pulls = retouch_pulls(publisher.site.repo, publisher.base_branch)
    others = [pull for pull in pulls if pull.head.ref != branch]
    return waits_for(certain(documents.plan), branch, open_claims(publisher.root, others, newest))


def _stale(publication: Publication, moved: BaseMoved, publisher: Publisher) -> PublishResult:
    pull = publication.pull
    if pull is not None:
        sync_publication(
            publisher, publication, pull, publication.head or pull.head.sha, moved=moved
        )
    return _result(publication, "stale", f"{publisher.base_branch} moved on; it will be retrained")


def _edited(publication: Publication, publisher: Publisher) -> PublishResult:
    pull, head = publication.pull, publication.head
    if pull is not None and head is not None:
        sync_publication(publisher, publication, pull, head, edited=True)
        marker = f"<!-- retouch:edited v1 {head} -->"
        comment_once(publisher.site, pull.number, marker, edited_notice())
    return _result(
        publication, "edited", "somebody else committed to its branch; nothing was written"
    )


def _write(publication: Publication, files: dict[str, str], publisher: Publisher) -> str | None:
    """Send the objects, commit, and move or make the branch; None when another writer was first."""
    root, repo, proposal = publisher.root, publisher.site.repo, publication.package.proposal
    if publication.package.objects:
        push_objects(root, publication.package.objects)
    head, base = publication.head, publication.base
    parents = [head] if head else [base]
    if head and not branches.is_ancestor(root, base, head):
        parents = [head, base]
    digest = proposal_digest(base, files)
    message = with_trailer(pull_request_title(subject_of(publication, publisher)), digest)
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
    return there if commit_holds(root, there, base, files) else None


def _open(publication: Publication, publisher: Publisher) -> PullRequest:
    """Open the pull request; an earlier call may have done so."""
    texts = pull_request_texts(
        subject_of(publication, publisher), checks_wait=not publisher.site.as_app
    )
    return github_pulls.open_pull_request(
        publisher.site.repo,
        branch=publication.package.proposal.branch,
        base=publisher.base_branch,
        title=texts.title,
        body=texts.body or texts.comment,
    )


def _failed(
    path: Path, package: Package, publisher: Publisher, error: RetouchError
) -> PublishResult:
    """Report why a package could not be written; on its pull request too, as far as possible."""
    name, message = package.proposal.branch, str(error)
    site, url = publisher.site, None
    try:
        pull = _pull_of(package, publisher)
        if pull and pull.status == "open" and _is_ours(pull, name, publisher):
            url = pull.html_url
            set_failed_comment(site, pull.number, publishing_failed(error.message, error.hint))
            text = f"failed: could not be published: {error.message}"
            set_verdict_status(site, pull.head.sha, "error", plain(text, STATUS_CHARACTERS))
    except RetouchError as also:
        message = f"{message} And its pull request could not be updated: {also}"
    return PublishResult(
        package=path.name, outcome="failed", message=f"{name}: {message}", url=url, exit_code=1
    )


def _refused(path: Path, publisher: Publisher, error: RetouchError) -> PublishResult:
    """Report why a package was refused; on its pull request too, if it names one of Retouch's."""
    message, url = f"{path.name}: {error}", None
    try:
        proposal = read_proposal(path)
        pull = (
            proposal and proposal.pull and github_pulls.get_pull(publisher.site.repo, proposal.pull)
        )
        own = proposal and pull and _is_ours(pull, proposal.branch, publisher)
        if pull and own and pull.status == "open":
            texts = pull_request_texts(
                PullRequestSubject("", (), None, PullRequestState(faults=(str(error),)))
            )
            sync_pull(publisher.site, pull, replace(texts, title=pull.title), pull.head.sha)
            url = pull.html_url
    except RetouchError as also:
        message = f"{message} And its pull request could not be updated: {also}"
    return PublishResult(
        package=path.name, outcome="refused", message=message, url=url, exit_code=2
    )
