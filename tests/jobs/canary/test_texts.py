"""What GitHub is told: as it is committed, and harmless whatever is put into it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given

from retouch.reporting.marker import hidden_marker
from retouch.reporting.release import (
    canary_failed,
    revert_pull_request,
    version_rolled_back,
)
from tests.jobs.canary.texts import DONE, FALL, GOLDEN, PULL, judged, notices
from tests.reporting.hostile import ATTACKS, flat, hostile, linked_by_github, parse

HARMLESS = {name: len(parse(notice.body)) for name, notice in notices().items()}


@pytest.mark.parametrize("name", list(notices()))
def test_the_text_is_the_one_that_is_committed(name):
    """`python -m tests.jobs.canary.texts` writes them anew."""
    assert notices()[name].body == (GOLDEN / f"{name}.md").read_text()


@pytest.mark.parametrize("name", list(notices()))
def test_every_text_has_the_skeleton_of_a_report(name):
    notice = notices()[name]
    first, heading, *_ = notice.body.splitlines()
    assert first == notice.marker
    assert heading.startswith("## ")
    assert notice.body.count("> [!CAUTION]") == 1
    assert "`retouch " in notice.body.partition("[!CAUTION]")[2]
    assert linked_by_github(notice.title) == [] and "\n" not in notice.title
    assert len(notice.body) < 60_000


def links(body):
    tokens = flat(parse(body))
    return {t.attrs["href"] for t in tokens if t.type == "link_open"}


def harmless(notice, name):
    """Assert that no hostile text became anything but text."""
    tokens = flat(parse(notice.body))
    assert len(parse(notice.body)) == HARMLESS[name]
    assert links(notice.body) <= {PULL}
    assert {t.content.strip() for t in tokens if t.type == "html_block"} == {notice.marker}
    assert {t.content for t in tokens if t.type == "html_inline"} <= {
        "<sub>", "</sub>", "<code>", "</code>", "<span>", "</span>",
    }  # fmt: skip
    prose = " ".join(t.content for t in tokens if t.type in ("text", "text_special"))
    assert linked_by_github(prose) == []
    assert linked_by_github(notice.title) == []


@given(hostile)
def test_a_reason_and_names_of_files_and_stages_do_nothing(text):
    wild = replace(FALL, reason="x" + text, model=f"means{text}")
    harmless(version_rolled_back(wild, revert_url=PULL), "canary_rollback")
    names = [(f"a{text}", f"b{text}"), (f"a{text}", "assemble"), DONE[2]]
    revert = revert_pull_request(wild, versions=["v1.1.0", f"v{text}"], done=names, left=names)
    harmless(revert, "canary_revert")


@given(hostile)
def test_a_reason_the_scores_are_invalid_does_nothing(text):
    verdict = judged([], invalid=f"x{text}"[:1000].encode(errors="ignore").decode())
    notice = canary_failed(verdict, message=verdict.message, counter=5, revert_url=None)
    harmless(notice, "canary_invalid")


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_address_that_is_none_leads_nowhere(attack):
    notice = version_rolled_back(FALL, revert_url=f"https://github.com/x{attack} y")
    assert links(notice.body) == {"#"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_marker_stays_one_hidden_line(attack):
    marker = hidden_marker("rollback", attack, attack, 3)
    assert re.fullmatch(r"<!-- retouch:rollback v1 \{[^\n]*\} -->", marker)
    assert marker.count("-->") == 1
    assert not {"@", "#", "`", "<"} & set(marker[4:-3])


def test_markers_tell_two_rollbacks_of_one_version_apart():
    first, second = (version_rolled_back(replace(FALL, counter=n), revert_url=None) for n in (4, 9))
    assert first.marker != second.marker


def test_an_undecided_canary_that_the_policy_rolls_back_is_not_called_failed():
    torn = judged([-1.8, 1.6] * 14, undecided="roll_back")
    notice = canary_failed(torn, message=torn.message, counter=5, revert_url=PULL)
    assert "was rolled back" in notice.title and "failed" not in notice.title
    assert "undecided" in notice.body


def test_many_files_and_stages_are_counted_not_listed():
    done = [(f"dvc/{n}.lock", f"stage{m}") for n in range(100) for m in range(30)]
    body = revert_pull_request(FALL, versions=["v1.1.0"], done=done, left=done).body
    assert "and 10 more" in body and "And 40 more files." in body
    assert len(body) < 65_536
