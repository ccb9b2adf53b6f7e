"""The words of an alert's pull request: branch, title, commit message, body. Pure.

What a monitor wrote is shown in the body alone, escaped. Title and commit message end up where no
escape works (GitHub reads mentions and closing words there as well), so they are made of words of
ours, and of the dataset's name when there is nothing in it that GitHub would act on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from retouch.alerts.model import Alert, Status
from retouch.alerts.words import AlertSummary, summarise
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.numbers import moment

_MESSAGE_LIMIT = 1_000
_MOST_ITEMS = 8
_HEADS: dict[Status, str] = {"firing": "Alert", "resolved": "All clear", "no_data": "No data"}


@dataclass(frozen=True)
class AlertPullRequest:
    """All texts of the pull request of one alert."""

    branch: str
    title: str
    """One line of at most 200 characters."""
    commit_message: str
    body: Markdown
    """At most 30,000 characters; GitHub takes 65,536."""


def branch_of(alert_id: str) -> str:
    """Return the branch on which an alert is delivered."""
    return f"retouch/alert/{alert_id}"


def alert_pull_request(alert: Alert, *, signed: bool) -> AlertPullRequest:
    """Put an alert into the words of its pull request; `signed`: a signature goes with it."""
    kind = alert.kind.replace("_", " ")
    dataset = alert.slice.current.dataset
    of_dataset = f" in {dataset}" if inline(dataset) == dataset else ""
    title = f"{_HEADS[alert.status]}: {kind}{of_dataset} ({alert.severity})"
    how = "with its signature" if signed else "unsigned"
    return AlertPullRequest(
        branch=branch_of(alert.alert_id),
        title=title,
        commit_message=f"Add alert {alert.alert_id}\n\nAs its monitor wrote it, {how}.\n",
        body=_body(alert, kind, signed=signed),
    )


def _body(alert: Alert, kind: str, *, signed: bool) -> Markdown:
    where = f"alerts/{alert.alert_id}.json"
    provenance = (
        write("Its signature lies beside it, and is verified at intake.")
        if signed
        else write("It is unsigned: by default it is planned, and retrains nothing by itself.")
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
            Markdown("All of the table is what the monitor says of itself and of the data."),
            Markdown(""),
        ],
    )


def alert_table(said: AlertSummary) -> Markdown:
    """Return what a monitor says of itself and of the data as a table of two columns."""
    rows = [write("| {} | {} |", name, text) for name, text in _rows(said) if text]
    return join("\n", [Markdown("| | |"), Markdown("|---|---|"), *rows])


def _rows(said: AlertSummary) -> Iterable[tuple[str, Markdown]]:
    yield "Dataset", code(said.dataset)
    yield "Columns", _some(code(name) for name in said.columns)
    yield "Rows", _some(code(condition) for condition in said.where)
    yield "Window", inline(said.window or "")
    yield "Found", _some(inline(finding) for finding in said.findings)
    yield "Confidence", inline(said.confidence)
    yield "Monitor", code(said.monitor)
    yield "Raised", moment(said.emitted_at)
    yield "Message", inline(said.message, _MESSAGE_LIMIT)
    yield "Hypothesis", inline(said.hypothesis or "", _MESSAGE_LIMIT)


def _some(items: Iterable[Markdown]) -> Markdown:
    """Return the first few, and how many more there are."""
    every = list(items)
    more = len(every) - _MOST_ITEMS
    shown = every[:_MOST_ITEMS]
    return join(", ", [*shown, write("and {} more", more)] if more > 0 else shown)
