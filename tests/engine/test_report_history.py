"""The reports of earlier alerts as history: answers, episodes, judged candidates."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from retouch.engine.report_files import file_report, rerender_report
from retouch.engine.report_history import answers, episodes, judged_candidates, judged_reports
from retouch.errors import InputError
from retouch.gate.model import Check, Judgement, Verdict
from tests.reporting import documents as made

ROOT = Path(__file__).parents[2]
COMMITTED = sorted(path.parent.name for path in (ROOT / "reports").glob("[0-9]*/plan.json"))
RAN = (made.ran("train-air@central", 4.4), made.not_run("train-taxi@EWR", "cut_off", "no change"))


def judgement(tier: str, outcome: str, *checks: Check, **holdout: object) -> Judgement:
    judged = made.judgement(tier, outcome, "One sentence.", checks=checks)
    assert judged.holdout is not None
    used = judged.holdout.model_copy(update={"rows": 40, **holdout})
    return judged.model_copy(update={"holdout": used})


def check(name: str, gain: float | None, rows: int = 40) -> Check:
    return made.check(name, 2.0, 1.0, 0.5, 1.5, rows=rows, gain=gain)


def file(root: Path, *judgements: Judgement, **changed: object) -> Verdict:
    plan = made.plan(made.refit(), made.repair(), **changed)
    verdict = made.verdict(*judgements)
    file_report(root, plan, made.run(made.attempt(made.refit(), *RAN)), verdict)
    return verdict


@pytest.mark.parametrize("outcome", ["promote", "equivalent"])
def test_a_retrain_answers_for_what_it_touched_and_what_ran(tmp_path: Path, outcome: str):
    verdict = file(tmp_path, judgement("refit", outcome))
    plan = made.plan(made.refit(), made.repair())

    (answer,) = answers(tmp_path, {})

    assert (answer.kept, answer.at) == (True, verdict.judged_at)
    expected = {"train-air@central", *plan.touched.stages} if outcome == "promote" else set()
    assert set(answer.stages) == expected


def test_a_verdict_without_its_run_is_refused(tmp_path: Path):
    file(tmp_path, judgement("refit", "promote"))
    (tmp_path / "reports" / made.ALERT_ID / "run.json").unlink()
    with pytest.raises(InputError, match=r"run\.json: holds no attempt"):
        answers(tmp_path, {})


def test_every_tier_that_was_judged_is_an_episode(tmp_path: Path):
    alerts = (made.alert(family="drift", where=()), made.alert(where=("region = eu",)))
    file(
        tmp_path,
        judgement("quarantine", "equivalent"),
        judgement("nudge", "equivalent"),
        judgement("broken", "invalid"),
        judgement("full", "not_enough_data", check("overall", None)),
        judgement("refit", "promote", check("overall", 0.5), check("alerted slice", 2.0, rows=10)),
        alerts=alerts,
    )

    found = {episode.tier: episode for episode in episodes(judged_reports(tmp_path))}

    assert list(found) == ["quarantine", "nudge", "full", "refit"]
    refit, full = found["refit"], found["full"]
    assert (refit.families, refit.where) == (("drift", "performance"), ("region = eu",))
    assert (refit.gain, refit.share, refit.overall_gain) == (2.0, 0.25, 0.5)
    assert (full.gain, full.share) == (None, 1.0)
    passed = {tier: episode.passed for tier, episode in found.items()}
    assert passed == {"quarantine": True, "nudge": False, "full": False, "refit": True}


def test_a_hold_out_was_put_to_use_by_what_it_really_judged(tmp_path: Path):
    days = {"start": "2026-02-01", "end": "2026-02-15"}
    file(
        tmp_path,
        judgement("broken", "invalid", **days),
        judgement("old", "reject", **days),
        judgement("last", "promote", candidate_number=2, candidates_allowed=2, **days),
        judgement("late", "not_enough_data", candidate_number=3, candidates_allowed=2, **days),
    )

    assert [(one.start, one.end) for one in judged_candidates(judged_reports(tmp_path))] == [
        (date(2026, 2, 1), date(2026, 2, 15))
    ] * 2


def test_a_hold_out_without_days_is_refused_in_one_sentence(tmp_path: Path):
    file(tmp_path, judgement("refit", "promote", start="soon"))
    with pytest.raises(InputError, match=r"holdout\.start: is 'soon', not a day"):
        judged_candidates(judged_reports(tmp_path))


@pytest.mark.parametrize("report_id", COMMITTED)
def test_every_committed_report_is_read_and_rendered_again(tmp_path: Path, report_id: str):
    """Also those with the former key `says` (decision 20): the report's text does not change."""
    committed = ROOT / "reports" / report_id
    shutil.copytree(committed, tmp_path / "reports" / report_id)

    folder = rerender_report(tmp_path, report_id)

    assert (folder / "report.md").read_text() == (committed / "report.md").read_text()
    documents = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    assert documents == {path.name: path.read_bytes() for path in committed.glob("*.json")}
    answers(tmp_path, {})
    was_judged = (folder / "verdict.json").exists()
    assert bool(episodes(judged_reports(tmp_path))) == was_judged
    assert bool(judged_candidates(judged_reports(tmp_path))) <= was_judged


def test_rendering_a_report_again_leaves_its_documents_as_they_are_on_disk(tmp_path: Path):
    file(tmp_path, judgement("refit", "promote"))
    folder = tmp_path / "reports" / made.ALERT_ID
    written = {}
    for path in sorted(folder.glob("*.json")):
        written[path.name] = path.read_bytes().replace(b"\n", b"\n\n")
        path.write_bytes(written[path.name])
    (folder / "report.md").write_text("edited")
    (folder / "figure.svg").write_text("of an earlier version")

    rerender_report(tmp_path, folder.name)

    assert {"plan.json", "run.json", "verdict.json"} <= set(written)
    assert {path.name: path.read_bytes() for path in folder.glob("*.json")} == written
    assert (folder / "report.md").read_text() != "edited"
    assert not (folder / "figure.svg").exists()
