"""Which paths an answer may touch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.jobs.packages.paths import WritablePaths, allowed, is_plain

ID, OTHER = "01M82XS4CR86V1E6DCCBD23F46", "01M8356ZQ8KTE5D9064K4X8VMZ"


WRITABLE = WritablePaths(
    params_files=frozenset({"params.yaml", "regions/eu/params.yaml", "policies/odd.yaml"}),
    lock_files=frozenset({"dvc.lock", "regions/eu/dvc.lock"}),
    tracked_outputs=frozenset({"models/metrics.json", "models/plots", "reports/flights.json"}),
)


def may(path, **more):
    return allowed(path, WRITABLE, **more)


@pytest.mark.parametrize(
    "path",
    [
        "params.yaml",
        "regions/eu/params.yaml",
        "dvc.lock",
        "regions/eu/dvc.lock",
        "models/metrics.json",
        "models/plots/a/b.json",
        "reports/flights.json",
        f"alerts/{ID}.json",
        f"alerts/{ID}.json.sig",
        f"alerts/{ID}.receipt.json",
        f"reports/{ID}/verdict.json",
        f"reports/{ID}/report.md",
        f"reports/{ID}/loss-by-day.svg",
        f"reports/{ID}/figures/drift.png",
    ],
)
def test_what_an_answer_is_made_of_may_be_touched(path):
    assert may(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "dvc.yaml",
        "clean.py",
        "README.md",
        "policies/retraining.yaml",
        "policies/odd.yaml",
        "Policies/retraining.yaml",
        ".github/workflows/alert.yml",
        ".git/config",
        ".GIT/config",
        "git~1/config",
        ".gitattributes",
        "models/.gitignore",
        "models/plots/.gitattributes",
        "models/plots/.git/hooks/post-checkout",
        ".dvc/config",
        "models/metrics.json2",
        "models",
        "models/plots2/a.json",
        "other/dvc.lock",
        "/etc/passwd",
        "C:/params.yaml",
        "./params.yaml",
        "models/plots/../../clean.py",
        "models//metrics.json",
        "models/plots/",
        "models/plots/a\\..\\b",
        "params.yaml\n",
        "models/plots/a\x00b",
        "models/plots/\u202eb",
        "models/plots/a\u200cb",
        "models/plots/a.",
        "models/plots/a ",
        "models/plots/" + "a" * 400,
        f"alerts/{ID}.yaml",
        f"alerts/{ID}.json.sig.sig",
        f"alerts/sub/{ID}.json",
        f"alerts/{ID.lower()}.json",
        "alerts/mine.json",
        f"reports/{ID}",
        f"reports/{ID}/run.py",
        f"reports/{ID}/.hidden.json",
        f"reports/{ID}/a/b/c.json",
        f"reports/{ID}/report.html",
        "reports/build/run.json",
        "reports/mend/run.json",
    ],
)
def test_nothing_else_may_be_touched(path):
    assert not may(path)


def test_only_the_alerts_and_reports_it_is_about_may_be_touched():
    assert may(f"alerts/{ID}.json", alert_ids=[ID])
    assert not may(f"alerts/{ID}.json", alert_ids=[OTHER])
    assert not may(f"alerts/{ID}.json", alert_ids=[])
    assert may(f"reports/{ID}/run.json", report_ids={ID})
    assert not may(f"reports/{ID}/run.json", report_ids={OTHER})
    assert not may("reports/build/run.json", report_ids={"build"})


@given(st.text(alphabet="ab./\\ ~:\n\u202e\u200cGITgit", max_size=12))
def test_a_plain_path_stays_where_it_is_and_is_nothing_of_gits(path):
    if is_plain(path):
        parts = path.split("/")
        assert path.isprintable() and not path.startswith("/")
        assert not {"", ".", ".."} & {*parts}
        assert not any(part.lower().startswith(".git") for part in parts)


@given(st.text(max_size=20), st.sampled_from(["..", ".git", ".GiT", "", ".", "a\\b", "a\tb"]))
def test_an_unsound_part_anywhere_is_refused_whatever_is_listed(text, part):
    for path in (f"{part}/{text}", f"{text}/{part}", f"models/plots/{part}/{text}"):
        everything = WritablePaths(
            frozenset({path}), tracked_outputs=frozenset({path, "models/plots"})
        )
        assert not allowed(path, everything)
