"""GTO's tags in git: read all at once, and write one so that two who write the same one agree."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from retouch.errors import CheckFailed, InputError
from retouch.git import git
from retouch.git.tag_refusals import refused_tag
from retouch.registry.tags import Tag, parse_tag
from retouch.system.processes import Finished, pipe, run

_FIELDS = ("refname:strip=2", "objecttype", "*objecttype", "*objectname", "taggerdate:unix")
_NOBODY = ("-c", "user.name=Retouch", "-c", "user.email=retouch@localhost")
_REMOTE = "origin"
_BEGINNING = datetime.fromtimestamp(0, UTC)
_LAST_YEAR = 9000
"""Later dates, which no clock shows, are refused: a later tag would soon have no date left."""


def read_tags(root: Path, *, shared: bool = False) -> tuple[Tag, ...]:
    """Return the annotated tags of the clone that GTO reads, oldest first.

    Lightweight ones count for nothing, as with GTO. `shared`: only those that `origin` has too.
    Raises InputError outside of a repository, or when `origin` does not answer.
    """
    form = "%00".join(f"%({field})" for field in (*_FIELDS, "contents")) + "%00"
    done = pipe(["git", "for-each-ref", f"--format={form}", "refs/tags"], b"", cwd=root)
    if done.exit_code:
        git.top_level(root)
        raise InputError(f"git said: {git.error_text(done.errors)}.")
    parts = done.output.decode(errors="replace").split("\0")
    there, none = _at_origin(root) if shared else None, ("", "")
    tags = []
    for start in range(0, len(parts) - len(_FIELDS) - 1, len(_FIELDS) + 1):
        name, kind, of, commit, at, message = parts[start : start + len(_FIELDS) + 1]
        name = name.removeprefix("\n")
        if (kind, of) != ("tag", "commit") or not at:
            continue
        tag = parse_tag(name, commit=commit, at=_BEGINNING, message=message)
        if tag is not None and (there is None or there.get(name, none)[1] == commit):
            tags.append(tag.model_copy(update={"at": _moment(name, at)}))
    return tuple(sorted(tags, key=lambda tag: tag.order))


def fetch_tags(root: Path) -> None:
    """Bring the tags of `origin` that GTO reads; where both have one, theirs counts.

    Tags of other kinds are left alone. Raises InputError when `origin` does not answer.
    """
    theirs = {
        name: tag
        for name, (tag, commit) in _at_origin(root).items()
        if parse_tag(name, commit=commit, at=_BEGINNING) is not None
    }
    command = ["git", "for-each-ref", "--format=%(objectname) %(refname:strip=2)", "refs/tags"]
    lines = pipe(command, b"", cwd=root).output.decode(errors="replace").splitlines()
    ours = {name: tag for tag, _, name in (line.partition(" ") for line in lines)}
    wanted = [name for name, tag in theirs.items() if ours.get(name) != tag]
    if not wanted:
        return
    result = "".join(f"+refs/tags/{name}:refs/tags/{name}\n" for name in wanted).encode()
    fetch = ["git", "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--stdin", _REMOTE]
    done = pipe(fetch, result, cwd=root)
    if done.exit_code:
        raise InputError(
            f"The tags of {_REMOTE} cannot be fetched; git said: {git.error_text(done.errors)}.",
            hint="Check `git remote -v`, or go without it: `--no-push`.",
        )


def _moment(name: str, seconds: str) -> datetime:
    """Return a tag's date. Raises InputError for one that no calendar has."""
    try:
        moment = datetime.fromtimestamp(int(seconds), UTC)
    except (OverflowError, ValueError, OSError):
        moment = None
    if moment is None or moment.year > _LAST_YEAR:
        raise InputError(
            f"The tag {name} has a date, {seconds} s after 1970, that none can follow.",
            hint=f"Delete it, here and at {_REMOTE}: `git push --delete {_REMOTE} refs/tags/{name}`"
            f" and `git tag --delete {name}`.",
        )
    return moment


def write_tag(
    root: Path, name: str, commit: str, message: str, *, at: datetime, push: bool
) -> None:
    """Put an annotated tag on a commit and, with `push`, on `origin`; done already is done.

    `at` is its date, whatever the machine's clock shows: by their dates tags follow one another.
    With `push` a tag that was never pushed is dated and worded anew. Raises CheckFailed when the
    name is taken by another commit, here or at `origin`, or when `origin` does not take it; then
    the new tag is deleted here too. Whoever counts takes the next number.
    """
    ref = f"refs/tags/{name}"
    here = git.commit_of(root, ref)
    if here is not None and (here != commit or not _is_annotated(root, ref)):
        raise TagConflict(name, here)
    if here is not None and not push:
        return
    date = {"GIT_COMMITTER_DATE": f"@{int(at.timestamp())} +0000"}
    written = run(["git", *_identity(root), *_tag(name, commit, message)], cwd=root, env=date)
    _checked(name, written)
    if not push:
        return
    done = run(["git", "push", "--quiet", "--no-verify", _REMOTE, f"{ref}:{ref}"], cwd=root)
    if done.exit_code == 0:
        return
    try:
        there = _at_origin(root, name)[name][1]
    except (InputError, KeyError):
        there = None
    run(["git", "update-ref", "-d", ref], cwd=root)
    if there == commit:  # somebody was quicker with the same
        _checked(name, run(["git", "fetch", "--quiet", _REMOTE, f"+{ref}:{ref}"], cwd=root))
    elif there is not None:
        raise TagConflict(name, there)
    elif (refused := refused_tag(done.output, name, commit, message, at)) is not None:
        raise refused
    else:
        _checked(name, done)


class TagConflict(CheckFailed):
    """The name stands for another commit already: somebody was quicker."""

    def __init__(self, name: str, commit: str) -> None:
        super().__init__(
            f"The tag {name} is there already, on {commit[:10]}, and is not the one to be written.",
            hint="Call again; a tag that is in the way for good goes with `git tag --delete`.",
        )


def _is_annotated(root: Path, ref: str) -> bool:
    return run(["git", "cat-file", "-t", ref], cwd=root).output.strip() == "tag"


def _tag(name: str, commit: str, message: str) -> list[str]:
    options = ("--annotate", "--force", "--cleanup=verbatim", f"--message={message}")
    return ["tag", *options, "--", name, commit]


def _identity(root: Path) -> tuple[str, ...]:
    """Return the options that give git a name where none is configured."""
    return () if run(["git", "var", "GIT_COMMITTER_IDENT"], cwd=root).exit_code == 0 else _NOBODY


def _checked(name: str, done: Finished) -> None:
    if done.exit_code:
        raise CheckFailed(
            f"The tag {name} could not be written; git said: {git.error_text(done.output)}.",
            hint="Fix that and run the same command again: it continues from there.",
        )


def _at_origin(root: Path, name: str = "*") -> dict[str, tuple[str, str]]:
    """Return the annotated tags of `origin`: name -> the tag's own id, its commit's id.

    Raises InputError when `origin` does not answer.
    """
    command = [f"refs/tags/{name}", f"refs/tags/{name}^{{}}"]
    done = pipe(["git", "ls-remote", "--tags", _REMOTE, *command], b"", cwd=root)
    if done.exit_code:
        raise InputError(
            f"{_REMOTE} did not list its tags; git said: {git.error_text(done.errors)}.",
            hint="Check `git remote -v`, or go without it: `--no-push`.",
        )
    lines = done.output.decode(errors="replace").splitlines()
    refs = {ref: found for found, _, ref in (line.partition("\t") for line in lines)}
    return {
        ref.removeprefix("refs/tags/"): (found, refs[f"{ref}^{{}}"])
        for ref, found in refs.items()
        if f"{ref}^{{}}" in refs
    }
