"""Deliver alert files to a repository on GitHub: as a pull request each, or as an event each.

Every step can be taken again. What an earlier call left behind (a branch without a pull request,
say) is found and made use of, so that a crash in between costs nothing but a second call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from retouch.alerts import envelope
from retouch.alerts.identifiers import is_repository_name
from retouch.alerts.model import MAX_BYTES
from retouch.alerts.parse import expected_file_name, parse_alert
from retouch.alerts.signature import signature_file_name
from retouch.alerts.verified import SubmittedAlert
from retouch.documents import Value
from retouch.errors import CheckFailed, InputError, RetouchError, visible
from retouch.github import git_data
from retouch.github.errors import OutcomeUnknown
from retouch.github.pulls import PullRequest, find_pull_request, open_pull_request
from retouch.github.repository import Repository, repository_facts, send_repository_dispatch
from retouch.reporting.pull_request import alert_branch, alert_pull_request
from retouch.schema_errors import bad_input, shown
from retouch.storage import documents
from retouch.system import files
from retouch.system.untrusted_files import read_plain_file

_BRANCH = re.compile(r"(?!.*(?:\.\.|//|/\.|/$))[\w][\w./@+#-]*")
_FOUND = {
    "open": "its pull request is open already",
    "merged": "its pull request was merged",
    "closed": "its pull request was closed, and is not opened again",
}


class Outcome(Value):
    """What became of one file."""

    file: str
    alert_id: str | None
    """None when the file holds no alert."""
    outcome: Literal["opened", "found", "on_base", "dispatched", "failed"]
    message: str
    """One sentence for a person."""
    url: str | None = None
    """Of the pull request."""
    exit_code: int = 0


def checked_repository(name: str) -> str:
    """Return a repository's name. Raises InputError for what cannot be one."""
    if not is_repository_name(name):
        raise InputError(f"--repo: {shown(name)} is not the name of a repository: owner/name.")
    return name


def checked_branch(name: str) -> str:
    """Return a branch's name. Raises InputError for what cannot be one."""
    if not _BRANCH.fullmatch(name):
        raise InputError(f"--base: {shown(name)} is not the name of a branch.")
    return name


def open_pull_requests(
    paths: Sequence[Path], repo: Repository, base: str | None = None
) -> Iterator[Outcome]:
    """Open a pull request for each alert, onto `base` (the default branch when None).

    An alert that has one already, or lies on the base, is left as it is. What goes wrong with one
    file is in its outcome and stops no other.
    """
    for path in paths:
        yield _attempt(path, repo, lambda submitted: _open(submitted, repo, base))


def dispatch(paths: Sequence[Path], repo: Repository) -> Iterator[Outcome]:
    """Send each alert as a `repository_dispatch`; outcomes as for pull requests."""
    for path in paths:
        yield _attempt(path, repo, lambda submitted: _dispatch(submitted, repo))


def open_for(raw: bytes, signature: str | None, repo: Repository, source: str) -> Outcome:
    """Open a pull request for an alert that came in another way, onto the default branch.

    `source` is the name sentences give it. Raises InputError for what is no alert, or was made for
    another repository; CheckFailed when GitHub does not do it.
    """
    alert = parse_alert(raw, source)
    if signature is not None:
        envelope.check_armor(signature, source, ("sig",))
    submitted = SubmittedAlert(
        alert, raw, source, None if signature is None else signature.encode()
    )
    _check_audience(submitted, repo)
    return _open(submitted, repo, None)


def _attempt(path: Path, repo: Repository, deliver: Callable[[SubmittedAlert], Outcome]) -> Outcome:
    alert_id = None
    try:
        submitted = _read(path)
        alert_id = submitted.alert.alert_id
        _check_audience(submitted, repo)
        return deliver(submitted)
    except RetouchError as error:
        return Outcome(
            file=visible(str(path)),
            alert_id=alert_id,
            outcome="failed",
            message=str(error),
            exit_code=error.exit_code,
        )


def _read(path: Path) -> SubmittedAlert:
    hint = "See `retouch alert new --help`."
    raw = read_plain_file(path, root=None, limit=20 * MAX_BYTES, hint=hint)
    alert = parse_alert(raw, str(path))
    beside = path.with_name(f"{path.name}.sig")
    signature = None
    if files.is_there(beside):  # a link that leads nowhere is no missing signature
        limit = envelope.MAX_SIGNATURE_CHARACTERS
        signature = read_plain_file(beside, root=None, limit=limit)
        # Bytes that are not ASCII become characters that no signature has.
        envelope.check_armor(signature.decode("latin-1"), str(beside))
    return SubmittedAlert(alert, raw, visible(str(path)), signature)


def _armor(submitted: SubmittedAlert) -> str | None:
    return None if submitted.signature is None else submitted.signature.decode("ascii")


def _texts(submitted: SubmittedAlert) -> dict[str, str]:
    """Return what goes into the repository, by path: byte for byte what was read."""
    path = f"{documents.ALERTS}/{expected_file_name(submitted.alert)}"
    armor = _armor(submitted)
    texts = {path: submitted.raw.decode()}
    return texts if armor is None else {**texts, signature_file_name(path): armor}


def _check_audience(submitted: SubmittedAlert, repo: Repository) -> None:
    audience = submitted.alert.audience
    if audience is not None and audience.lower() != repo.name.lower():
        message = f"the alert was made for {audience}, not for {repo.name}"
        raise bad_input(submitted.source, ("audience",), message)


def _dispatch(submitted: SubmittedAlert, repo: Repository) -> Outcome:
    principal = submitted.alert.monitor.id
    payload = envelope.seal(submitted.raw, _armor(submitted), principal, submitted.source)
    try:
        send_repository_dispatch(repo, envelope.EVENT_TYPE, payload)
    except OutcomeUnknown as error:
        hint = "Send it again: intake drops a second copy."
        raise CheckFailed(error.message, hint=hint) from None
    return Outcome(
        file=submitted.source,
        alert_id=submitted.alert.alert_id,
        outcome="dispatched",
        message=f"sent to {repo.name} as repository_dispatch {envelope.EVENT_TYPE}",
    )


def _open(submitted: SubmittedAlert, repo: Repository, base: str | None) -> Outcome:
    base = base or _default_branch(repo)
    base_commit = git_data.branch_head(repo, base)
    if base_commit is None:
        raise InputError(f"{repo.name}: there is no branch {base}.", hint="Give one with --base.")
    alert_id = submitted.alert.alert_id
    if _is_at(submitted, repo, base_commit, base):
        message = f"lies on {base} already; there is nothing to open"
        return Outcome(file=submitted.source, alert_id=alert_id, outcome="on_base", message=message)
    there = find_pull_request(repo, alert_branch(alert_id))
    if there is not None:
        _must_be_at(submitted, repo, there.head.sha, f"pull request {there.number}")
        return _outcome(submitted, "found", _FOUND[there.status], there)
    made = _opened(submitted, repo, base, base_commit)
    return _outcome(submitted, "opened", "opened", made)


def _opened(
    submitted: SubmittedAlert, repo: Repository, base: str, base_commit: str
) -> PullRequest:
    text = alert_pull_request(submitted.alert, signed=submitted.signature is not None)
    head = git_data.branch_head(repo, text.branch)
    if head is None:
        commit = git_data.create_commit(repo, base_commit, _texts(submitted), text.commit_message)
        head = git_data.create_branch(repo, text.branch, commit)
    # Of an earlier call, of another one at the same time, or of somebody else.
    _must_be_at(submitted, repo, head, f"the branch {text.branch}")
    return open_pull_request(repo, branch=text.branch, base=base, title=text.title, body=text.body)


def _default_branch(repo: Repository) -> str:
    facts = repository_facts(repo)
    if facts.full_name.lower() != repo.name.lower():
        new = shown(facts.full_name)
        raise InputError(f"{repo.name}: is called {new} now.", hint=f"Give --repo {new}.")
    return facts.default_branch


def _must_be_at(submitted: SubmittedAlert, repo: Repository, commit: str, where: str) -> None:
    if not _is_at(submitted, repo, commit, where):
        raise InputError(
            f"{submitted.source}: {where} exists without the alert {submitted.alert.alert_id}.",
            hint="Delete that branch, or give the alert a new id.",
        )


def _is_at(submitted: SubmittedAlert, repo: Repository, commit: str, where: str) -> bool:
    """Tell whether a commit has the alert. Raises InputError when it has another one of its id."""
    alert_id = submitted.alert.alert_id
    for number, (path, text) in enumerate(_texts(submitted).items()):
        there = git_data.file_at(repo, path, commit)
        if there is None and number == 0:
            return False
        if there != text.encode():
            what = "signature" if number else "content"
            raise InputError(
                f"{submitted.source}: alert id {alert_id} exists with other {what}: {where}.",
                hint="An alert is never changed: write a new one, with an id of its own.",
            )
    return True


def _outcome(
    submitted: SubmittedAlert, outcome: Literal["opened", "found"], message: str, pull: PullRequest
) -> Outcome:
    return Outcome(
        file=submitted.source,
        alert_id=submitted.alert.alert_id,
        outcome=outcome,
        message=f"{message}: {pull.html_url}",
        url=pull.html_url,
    )
