"""The texts of pull requests: an alert's and a retraining's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from retouch.alerts.model import Alert, Status
from retouch.alerts.words import AlertSummary, summarise
from retouch.gate.overrides import blocking
from retouch.reporting.case import Case
from retouch.reporting.escape import Markdown, code, inline, join, plain, write
from retouch.reporting.marker import Marker
from retouch.reporting.numbers import moment, plural
from retouch.reporting.report import STATUS_CHARACTERS, render_report, status_line
from retouch.reporting.status_labels import STATUS_TEXTS, StatusText
from retouch.reporting.summary import render_first_screen, with_notices
from retouch.reporting.template import fill

_MESSAGE_LIMIT = 1_000
_MAX_ITEMS = 8
_HEADS: dict[Status, str] = {"firing": "Alert", "resolved": "Resolved", "no_data": "No data"}


@dataclass(frozen=True)
class AlertPullRequest:
    """All texts of the pull request of one alert."""

    branch: str
    title: str
    """One line of at most 200 characters."""
    commit_message: str
    body: Markdown
    """At most 30,000 characters; GitHub takes 65,536."""


_MAX_FAULTS = 8


@dataclass(frozen=True)
class PullRequestState:
    """What concerns a pull request besides its report."""

    faults: tuple[str, ...] = ()
    """Sentences: why its content is not a valid alert or result."""
    message: str = ""
    """One sentence with the result, where there is no report."""
    waits_for: tuple[int, ...] = ()
    held: bool = False
    held_by: str | None = None
    """A login; None: unknown."""
    edited: bool = False
    superseded_by: int | None = None


RETRAIN = "retrain"
HOLD, EDITED, WAITING, DISCARDED, SUPERSEDED = (
    "hold",
    "edited",
    "waiting",
    "discarded",
    "superseded",
)
_MANAGED_LABELS = frozenset({RETRAIN, EDITED, WAITING, SUPERSEDED})
"""Labels set and removed with each update; only commands set `hold` and `discarded`."""
WAITING_FOR = "waiting for "
"""How the status begins of a pull request that waits for another one."""
_LABEL_CHARACTERS = 50
_MAX_ALERTS = 5
_MAX_OVERRIDES = 5
_TITLES = ("Alert: ", "Resolved: ", "All clear: ", "No data: ", "Retrain ", "Record ")
"""How generated titles begin, now and earlier; a person's own title is kept."""


@dataclass(frozen=True)
class PullRequestSubject:
    """What a pull request is about."""

    model: str
    alerts: tuple[AlertSummary, ...]
    case: Case | None = None
    """None: nothing was planned."""
    state: PullRequestState = field(default_factory=PullRequestState)


@dataclass(frozen=True)
class PullRequestTexts:
    """All texts of one pull request."""

    title: str
    body: str | None
    """None: keep the existing body, unless it belongs to an earlier result."""
    comment: str
    labels: frozenset[str]
    state: Literal["success", "failure", "pending"]
    """Of the commit status `retouch/verdict`."""
    description: str
    """Of the commit status: one line of at most 140 characters."""


def alert_branch(alert_id: str) -> str:
    """Return the branch on which an alert is delivered."""
    return f"retouch/alert/{alert_id}"


def alert_pull_request(alert: Alert, *, signed: bool) -> AlertPullRequest:
    """Return the texts of an alert's pull request; `signed`: it comes with a signature."""
    kind = alert.kind.replace("_", " ")
    dataset = alert.slice.current.dataset
    of_dataset = f" in {dataset}" if inline(dataset) == dataset else ""
    title = f"{_HEADS[alert.status]}: {kind}{of_dataset} ({alert.severity})"
    how = "with its signature" if signed else "unsigned"
    return AlertPullRequest(
        branch=alert_branch(alert.alert_id),
        title=title,
        commit_message=f"Add alert {alert.alert_id}\n\nAs written by its monitor, {how}.\n",
        body=_alert_body(alert, kind, signed=signed),
    )


def _alert_body(alert: Alert, kind: str, *, signed: bool) -> Markdown:
    where = f"alerts/{alert.alert_id}.json"
    provenance = (
        write("Its signature is stored beside it and verified at intake.")
        if signed
        else write(
            "It is unsigned: by default it is planned, but retrains nothing until it is approved."
        )
    )
    return join(
        "\n",
        [
            Markdown(f"<!-- retouch:alert v1 {alert.alert_id} -->"),
            write(
                "**{}: {}** ({}) for the model {}.",
                _HEADS[alert.status],
                kind,
                alert.severity,
                code(alert.model),
            ),
            Markdown(""),
            alert_table(summarise(alert)),
            Markdown(""),
            write("The alert is {}. {}", code(where), provenance),
            Markdown("Everything in the table is reported by the monitor."),
            Markdown(""),
        ],
    )


def alert_table(alert: AlertSummary) -> Markdown:
    """Return what a monitor reports as a table of two columns."""
    rows = [write("| {} | {} |", name, text) for name, text in _rows(alert) if text]
    return join("\n", [Markdown("| | |"), Markdown("|---|---|"), *rows])


def _rows(alert: AlertSummary) -> Iterable[tuple[str, Markdown]]:
    yield "Dataset", code(alert.dataset)
    yield "Columns", _listed(code(name) for name in alert.columns)
    yield "Where", _listed(code(condition) for condition in alert.where)
    yield "Window", inline(alert.window or "")
    yield "Findings", _listed(inline(finding) for finding in alert.findings)
    yield "Confidence", inline(alert.confidence)
    yield "Monitor", code(alert.monitor)
    yield "Raised", moment(alert.emitted_at)
    yield "Message", inline(alert.message, _MESSAGE_LIMIT)
    yield "Hypothesis", inline(alert.hypothesis or "", _MESSAGE_LIMIT)


def _listed(items: Iterable[Markdown]) -> Markdown:
    """Return the first items, and how many more there are."""
    every = list(items)
    more = len(every) - _MAX_ITEMS
    shown = every[:_MAX_ITEMS]
    return join(", ", [*shown, write("and {} more", more)] if more > 0 else shown)


def notices_for(state: PullRequestState) -> tuple[Markdown, ...]:
    """Return the notices, the blocking ones first."""
    notices = []
    if state.faults:
        notices.append(_faults(state.faults))
    if state.edited:
        notices.append(edited_notice())
    if state.superseded_by is not None:
        notices.append(
            _boxed(
                "NOTE",
                write("Handled together with other alerts in {}.", _pulls([state.superseded_by])),
            )
        )
    if state.held:
        by = write(" by {}", code(state.held_by, 100)) if state.held_by else Markdown("")
        notices.append(_boxed("NOTE", write("On hold{}. Comment `/retrain` to continue.", by)))
    if state.waits_for:
        notices.append(
            _boxed(
                "NOTE",
                write(
                    "Waiting for {}, because the same stages run there. Continues automatically"
                    " once they are merged or closed.",
                    _pulls(state.waits_for),
                ),
            )
        )
    return tuple(notices)


def edited_notice() -> Markdown:
    """Say that a person's commits are left alone, and how to overwrite them."""
    return _boxed(
        "WARNING",
        Markdown(
            "This branch has commits by others, so Retouch no longer writes to it."
            " `/retrain --overwrite` retrains without those changes; the commits stay in the"
            " branch's history."
        ),
    )


def _faults(faults: Sequence[str]) -> Markdown:
    shown = [write("- {}", inline(fault, 300)) for fault in faults[:_MAX_FAULTS]]
    more = len(faults) - len(shown)
    if more > 0:
        shown.append(write("- and {} more", more))
    return _boxed("CAUTION", join("\n> ", shown))


def _pulls(pulls: Sequence[int]) -> Markdown:
    """Return numbers for GitHub to link; they do not come from outside."""
    return Markdown(", ".join(f"#{int(number)}" for number in pulls[:5]))


def _boxed(kind: str, text: Markdown) -> Markdown:
    return Markdown(f"> [!{kind}]\n> {text}")


def pull_request_texts(
    subject: PullRequestSubject, *, folder: str = "", checks_wait: bool = False
) -> PullRequestTexts:
    """Return the texts of the pull request for a group of alerts.

    `folder`: the address of the report's folder, with its final slash. `checks_wait`: the
    repository's own checks wait for a click, because a workflow's token opened it.
    """
    status = _status(subject)
    return PullRequestTexts(
        title=pull_request_title(subject),
        body=_body(subject, folder, checks_wait) if subject.case else None,
        comment=_comment(subject, status, folder),
        labels=_labels(subject, status),
        state=status.state,
        description=_description(subject, status),
    )


def pull_request_title(subject: PullRequestSubject) -> str:
    """Return the title: what is retrained and why, never the result."""
    first = subject.alerts[0] if subject.alerts else None
    model = _model_name(subject.model)
    if first is None:
        return f"Retrain{model}"
    verb = "Retrain" if subject.case else "Record an alert for"
    where = f" in {first.dataset}" if inline(first.dataset) == first.dataset else ""
    others = len(subject.alerts) - 1
    more = f" and {others} more" if others else ""
    kind, severity = _word(first.kind.replace("_", " ")), _word(first.severity)
    return plain(f"{verb}{model}: {kind}{where} ({severity}){more}", 200)


def _word(text: str) -> str:
    """Return a word of our own vocabulary; a forged plan may hold anything in its place."""
    return text if inline(text) == text else "unknown"


def is_generated_title(title: str) -> bool:
    """Tell whether a title looks generated; a person's own is left alone."""
    return title.startswith(_TITLES)


def merge_labels(existing: Sequence[str], wanted: frozenset[str]) -> tuple[str, ...]:
    """Return the labels a pull request is to have: the wanted ones, and those set by others."""
    kept = [name for name in existing if not _is_managed(name)]
    return tuple(sorted({*kept, *wanted}))


def _is_managed(name: str) -> bool:
    return name in _MANAGED_LABELS or name.startswith(("verdict:", "model:"))


def _model_name(model: str) -> str:
    """Return ` block-time`; nothing for a name that GitHub would act on."""
    return f" {model}" if model and inline(model) == model else ""


def _labels(subject: PullRequestSubject, status: StatusText) -> frozenset[str]:
    model = plain(f"model:{subject.model.replace(',', '-')}", _LABEL_CHARACTERS)
    state = subject.state
    return frozenset(
        name
        for name, wanted in (
            (RETRAIN, True),
            (model, bool(subject.model)),
            (f"verdict:{status.label}", True),
            (WAITING, bool(state.waits_for)),
            (EDITED, state.edited),
            (SUPERSEDED, state.superseded_by is not None),
        )
        if wanted
    )


def _status(subject: PullRequestSubject) -> StatusText:
    """Return how the pull request stands: what stops it comes before the gate's verdict."""
    state, case = subject.state, subject.case
    own = (
        case.status_text
        if case
        else StatusText("📝", "recorded, nothing to retrain", "warn", "success")
    )
    if state.faults:
        return StatusText("❌", "invalid", "fail", "failure")
    if state.edited:
        return StatusText("⚠️", "edited by hand, not updated", "warn", "failure")
    if state.superseded_by is not None:
        return StatusText("⚠️", f"superseded by #{state.superseded_by}", "warn", "failure")
    if state.held:
        return StatusText("⏳", "on hold", own.label, "pending")
    if case and case.moved:
        return STATUS_TEXTS["stale"]
    if state.waits_for:
        return StatusText("⏳", "waiting", "running", "pending")
    return own


def _description(subject: PullRequestSubject, status: StatusText) -> str:
    state, case = subject.state, subject.case
    line = status.message
    if state.faults:
        line = f"failed: {state.faults[0]}"
    elif state.edited:
        line = "edited by hand: not updated until /retrain --overwrite"
    elif state.held:
        by = f" by @{state.held_by}" if state.held_by else ""
        line = f"on hold{by}: /retrain continues"
    elif state.superseded_by is not None:
        line = f"handled together with other alerts in #{state.superseded_by}"
    elif state.waits_for and not (case and case.moved):
        line = f"{WAITING_FOR}{pull_numbers(state.waits_for)}: the same stages run there"
    elif case and case.status == "held" and case.plan.unproven:
        line = "needs approval: the alert is not verified; /retrain by a writer approves it"
    elif case:
        return status_line(case.plan, case.run, case.verdict) if not case.moved else status.message
    elif state.message:
        line = f"{state.message.rstrip('.')}; merging records the alert"
    return plain(line, STATUS_CHARACTERS)


def pull_numbers(pulls: Sequence[int]) -> str:
    """Return `#3, #5`."""
    return ", ".join(f"#{number}" for number in pulls[:5])


def _body(subject: PullRequestSubject, folder: str, checks_wait: bool) -> str:
    case = subject.case
    assert case
    report = render_report(case.plan, case.run, case.verdict, folder=folder, moved=case.moved)
    shown = subject.alerts[:_MAX_ALERTS]
    return fill(
        "retrain_pull_request.md.j2",
        first_screen=render_first_screen(case, notices_for(subject.state)),
        about=plural(len(subject.alerts), "alert"),
        alerts=[(code(alert.alert_id), alert_table(alert)) for alert in shown],
        left_out=len(subject.alerts) - len(shown),
        unsigned=bool(case.plan.unproven),
        overrides=_overrides(case),
        checks_wait=checks_wait,
        links=Markdown(report.rpartition("</sub>\n")[2].strip("\n")),
    )


def _overrides(case: Case) -> list[Markdown]:
    """Return the commands that would override the checks that stop the candidate."""
    stopping = blocking(case.verdict.deciding) if case.verdict else []
    names = list(dict.fromkeys(check.name for check in stopping))[:_MAX_OVERRIDES]
    return [code(f'/retrain override "{name}" REASON', 200) for name in names] or [
        code("/retrain override CHECK REASON")
    ]


def _comment(subject: PullRequestSubject, status: StatusText, folder: str) -> str:
    case, notices = subject.case, notices_for(subject.state)
    if case:
        report = render_report(case.plan, case.run, case.verdict, folder=folder, moved=case.moved)
        return with_notices(report, notices)
    alert = subject.alerts[0].alert_id if subject.alerts else ""
    marker = Marker(alert, "", "failed" if subject.state.faults else "recorded", "")
    heading = write("## {} Retouch{} — {}", Markdown(status.emoji), _of(subject), status.message)
    message = [inline(subject.state.message)] if subject.state.message else []
    if status.state == "success":
        message.append(Markdown("Merging records the alert and changes nothing else."))
    return "\n\n".join([f"{marker}\n{heading}", *notices, *message]) + "\n"


def _of(subject: PullRequestSubject) -> Markdown:
    return write(" {}", code(subject.model)) if subject.model else Markdown("")
