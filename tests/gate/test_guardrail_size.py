"""Size: bytes of the artifact, as such and as a ratio."""

from __future__ import annotations

import pytest

from retouch.gate.comparison import Measured
from tests.gate.guardrail_tables import ask, make_paired

ROWS = make_paired(range(300), 1, 2)


@pytest.mark.parametrize(
    ("production", "candidate", "limit", "result", "compared"),
    [
        (100, 100, {"bytes_at_most": 100}, "pass", 100),
        (100, 101, {"bytes_at_most": 100}, "fail", 101),
        (100, 150, {"ratio_at_most": 1.5}, "pass", 1.5),
        (100, 151, {"ratio_at_most": 1.5}, "fail", 1.51),
        (100, 151, {"ratio_at_most": 1.5, "bytes_at_most": 200}, "fail", 1.51),
        (100, 120, {"ratio_at_most": 1.5, "bytes_at_most": 110}, "fail", 120),
        (10**12, 10**12 + 1, {"bytes_at_most": 10**12}, "fail", 10**12 + 1),
        (None, None, {"bytes_at_most": 10**9}, "not_enough_data", None),
        (None, 5, {"bytes_at_most": 10**9}, "not_enough_data", None),
        (100, 0, {"bytes_at_most": 10**9}, "not_enough_data", None),
        (0, 100, {"ratio_at_most": 10**9}, "not_enough_data", None),
        (0, 100, {"bytes_at_most": 200}, "pass", 100),
    ],
)
def test_bytes_are_held_against_their_limits(production, candidate, limit, result, compared):
    measured = Measured(production_bytes=production, candidate_bytes=candidate)
    found = ask(ROWS, {"kind": "size"} | limit, measured)
    assert (found.result, found.compared) == (result, compared)
    assert found.blocks == (result != "pass")


def test_nothing_measured_is_nothing_passed():
    found = ask(ROWS, {"kind": "size", "bytes_at_most": 10**9})
    assert (found.result, found.message) == (
        "not_enough_data",
        "The size of the model was not measured.",
    )


def test_an_observed_guardrail_stops_nothing():
    found = ask(ROWS, {"kind": "size", "bytes_at_most": 1, "mode": "observe"}, Measured({}, 5, 5))
    assert (found.result, found.blocks) == ("fail", False)


def test_why_an_observed_guardrail_was_not_measured_is_said():
    limit = {"kind": "size", "bytes_at_most": 1, "mode": "observe"}
    found = ask(ROWS, limit, Measured(failed={"No. 0": "It broke down."}))
    assert (found.result, found.message) == ("not_enough_data", "It broke down.")
