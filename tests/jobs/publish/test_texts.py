"""What a pull request says: one verdict everywhere, a first screen that fits, nothing hostile."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.alerts.receipt import Provenance
from retouch.planning.model import AlertProvenance
from retouch.reporting.case import Case
from retouch.reporting.layout import CHARACTERS, LINES
from retouch.reporting.marker import read_marker
from retouch.reporting.pull_request import (
    PullRequestState,
    PullRequestSubject,
    is_generated_title,
    merge_labels,
    pull_request_texts,
)
from tests.jobs.publish.texts import FOLDER, GOLDEN, SUBJECTS, golden_texts, subject
from tests.reporting.cases import held, ladder, promote
from tests.reporting.documents import alert
from tests.reporting.hostile import flat, hostile, linked_by_github, parse

STATES = {
    "promote": "success", "repaired": "success", "recorded": "success", "ladder": "success",
    "reject": "failure", "held": "failure", "failed": "failure", "not_enough_data": "failure",
    "equivalent": "failure", "invalid": "failure", "stale": "failure", "edited": "failure",
    "superseded": "failure", "touches_code": "failure",
    "waiting": "pending", "on_hold": "pending",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(golden_texts()))
def test_the_golden_file_of_a_pull_request_holds(name):
    assert golden_texts()[name] == (GOLDEN / name).read_text()


@pytest.mark.parametrize("name", sorted(SUBJECTS))
def test_it_has_one_verdict_and_a_state_that_is_a_success_only_where_one_may_merge(name):
    texts = pull_request_texts(SUBJECTS[name], folder=FOLDER)
    verdicts = [label for label in texts.labels if label.startswith("verdict:")]
    assert len(verdicts) == 1
    assert {"retrain", "model:block-time"} <= texts.labels
    assert texts.state == STATES[name]
    assert len(texts.description) <= 140
    assert read_marker(texts.comment)


@pytest.mark.parametrize("name", [n for n, about in SUBJECTS.items() if about.case])
def test_the_first_screen_of_the_body_fits_with_its_notices(name):
    texts = pull_request_texts(SUBJECTS[name], folder=FOLDER, checks_wait=True)
    first = texts.body.partition("<details")[0].rstrip("\n")
    assert len(first) <= CHARACTERS
    assert first.count("\n") < LINES
    assert len(texts.comment) < 65_536
    assert len(texts.body) < 65_536


def test_no_text_is_longer_than_github_takes_however_much_there_is_to_say():
    plan, run, verdict = ladder()
    rude = "<@#&*_`|[]~^$>" * 100
    one = plan.alerts[0].model_copy(update={"message": rude, "findings": ("a" * 300,) * 200})
    judgement = verdict.judgements[0]
    many = judgement.model_copy(update={"checks": judgement.checks * 300, "message": rude})
    judgements = (many,) * 29 + verdict.judgements[-1:]
    documents = (
        plan.model_copy(update={"alerts": (one,) * 2000}),
        run.model_copy(update={"attempts": run.attempts * 30}),
        verdict.model_copy(update={"judgements": judgements, "message": rude}),
    )

    for shown in (documents, (documents[0], run, verdict)):
        texts = pull_request_texts(subject(lambda shown=shown: shown), folder=FOLDER)
        assert len(texts.title) <= 200
        assert len(texts.description) <= 140
        assert max(map(len, texts.labels)) <= 50
        assert max(len(texts.body), len(texts.comment)) < 65_536


def test_an_alert_without_proof_says_how_a_writer_approves_it():
    plan, _, _ = held()
    proof = Provenance.model_validate(
        {"verdict": "unsigned", "may_retrain": False, "reasons": ["It is unsigned."]}
    )
    proven = plan.model_copy(
        update={"provenance": (AlertProvenance(alert_id=plan.report_id, provenance=proof),)}
    )
    texts = pull_request_texts(PullRequestSubject(plan.model, plan.alerts, Case(proven)))
    assert "`/retrain` **approves the alert**" in texts.body
    assert texts.state == "failure"
    assert "/retrain by a writer" in texts.description


@given(st.lists(st.sampled_from(["bug", "hold", "waiting", "verdict:fail", "model:x", "edited"])))
def test_labels_of_others_stay_and_managed_ones_are_replaced(there):
    wanted = frozenset({"retrain", "verdict:pass"})
    left = merge_labels(there, wanted)
    assert set(left) == wanted | ({"bug", "hold"} & set(there))
    assert merge_labels(left, wanted) == left


def test_a_persons_title_is_not_a_generated_one():
    assert is_generated_title("Alert: target drift in rows (warning)")
    assert is_generated_title(pull_request_texts(SUBJECTS["promote"]).title)
    assert not is_generated_title("Please look at this first")


@settings(deadline=None, max_examples=40)
@given(hostile, hostile, hostile)
def test_nothing_an_alert_or_a_person_says_does_anything(message, name, login):
    plan, run, verdict = promote()
    normal_spaces = alert(message=message, findings=(message,), dataset=name or "x", where=(name,))
    plan = plan.model_copy(update={"alerts": (normal_spaces,), "model": name or "x"})
    situation = PullRequestState(
        held=True, held_by=login or None, faults=(message,), message=message
    )
    for case in (Case(plan, run, verdict), None):
        texts = pull_request_texts(
            PullRequestSubject(plan.model, plan.alerts, case, situation), folder=FOLDER
        )
        assert read_marker(texts.comment)
        assert texts.comment.count("-->") == 1
        assert "\n" not in texts.title + texts.description
        assert not linked_by_github(texts.title)
        assert len(texts.description) <= 140
        for text in filter(None, (texts.body, texts.comment)):
            assert text.count("<details") == text.count("</details>")
            for token in flat(parse(text)):
                if token.type == "text":
                    links = linked_by_github(token.content)
                    assert all(link.startswith(("ht", ":")) for link in links), (links, token)
