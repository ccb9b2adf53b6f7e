"""The parts of the loop whose jobs die in `kill_points.py`, and what each stands on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.e2e.ground import EU, LAST, US, days_arrive, make_ground
from tests.e2e.kill_points import Flow
from tests.e2e.scene import Scene, keep, stand_on


def _answer(scene: Scene) -> None:
    scene.open_alert("performance", **US)


def _answer_two(scene: Scene) -> None:
    scene.open_alert("performance", 2, **EU)


def _merge(scene: Scene) -> None:
    scene.merge(1)


def _days(scene: Scene) -> None:
    days_arrive(scene, LAST, seen=False)


def _bad_days(scene: Scene) -> None:
    days_arrive(scene, LAST, falls=True, seen=False)


def _hours(scene: Scene) -> None:
    scene.hours_pass()


GROUNDS: dict[str, tuple[str, Callable[[Scene], None] | None]] = {
    "ground": ("", None),
    "answered": ("ground", _answer),
    "two": ("answered", _answer_two),
    "merged": ("answered", _merge),
    "good days": ("merged", _days),
    "bad days": ("merged", _bad_days),
    "in prod": ("good days", _hours),
}
"""What each stands on, and what happened there."""


def make(name: str, folder: Path, others: Callable[[str], Path]) -> None:
    """Make a ground in a folder; `others` returns the folder of the one it stands on."""
    below, happens = GROUNDS[name]
    if happens is None:
        make_ground(folder)
        return
    scene = stand_on(others(below), folder)
    with scene.github:
        scene.interpreted()
        happens(scene)
        failed = [run for run in scene.interpreter.runs if run.failed] if scene.interpreter else []
    assert not failed, f"{name}: {failed}"
    assert scene.github.violations == []
    keep(scene)


def _dispatch(scene: Scene) -> None:
    scene.dispatch("performance", **US)


def _roll_back(scene: Scene) -> None:
    scene.start("rollback", version="", reason="It was wrong for the north.")


def _close(scene: Scene) -> None:
    scene.close(1)


def _comment(body: str) -> Callable[[Scene], None]:
    def say(scene: Scene) -> None:
        scene.github.collaborators["alice"] = "write"
        scene.comment(1, body)

    return say


FLOWS = {
    flow.name: flow
    for flow in (
        Flow("alert", "A pull request brings an alert, and is answered", "ground", _answer),
        Flow(
            "dispatch",
            "An alert is sent, gets a pull request, and is answered",
            "ground",
            _dispatch,
        ),
        Flow("merge", "An answer is merged, and becomes the canary", "answered", _merge),
        Flow("beside", "An answer is merged while another one is open", "two", _merge),
        Flow("pass", "A canary is judged, and goes to production", "good days", _hours),
        Flow("fail", "A canary is judged, and is taken down", "bad days", _hours),
        Flow("rollback", "A person rolls production back", "in prod", _roll_back),
        Flow("hold", "A person puts an answer on hold", "answered", _comment("/retrain hold")),
        Flow("discard", "A person discards an answer", "answered", _comment("/retrain discard")),
        Flow("again", "A person has it retrained", "answered", _comment("/retrain")),
        Flow("close", "A person closes an answer", "answered", _close),
    )
}
