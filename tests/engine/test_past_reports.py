"""What was judged stays judged when a revert takes its report away: read from git's history."""

from __future__ import annotations

from pathlib import Path

import pytest

from retouch.engine.past_reports import PastReports, judged_until, newest_versions
from retouch.engine.report_files import file_report
from retouch.engine.report_history import judged_candidates, judged_reports
from retouch.errors import InputError
from retouch.git.file_history import FileChange, parse_changes
from tests.registry.histories import git
from tests.reporting import documents as made

VERDICT = f"reports/{made.ALERT_ID}/verdict.json"
ZERO = "0" * 40


def test_the_lines_of_a_log_are_read_as_changes():
    lines = [
        f"commit {'c' * 40}",
        "",
        f":100644 000000 {'a' * 40} {ZERO} D\treports/1/verdict.json",
        f":120000 100755 {'d' * 40} {'e' * 40} T\treports/2/plan.json",
        f':000000 100644 {ZERO} {"f" * 40} A\t"reports/\\303\\251/plan.json"',
        f"commit {'b' * 40}",
        f":000000 100644 {ZERO} {'a' * 40} A\treports/1/verdict.json",
    ]
    assert list(parse_changes(lines)) == [
        FileChange("c" * 40, "reports/1/verdict.json", "a" * 40, None),
        FileChange("c" * 40, "reports/2/plan.json", None, "e" * 40),
        FileChange("b" * 40, "reports/1/verdict.json", None, "a" * 40),
    ]


def test_of_each_file_the_newest_version_counts_and_of_a_deleted_one_the_last():
    changes = [
        FileChange("4", "reports/1/verdict.json", "b", None),
        FileChange("3", "reports/2/verdict.json", "x", "y"),
        FileChange("2", "reports/1/verdict.json", "a", "b"),
        FileChange("1", "reports/2/verdict.json", None, "x"),
        FileChange("1", "reports/1/verdict.json", None, "a"),
        FileChange("1", "reports/a/b/verdict.json", None, "z"),
    ]
    assert newest_versions(changes) == {
        "reports/1/verdict.json": "b",
        "reports/2/verdict.json": "y",
    }


@pytest.fixture
def reverted(tmp_path: Path) -> Path:
    """A repository whose main had a report by a squash merge, and reverted it."""
    root = tmp_path / "site"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "commit", "--quiet", "--allow-empty", "-m", "Begin")
    git(root, "checkout", "--quiet", "-b", "answer")
    judged = made.judgement("refit", "promote", "One sentence.")
    run = made.run(made.attempt(made.refit(), made.ran("train-air@central", 4.4)))
    file_report(root, made.plan(made.refit()), run, made.verdict(judged))
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "Retrain")
    git(root, "checkout", "--quiet", "main")
    git(root, "merge", "--quiet", "--squash", "answer")
    git(root, "commit", "--quiet", "-m", "Retrain (#1)")
    git(root, "revert", "--no-edit", "HEAD")
    git(root, "branch", "--quiet", "--delete", "--force", "answer")
    assert not (root / VERDICT).exists()
    return root


def test_a_reverted_report_is_still_counted_as_it_was(reverted: Path):
    past = PastReports(reverted)
    ((plan, verdict),) = past.judged()
    assert plan.report_id == made.ALERT_ID
    assert [run.alert_ids for run in past.runs()] == [(made.ALERT_ID,)]
    assert len(judged_candidates(judged_reports(reverted, past.judged()))) == 1
    (judgement,) = verdict.judgements
    assert judgement.holdout is not None and judgement.candidate_model is not None
    assert judged_until(reverted, judgement.candidate_model) == judgement.holdout.end
    assert judged_until(reverted, "f" * 32) is None


def test_a_report_that_is_back_counts_once(reverted: Path):
    git(reverted, "revert", "--no-edit", "HEAD")
    past = PastReports(reverted)
    assert (past.judged(), past.runs()) == ([], [])
    assert len(judged_reports(reverted, past.judged())) == 1


def test_what_another_branch_deleted_is_counted_too(reverted: Path):
    """Main has the report; the branch that is checked out deleted it."""
    git(reverted, "revert", "--no-edit", "HEAD")
    git(reverted, "checkout", "--quiet", "-b", "mine")
    git(reverted, "rm", "--quiet", "-r", "reports")
    git(reverted, "commit", "--quiet", "-m", "Away with it")
    assert len(PastReports(reverted).judged()) == 1


def test_a_deleted_report_that_cannot_be_read_any_more_stops_nobody(reverted: Path):
    git(reverted, "revert", "--no-edit", "HEAD")
    (reverted / VERDICT).write_text('{"of": "another version"}')
    git(reverted, "commit", "--quiet", "--all", "-m", "Break it")
    git(reverted, "rm", "--quiet", "-r", "reports")
    git(reverted, "commit", "--quiet", "-m", "Away with it")
    assert PastReports(reverted).judged() == []


def test_in_a_shallow_clone_how_far_a_model_has_looked_is_refused(reverted: Path):
    where = f"file://{reverted}"
    git(reverted.parent, "clone", "--quiet", "--depth", "1", where, "shallow")
    shallow = reverted.parent / "shallow"
    git(shallow, "remote", "rename", "origin", "elsewhere")  # there is nothing to fetch from
    with pytest.raises(InputError, match=r"lacks older commits.*") as refused:
        judged_until(shallow, "f" * 32)
    assert refused.value.hint is not None and "git fetch --unshallow" in refused.value.hint
    git(shallow, "remote", "rename", "elsewhere", "origin")
    PastReports(shallow).require_whole()  # fetches what it lacks
    assert len(PastReports(shallow).judged()) == 1
