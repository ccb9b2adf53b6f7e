"""The texts of a release, a canary's result, and a rollback with its revert."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from retouch.gate.canary_model import CanaryDay, CanaryVerdict
from retouch.reporting.escape import Markdown, code, inline, join, plain, write
from retouch.reporting.marker import hidden_marker
from retouch.reporting.numbers import UNKNOWN, moment, number, plural, signed
from retouch.reporting.template import Table, fill, table

NAMES_SHOWN, ROWS_SHOWN = 20, 60
REASON_LIMIT = 500


@dataclass(frozen=True)
class Notice:
    """The text of an issue or a pull request."""

    title: str
    """One line that GitHub acts on nowhere: titles cannot be escaped."""
    body: str
    marker: str
    """The hidden first line of the body, by which it is found again."""


@dataclass(frozen=True)
class RolledBackVersion:
    """A version that was rolled back, and what replaces it."""

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
    """Of the tag that rolled it back: it tells two rollbacks of one version apart."""
    at: datetime


DAYS_SHOWN = 31
_DAYS = "Day, Rows>, Production>, **Candidate**>, Gain>, Lower>, Upper>"


def version_rolled_back(fall: RolledBackVersion, *, revert_url: str | None) -> Notice:
    """Return the issue about a version that was rolled back in production."""
    marker = hidden_marker("rollback", fall.model, fall.version, fall.counter)
    rows = [
        (Markdown("Rolled back"), code(fall.version)),
        (Markdown("Commit"), code(fall.commit[:10])),
        (Markdown("Model"), code(fall.hash[:10])),
        (Markdown("In production now"), code(fall.to)),
        (Markdown("Reason"), inline(fall.reason, REASON_LIMIT) or UNKNOWN),
    ]
    next_ = write(
        "**What happens next.** {} The model is not promoted again automatically.",
        revert_sentence(revert_url, fall.version),
    )
    caution = write("To undo this rollback: {}", code(_promote_again(fall), 200))
    body = fill(
        "notice.md.j2",
        marker=Markdown(marker),
        heading=write("{} of {} was rolled back", code(fall.version), code(fall.model)),
        sentence=write(
            "**Production is back on {}.** {}", code(fall.to), inline(fall.reason, REASON_LIMIT)
        ),
        table=table(["What", "Value"], rows),
        parts=(next_,),
        caution=caution,
        written_at=moment(fall.at),
    )
    return Notice(notice_title("{} was rolled back", fall.version, fall.model), body, marker)


def revert_pull_request(
    fall: RolledBackVersion,
    *,
    versions: Sequence[str],
    done: Sequence[tuple[str, str]],
    left: Sequence[tuple[str, str]],
) -> Notice:
    """Return the pull request that reverts versions: what it reverts, and what it leaves.

    `done` and `left`: (file, stage or key; empty for the whole file).
    """
    marker, shown = hidden_marker("revert", fall.model, fall.version, fall.counter), _by_file(done)
    also = [name for name in versions if name != fall.version]
    sentence = write(
        "**Production runs {}; this brings the branch in line.** It reverts what {}{} changed: {}"
        " in {}. {}",
        code(fall.to),
        code(fall.version),
        write(", with {} before it,", join(", ", map(code, also))) if also else "",
        plural(len(done), "entry", "entries"),
        plural(len(shown), "file"),
        inline(fall.reason, REASON_LIMIT),
    )
    caution = write(
        "Until this is merged, the next retraining starts from the model that was rolled back. To"
        " promote that model again instead, close this pull request and run {}",
        code(_promote_again(fall), 200),
    )
    rows = [(code(file), _listed(whats)) for file, whats in shown[:ROWS_SHOWN]]
    body = fill(
        "notice.md.j2",
        marker=Markdown(marker),
        heading=write("Revert {} of {}", code(fall.version), code(fall.model)),
        sentence=sentence,
        table=table(["File", "Reverted"], rows),
        parts=tuple(_below_revert_table(len(shown) - ROWS_SHOWN, left)),
        caution=caution,
        written_at=moment(fall.at),
    )
    return Notice(notice_title("Revert {}", fall.version, fall.model), body, marker)


def _below_revert_table(more: int, left: Sequence[tuple[str, str]]) -> Iterator[Markdown]:
    """Yield the paragraphs below the table."""
    if more > 0:
        yield write("And {}.", plural(more, "more file"))
    yield Markdown(
        "Alerts and reports stay as the record. No stage has to run: the restored outputs exist"
        " already."
    )
    if left:
        listed = join("; ", [_names(file, whats) for file, whats in _by_file(left)[:ROWS_SHOWN]])
        yield write(
            "**Not reverted**, because it has changed since: {}. After merging, run {}.",
            listed,
            code("retouch verify --repair"),
        )


def revert_sentence(url: str | None, version: str) -> Markdown:
    """Say which pull request reverts a version; None: there is nothing to revert."""
    if url is None:
        return write("The branch contains no change of {} to revert.", code(version))
    return write("Merge [this pull request]({}) to revert its changes.", _address(url))


def _address(url: str) -> Markdown:
    """Return an address as the target of a link; one that could end it leads nowhere."""
    return Markdown(url if re.fullmatch(r"https?://[\w.:/%-]+", url) else "#")


def _promote_again(fall: RolledBackVersion) -> str:
    return f'retouch rollback --to {fall.version} --reason "why"'


def _by_file(named: Sequence[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    files: dict[str, list[str]] = {}
    for file, what in named:
        files.setdefault(file, []).append(what)
    return list(files.items())


def _names(file: str, whats: Sequence[str]) -> Markdown:
    if whats == [""]:
        return code(file)
    return write("{} ({})", code(file), _listed(whats))


def _listed(whats: Sequence[str]) -> Markdown:
    """Return stages or keys, the first ones by name."""
    names = [code(what) for what in whats if what]
    if not names:
        return Markdown("the whole file")
    more = len(names) - NAMES_SHOWN
    listed = join(", ", names[:NAMES_SHOWN])
    return write("{} and {} more", listed, more) if more > 0 else listed


def notice_title(template: str, version: str, model: str) -> str:
    """Return a title; a name that GitHub would act on is left out."""
    shown = plain(version, 60)
    of = f" of {model}" if inline(model) == model else ""
    name = shown if inline(shown) == shown else "A version"
    return plain(template.format(f"{name}{of}"), 200)


def canary_failed(
    verdict: CanaryVerdict, *, message: str, counter: int | None, revert_url: str | None
) -> Notice:
    """Return the issue about a canary that failed, or that the policy rolled back undecided."""
    version, stays = verdict.candidate.version, verdict.production.version
    next_ = write(
        "**What happens next.** {} is no longer the canary, and its model is not promoted again"
        " automatically. Production stays on {}. {}",
        code(version),
        code(stays),
        revert_sentence(revert_url, version),
    )
    caution = write(
        "Production is not affected. To roll it back by one version as well: {}",
        code('retouch rollback --reason "why"'),
    )
    outcome = "failed" if verdict.decision == "fail" else "was rolled back"
    return _canary_notice("canary-failed", outcome, verdict, message, counter, next_, caution)


def canary_undecided(verdict: CanaryVerdict, *, message: str, counter: int | None) -> Notice:
    """Return the issue that asks a person: the canary's days are over without a decision."""
    version, stays = verdict.candidate.version, verdict.production.version
    commands = tuple(
        code(f"retouch canary apply canary.json --undecided {answer}", 120)
        for answer in ("promote", "roll_back")
    )
    next_ = write(
        "**What happens next.** Nothing until a person decides; production stays on {}. To promote"
        " the canary: {}. To roll it back: {}.",
        code(stays),
        *commands,
    )
    caution = write(
        "If it is promoted and does harm, this restores {}: {}",
        code(stays),
        code(f'retouch rollback --to {stays} --reason "{version} does harm"', 200),
    )
    return _canary_notice(
        "canary-undecided", "is undecided", verdict, message, counter, next_, caution
    )


def _canary_notice(
    kind: str,
    outcome: str,
    verdict: CanaryVerdict,
    message: str,
    counter: int | None,
    next_: Markdown,
    caution: Markdown,
) -> Notice:
    version = verdict.candidate.version
    marker = hidden_marker(kind, verdict.name, version, counter)
    body = fill(
        "notice.md.j2",
        marker=Markdown(marker),
        heading=write(
            "The canary {} of {} {}", code(version), code(verdict.name), Markdown(outcome)
        ),
        sentence=write("**{}**", inline(message, 1000)),
        table=_days(verdict),
        parts=(*_canary_explanation(verdict), next_),
        caution=caution,
        written_at=moment(verdict.judged_at),
    )
    return Notice(notice_title(f"The canary {{}} {outcome}", version, verdict.name), body, marker)


def _days(verdict: CanaryVerdict) -> Table:
    """Return the newest days, oldest first."""

    def row(day: CanaryDay) -> Sequence[object]:
        return (
            day.day,
            f"{day.rows:,}",
            number(day.production, verdict.decimals),
            write("**{}**", number(day.candidate, verdict.decimals)),
            *(signed(x, verdict.decimals) for x in (day.gain, day.lower, day.upper)),
        )

    return table(_DAYS.split(", "), map(row, verdict.days[-DAYS_SHOWN:]))


def _canary_explanation(verdict: CanaryVerdict) -> Iterable[Markdown]:
    older = len(verdict.days) - DAYS_SHOWN
    if verdict.days:
        yield write(
            "Mean loss{} on the same rows, by day{}. *Lower* and *upper* are the bounds of the mean"
            " gain up to that day; they hold for all days together with {} % confidence. A day's"
            " gain is capped at {}. Above {} the canary passes, below it fails.",
            write(" in {}", inline(verdict.unit, 40)) if verdict.unit else "",
            write(", newest only ({} omitted)", plural(older, "earlier day")) if older > 0 else "",
            f"{100 * verdict.limits.confidence:g}",
            number(verdict.limits.scale, verdict.decimals),
            number(-verdict.limits.margin, verdict.decimals),
        )
    models = (("Production", verdict.production), ("the candidate", verdict.candidate))
    named = [
        write("{} is {} ({})", Markdown(what), code(one.version), code(one.model[:10]))
        for what, one in models
    ]
    yield write("{}.", join("; ", named))


def release_body(
    *,
    version: str,
    model: str,
    hash: str,
    commit: str,
    report: str | None,
    message: str | None,
    bundle: tuple[str, str, int],
) -> str:
    """Return the Markdown of a version's release.

    `report` and `message` come from the verdict that promoted it; a baseline has none.
    `bundle`: the file's name, its SHA-256 digest, its size in bytes.
    """
    name, digest, size = bundle
    why = (
        write("{} Report: {}.", message or "", code(f"reports/{report}/report.md", 200))
        if report
        else Markdown("Baseline: the model that was in production when versioning began.")
    )
    lines = [
        why,
        Markdown("| | |\n|---|---|"),
        write("| model | {} {} |", code(model), code(version)),
        write("| hash in `dvc.lock` | {} |", code(hash)),
        write("| commit | {} |", code(commit)),
        write("| {} | {} bytes, sha256 {} |", code(name, 200), f"{size:,}", code(digest, 100)),
    ]
    checked = write(
        "The archive holds the model, the digests of everything it was built from, the metrics, the"
        " report and the environment lock. `retouch bundle {}` rebuilds it byte for byte.",
        version,
    )
    table = join("\n", lines[1:])
    return str(join("\n\n", [lines[0], table, checked])) + "\n"
