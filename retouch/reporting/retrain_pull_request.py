"""The words of a retraining's pull request: title, body, comment, labels, commit status. Pure.

The body carries the first screen of the report, the alerts and how to command; the one comment
carries the whole report; the status carries the verdict in a line. Title and labels are made of
words of ours and of names that mean nothing to GitHub: no escape works there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from retouch.gate.overrides import stops
from retouch.planning.model import AlertSummary
from retouch.reporting.alert_pull_request import alert_table
from retouch.reporting.case import Case
from retouch.reporting.environment import fill
from retouch.reporting.escape import Markdown, code, inline, plain, write
from retouch.reporting.layout import CHARACTERS, LINES, ROOMS, Room
from retouch.reporting.marker import Marker
from retouch.reporting.numbers import plural
from retouch.reporting.pull_notices import Situation, notices_of
from retouch.reporting.render import STATUS_CHARACTERS, render_report, status_line
from retouch.reporting.status_labels import WORDS, Words
from retouch.reporting.summary import first_screen

RETRAIN = "retrain"
HOLD, EDITED, WAITING, DISCARDED, SUPERSEDED = (
    "hold",
    "edited",
    "waiting",
    "discarded",
    "superseded",
)
_OURS = frozenset({RETRAIN, EDITED, WAITING, SUPERSEDED})
"""Labels we set and take away; `hold` and `discarded` are set by commands alone."""
_LABEL_CHARACTERS = 50
_MOST_ALERTS = 5
_MOST_OVERRIDES = 5
_TITLES = ("Alert: ", "All clear: ", "No data: ", "Retrain ", "Record ")
"""How titles of ours begin; a person's own stands."""
COMMENT_MARKER = "<!-- retouch:report v1 "


@dataclass(frozen=True)
class Subject:
    """What a pull request is about."""

    model: str
    alerts: tuple[AlertSummary, ...]
    case: Case | None = None
    """None: nothing was planned."""
    situation: Situation = field(default_factory=Situation)


@dataclass(frozen=True)
class PullTexts:
    """Everything that is said of one pull request."""

    title: str
    body: str | None
    """None: the one that is there stands, unless it is that of an earlier answer."""
    comment: str
    labels: frozenset[str]
    state: Literal["success", "failure", "pending"]
    """Of the commit status `retouch/verdict`."""
    description: str
    """Of the commit status: one line of at most 140 characters."""


def pull_texts(subject: Subject, *, folder: str = "", checks_wait: bool = False) -> PullTexts:
    """Put the answer to a group of alerts into the words of its pull request.

    `folder`: the address of the report's folder, with its final slash. `checks_wait`: the
    repository's own checks wait for a click, as GitHub's token for workflows opened it.
    """
    words = _words(subject)
    return PullTexts(
        title=title_of(subject),
        body=_body(subject, folder, checks_wait) if subject.case else None,
        comment=_comment(subject, words, folder),
        labels=_labels(subject, words),
        state=words.state,
        description=_description(subject, words),
    )


def title_of(subject: Subject) -> str:
    """Return the title: what is retrained and why, and never how it went."""
    first = subject.alerts[0] if subject.alerts else None
    model = _name(subject.model)
    if first is None:
        return f"Retrain{model}"
    verb = "Retrain" if subject.case else "Record an alert of"
    where = f" in {first.dataset}" if inline(first.dataset) == first.dataset else ""
    others = len(subject.alerts) - 1
    more = f" and {others} more" if others else ""
    kind, severity = _word(first.kind.replace("_", " ")), _word(first.severity)
    return plain(f"{verb}{model}: {kind}{where} ({severity}){more}", 200)


def _word(text: str) -> str:
    """Return a word of ours as it is; a plan that was made up may have any other in its place."""
    return text if inline(text) == text else "unknown"


def is_our_title(title: str) -> bool:
    """Tell whether a title was written by us, as far as one can see; a person's is left alone."""
    return title.startswith(_TITLES)


def labels_beside(there: Sequence[str], wanted: frozenset[str]) -> tuple[str, ...]:
    """Return all labels a pull request is to have: the wanted ones, and those that are not ours."""
    kept = [name for name in there if not _is_ours(name)]
    return tuple(sorted({*kept, *wanted}))


def _is_ours(name: str) -> bool:
    return name in _OURS or name.startswith(("verdict:", "model:"))


def _name(model: str) -> str:
    """Return ` block-time`; nothing for a name that GitHub would act on."""
    return f" {model}" if model and inline(model) == model else ""


def _labels(subject: Subject, words: Words) -> frozenset[str]:
    model = plain(f"model:{subject.model.replace(',', '-')}", _LABEL_CHARACTERS)
    said = subject.situation
    return frozenset(
        name
        for name, wanted in (
            (RETRAIN, True),
            (model, bool(subject.model)),
            (f"verdict:{words.label}", True),
            (WAITING, bool(said.waits_for)),
            (EDITED, said.edited),
            (SUPERSEDED, said.superseded_by is not None),
        )
        if wanted
    )


def _words(subject: Subject) -> Words:
    """Return how the pull request stands: what stops it comes before what the gate said."""
    said, case = subject.situation, subject.case
    own = case.words if case else Words("📝", "on record, nothing to retrain", "warn", "success")
    if said.faults:
        return Words("❌", "not an answer that can be taken", "fail", "failure")
    if said.edited:
        return Words("⚠️", "edited by a person, left alone", "warn", "failure")
    if said.superseded_by is not None:
        return Words("⚠️", f"answered by #{said.superseded_by}", "warn", "failure")
    if said.held:
        return Words("⏳", "held", own.label, "pending")
    if case and case.moved:
        return WORDS["stale"]
    if said.waits_for:
        return Words("⏳", "waiting", "running", "pending")
    return own


def _description(subject: Subject, words: Words) -> str:
    said, case = subject.situation, subject.case
    line = words.message
    if said.faults:
        line = f"failed: {said.faults[0]}"
    elif said.edited:
        line = "edited by a person: left alone until /retrain --overwrite"
    elif said.held:
        by = f" by @{said.held_by}" if said.held_by else ""
        line = f"held{by}: /retrain goes on"
    elif said.superseded_by is not None:
        line = f"answered together with others by #{said.superseded_by}"
    elif said.waits_for and not (case and case.moved):
        line = f"waits for {numbers(said.waits_for)}: the same stages run there"
    elif case and case.standing == "held" and case.plan.unproven:
        line = "needs a person: nobody vouches for the alert; /retrain by a writer does"
    elif case:
        return status_line(case.plan, case.run, case.verdict) if not case.moved else words.message
    elif said.message:
        line = f"{said.message.rstrip('.')}; merging records the alert"
    return plain(line, STATUS_CHARACTERS)


def numbers(pulls: Sequence[int]) -> str:
    """Return `#3, #5`."""
    return ", ".join(f"#{number}" for number in pulls[:5])


def _body(subject: Subject, folder: str, checks_wait: bool) -> str:
    case = subject.case
    assert case
    report = render_report(case.plan, case.run, case.verdict, folder=folder, moved=case.moved)
    shown = subject.alerts[:_MOST_ALERTS]
    return fill(
        "retrain_pull_request.md.j2",
        first=_first(case, notices_of(subject.situation)),
        about=plural(len(subject.alerts), "alert"),
        alerts=[(code(alert.alert_id), alert_table(alert)) for alert in shown],
        left_out=len(subject.alerts) - len(shown),
        vouching=bool(case.plan.unproven),
        overrides=_overrides(case),
        checks_wait=checks_wait,
        links=Markdown(report.rpartition("</sub>\n")[2].strip("\n")),
    )


def _overrides(case: Case) -> list[Markdown]:
    """Return the commands that would override what stops the candidate, as one types them."""
    found = stops(case.verdict.deciding) if case.verdict else []
    names = list(dict.fromkeys(one.name for one in found))[:_MOST_OVERRIDES]
    return [code(f'/retrain override "{name}" REASON', 200) for name in names] or [
        code("/retrain override CHECK REASON")
    ]


def _first(case: Case, notices: Sequence[Markdown]) -> Markdown:
    """Return the roomiest first screen that leaves room for the notices, which come first."""
    for room in ROOMS:
        text = _with_notices(_screen(case, room), notices)
        if len(text) < CHARACTERS and text.rstrip("\n").count("\n") < LINES:
            return Markdown(text)
    bare = replace(first_screen(case, ROOMS[-1]), notes=(), table=None)
    text = fill("_first.md.j2", marker=case.marker.written(), screen=bare)
    return Markdown(_with_notices(text, notices))


def _screen(case: Case, room: Room) -> str:
    screen = first_screen(case, room)
    return fill("_first.md.j2", marker=case.marker.written(), screen=screen)


def _with_notices(text: str, notices: Sequence[Markdown]) -> str:
    """Put notices below the heading, which ends at the first empty line."""
    if not notices:
        return text
    head, gap, rest = text.partition("\n\n")
    return f"{head}{gap}{gap.join(notices)}{gap}{rest}"


def _comment(subject: Subject, words: Words, folder: str) -> str:
    case, notices = subject.case, notices_of(subject.situation)
    if case:
        report = render_report(case.plan, case.run, case.verdict, folder=folder, moved=case.moved)
        return _with_notices(report, notices)
    alert = subject.alerts[0].alert_id if subject.alerts else ""
    marker = Marker(alert, "", "failed" if subject.situation.faults else "recorded", "")
    heading = write("## {} Retouch{} — {}", Markdown(words.emoji), _of(subject), words.message)
    message = [inline(subject.situation.message)] if subject.situation.message else []
    if words.state == "success":
        message.append(Markdown("Merging puts the alert on record, and changes nothing else."))
    return "\n\n".join([f"{marker}\n{heading}", *notices, *message]) + "\n"


def _of(subject: Subject) -> Markdown:
    return write(" {}", code(subject.model)) if subject.model else Markdown("")
