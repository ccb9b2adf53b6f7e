"""What GitHub is told when a version is taken down: the issue and the revert pull request.

All have the skeleton of a report: what was decided, one sentence with the numbers, a table, what
happens next, and the command that undoes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from retouch.reporting.environment import fill
from retouch.reporting.escape import Markdown, code, inline, join, plain, write
from retouch.reporting.numbers import UNKNOWN, moment, plural
from retouch.reporting.table import table

NAMES_SHOWN, ROWS_SHOWN = 20, 60
REASON_LIMIT = 500


@dataclass(frozen=True)
class Notice:
    """An issue or a pull request in words."""

    title: str
    """One line of ours, for places where nothing is escaped."""
    body: str
    marker: str
    """The hidden first line of the body, by which it is found again."""


@dataclass(frozen=True)
class Fall:
    """A version that was taken down, and what stands in its place."""

    model: str
    """The artifact's name."""
    version: str
    commit: str
    hash: str
    """Of the model."""
    to: str
    """The version in production now."""
    reason: str
    counter: int | None
    """Of the tag that took it down: it tells two falls of one version apart."""
    at: datetime


def marker_of(kind: str, model: str, version: str, counter: int | None) -> str:
    """Return the hidden line; no value can end it, name a person or refer to an issue."""
    text = json.dumps({"model": model, "version": version, "counter": counter})
    safe = re.sub(r"[<>&@#$`]|(?<=-)-", lambda m: f"\\u{ord(m[0]):04x}", text)
    return f"<!-- retouch:{kind} v1 {safe} -->"


def version_rolled_back(fall: Fall, *, revert_url: str | None) -> Notice:
    """Tell that a version was rolled back in production."""
    marker = marker_of("rollback", fall.model, fall.version, fall.counter)
    rows = [
        (Markdown("Taken down"), code(fall.version)),
        (Markdown("Its commit"), code(fall.commit[:10])),
        (Markdown("Its model"), code(fall.hash[:10])),
        (Markdown("In production now"), code(fall.to)),
        (Markdown("Reason"), inline(fall.reason, REASON_LIMIT) or UNKNOWN),
    ]
    next_ = write(
        "**What happens next.** {} The model is not promoted again by itself.",
        taken_back_by(revert_url, fall.version),
    )
    caution = write("To undo this rollback: {}", code(_again(fall), 200))
    body = fill(
        "notice.md.j2",
        marker=Markdown(marker),
        heading=write("{} of {} was rolled back", code(fall.version), code(fall.model)),
        sentence=write(
            "**Production is {} again.** {}", code(fall.to), inline(fall.reason, REASON_LIMIT)
        ),
        table=table(["What", "Value"], rows),
        parts=(next_,),
        caution=caution,
        written_at=moment(fall.at),
    )
    return Notice(title_of("{} was rolled back", fall.version, fall.model), body, marker)


def revert_pull_request(
    fall: Fall,
    *,
    versions: Sequence[str],
    done: Sequence[tuple[str, str]],
    left: Sequence[tuple[str, str]],
) -> Notice:
    """Put the pull request that takes versions back into words: what it does, and what it leaves.

    `done` and `left`: (file, stage or key; empty for the whole file).
    """
    marker, shown = marker_of("revert", fall.model, fall.version, fall.counter), _by_file(done)
    also = [name for name in versions if name != fall.version]
    sentence = write(
        "**Production is {}; this brings the branch there.** It takes back what {}{} changed: {} in"
        " {}, as they were before. {}",
        code(fall.to),
        code(fall.version),
        write(", with {} before it,", join(", ", map(code, also))) if also else "",
        plural(len(done), "entry", "entries"),
        plural(len(shown), "file"),
        inline(fall.reason, REASON_LIMIT),
    )
    caution = write(
        "Until this is merged, the next retraining starts from the model that was taken down. To"
        " put that one back instead, close this and run {}",
        code(_again(fall), 200),
    )
    rows = [(code(file), _some(whats)) for file, whats in shown[:ROWS_SHOWN]]
    body = fill(
        "notice.md.j2",
        marker=Markdown(marker),
        heading=write("Take back {} of {}", code(fall.version), code(fall.model)),
        sentence=sentence,
        table=table(["File", "Taken back"], rows),
        parts=tuple(_of_revert(len(shown) - ROWS_SHOWN, left)),
        caution=caution,
        written_at=moment(fall.at),
    )
    return Notice(title_of("Take back {}", fall.version, fall.model), body, marker)


def _of_revert(more: int, left: Sequence[tuple[str, str]]) -> Iterator[Markdown]:
    """Yield what is said below the table."""
    if more > 0:
        yield write("And {}.", plural(more, "more file"))
    yield Markdown(
        "Alerts and reports stay, they are the record. Nothing has to run: what is recorded here"
        " was made before."
    )
    if left:
        listed = join("; ", [_names(file, whats) for file, whats in _by_file(left)[:ROWS_SHOWN]])
        yield write(
            "**Left as it is**, for it has changed since: {}. After merging, run {}.",
            listed,
            code("retouch verify --repair"),
        )


def taken_back_by(url: str | None, version: str) -> Markdown:
    """Say which pull request takes a version back; None: there is nothing to take back."""
    if url is None:
        return write("The branch records nothing of {} any more.", code(version))
    return write("[This pull request]({}) takes its changes back: merge it.", _address(url))


def _address(url: str) -> Markdown:
    """Return an address as the target of a link; one that could end it leads nowhere."""
    return Markdown(url if re.fullmatch(r"https?://[\w.:/%-]+", url) else "#")


def _again(fall: Fall) -> str:
    return f'retouch rollback --to {fall.version} --reason "why"'


def _by_file(named: Sequence[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    files: dict[str, list[str]] = {}
    for file, what in named:
        files.setdefault(file, []).append(what)
    return list(files.items())


def _names(file: str, whats: Sequence[str]) -> Markdown:
    if whats == [""]:
        return code(file)
    return write("{} ({})", code(file), _some(whats))


def _some(whats: Sequence[str]) -> Markdown:
    """Return stages or keys, the first ones by name; the whole file has none."""
    names = [code(what) for what in whats if what]
    if not names:
        return Markdown("all of it")
    more = len(names) - NAMES_SHOWN
    listed = join(", ", names[:NAMES_SHOWN])
    return write("{} and {} more", listed, more) if more > 0 else listed


def title_of(words: str, version: str, model: str) -> str:
    """Return a title; a name that GitHub would act on is left out."""
    shown = plain(version, 60)
    of = f" of {model}" if inline(model) == model else ""
    name = shown if inline(shown) == shown else "A version"
    return plain(words.format(f"{name}{of}"), 200)
