"""One pull request for each way an answer can stand: what `tests/golden/pull_*.md` are made of.

`python -m tests.jobs.publish.texts` writes them anew; then read the diff.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from retouch.reporting.case import BaseMoved, Case
from retouch.reporting.pull_request import (
    PullRequestState,
    PullRequestSubject,
    PullRequestTexts,
    pull_request_texts,
)
from tests.reporting import cases
from tests.reporting.documents import alert

GOLDEN = Path(__file__).parents[2] / "golden"
FOLDER = "https://github.com/acme/site/blob/" + "5" * 40 + "/reports/01HZ8V3QK5T7N2M4R6W8Y0A1B2/"
MOVED = BaseMoved("b7e99110" * 5, ("train-air@central",))


def subject(
    made: Callable[[], cases.Documents], moved: BaseMoved | None = None, **said: object
) -> PullRequestSubject:
    """Return what a pull request with these documents is about."""
    plan, run, verdict = made()
    situation = PullRequestState(**said)  # type: ignore[arg-type]
    return PullRequestSubject(plan.model, plan.alerts, Case(plan, run, verdict, moved), situation)


def unplanned(**said: object) -> PullRequestSubject:
    """Return a pull request of which nothing was planned."""
    return PullRequestSubject("block-time", (alert(),), None, PullRequestState(**said))  # type: ignore[arg-type]


SUBJECTS: dict[str, PullRequestSubject] = {
    "promote": subject(cases.promote),
    "reject": subject(cases.reject),
    "held": subject(cases.held),
    "failed": subject(cases.failed),
    "not_enough_data": subject(cases.not_enough_data),
    "equivalent": subject(cases.equivalent),
    "repaired": subject(cases.repaired),
    "invalid": subject(cases.invalid),
    "ladder": subject(cases.ladder),
    "stale": subject(cases.promote, MOVED),
    "edited": subject(cases.promote, edited=True),
    "waiting": subject(cases.planned, waits_for=(3, 5)),
    "on_hold": subject(cases.promote, held=True),
    "superseded": unplanned(superseded_by=7),
    "recorded": unplanned(message="One alert of three within a day: it waits for two more."),
    "touches_code": unplanned(faults=("The branch touches `policies/promotion.yaml`. Leave it.",)),
}


def text_of(texts: PullRequestTexts) -> str:
    """Return all of it in one file."""
    head = [
        f"title: {texts.title}",
        f"labels: {', '.join(sorted(texts.labels))}",
        f"status: {texts.state}: {texts.description}",
    ]
    comment = texts.comment if texts.body is None else texts.comment.partition("<details")[0]
    parts = [*head, "", "=== body", texts.body or "(left as it is)", "=== comment", comment]
    return "\n".join(parts).rstrip() + "\n"


def golden_texts() -> dict[str, str]:
    """Return every golden file's name and what it must hold."""
    return {
        f"pull_{name}.md": text_of(pull_request_texts(about, folder=FOLDER, checks_wait=True))
        for name, about in SUBJECTS.items()
    }


if __name__ == "__main__":
    for name, text in golden_texts().items():
        (GOLDEN / name).write_text(text, encoding="utf-8")
