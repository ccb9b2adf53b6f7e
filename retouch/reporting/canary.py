"""What GitHub is told of a canary that failed, or that a person has to decide on; with evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retouch.gate.canary_model import CanaryDay, CanaryVerdict
from retouch.reporting.environment import fill
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.numbers import moment, number, plural, signed
from retouch.reporting.rollback import Notice, marker_of, taken_back_by, title_of
from retouch.reporting.table import Table, table

DAYS_SHOWN = 31
_DAYS = "Day, Rows>, Production>, **Candidate**>, Gain>, Lowest>, Highest>"


def canary_failed(
    verdict: CanaryVerdict, *, message: str, counter: int | None, revert_url: str | None
) -> Notice:
    """Tell that a canary failed, or was taken down undecided as the policy wants; with evidence."""
    version, stays = verdict.candidate.version, verdict.production.version
    next_ = write(
        "**What happens next.** {} is out of the canary and its model is not promoted again."
        " Production was {} all along and stays it. {}",
        code(version),
        code(stays),
        taken_back_by(revert_url, version),
    )
    caution = write(
        "Production itself is not touched by this. To take it back a version as well: {}",
        code('retouch rollback --reason "why"'),
    )
    became = "failed" if verdict.decision == "fail" else "was taken down"
    return _of_canary("canary-failed", became, verdict, message, counter, next_, caution)


def canary_undecided(verdict: CanaryVerdict, *, message: str, counter: int | None) -> Notice:
    """Ask a person: the days a canary has are over, and have shown neither."""
    version, stays = verdict.candidate.version, verdict.production.version
    commands = tuple(
        code(f"retouch canary apply canary.json --undecided {answer}", 120)
        for answer in ("promote", "roll_back")
    )
    next_ = write(
        "**What happens next.** Nothing, until a person decides; {} stays in production. Promote"
        " it: {}. Take it down: {}.",
        code(stays),
        *commands,
    )
    caution = write(
        "Should it be promoted and do harm, this brings {} back: {}",
        code(stays),
        code(f'retouch rollback --to {stays} --reason "{version} does harm"', 200),
    )
    return _of_canary("canary-undecided", "is undecided", verdict, message, counter, next_, caution)


def _of_canary(
    kind: str,
    became: str,
    verdict: CanaryVerdict,
    message: str,
    counter: int | None,
    next_: Markdown,
    caution: Markdown,
) -> Notice:
    version = verdict.candidate.version
    marker = marker_of(kind, verdict.name, version, counter)
    body = fill(
        "notice.md.j2",
        marker=Markdown(marker),
        heading=write(
            "The canary {} of {} {}", code(version), code(verdict.name), Markdown(became)
        ),
        sentence=write("**{}**", inline(message, 1000)),
        table=_days(verdict),
        parts=(*_read(verdict), next_),
        caution=caution,
        written_at=moment(verdict.judged_at),
    )
    return Notice(title_of(f"The canary {{}} {became}", version, verdict.name), body, marker)


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


def _read(verdict: CanaryVerdict) -> Iterable[Markdown]:
    older = len(verdict.days) - DAYS_SHOWN
    if verdict.days:
        yield write(
            "Mean loss{} of the same rows, day by day{}. *Lowest* and *highest* are the bounds of"
            " the mean gain after that day; they hold at all looks together with {} %. A day's gain"
            " counts as {} at the most. Above {} it passes, below it fails.",
            write(" in {}", inline(verdict.unit, 40)) if verdict.unit else "",
            write(", the newest of them ({} before)", plural(older, "day")) if older > 0 else "",
            f"{100 * verdict.limits.confidence:g}",
            number(verdict.limits.scale, verdict.decimals),
            number(-verdict.limits.margin, verdict.decimals),
        )
    models = (("Production", verdict.production), ("the candidate", verdict.candidate))
    told = [
        write("{} is {} ({})", Markdown(what), code(one.version), code(one.model[:10]))
        for what, one in models
    ]
    yield write("{}.", join("; ", told))
