"""GitHub fails, or we are killed, at any call: taken again, it all comes to the same end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.github.fake import Drop, Kill, Killed, Status
from tests.jobs.publish.world import World, enter

LIMIT = Status(
    403, {"message": "API rate limit exceeded"}, {"X-RateLimit-Remaining": "0", "Retry-After": "1"}
)
PASSING = (Status(500), Status(502), LIMIT, Drop(), Drop(after=True))
"""What waiting helps against."""
WAYS = ("alert", "main")
"""The answer goes on the pull request of its alert; its alert is on main, and it opens its own."""


@dataclass(frozen=True)
class Unharmed:
    """What it comes to when nothing goes wrong."""

    end: dict[str, Any]
    calls: list[str]


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory, answered) -> dict[str, Unharmed]:
    found = {}
    for way in WAYS:
        with enter(tmp_path_factory.mktemp("unharmed") / "world", answered) as world:
            first = begin(world, way)
            (outcome,) = world.publish()
            assert outcome.outcome == "published", outcome
            found[way] = Unharmed(world.end(), world.github.calls[first:])
    return found


def begin(world: World, way: str) -> int:
    """Return the number of the first call that publishing makes."""
    world.without_figures()
    if way == "alert":
        world.deliver()
    else:
        world.change(branch=f"retouch/retrain/{world.answered.alert_id}")
    return len(world.github.calls)


@pytest.mark.parametrize("way", WAYS)
def test_unharmed_there_is_one_of_everything(unharmed, way):
    end = unharmed[way].end
    assert len(end["branches"]) == len(end["pulls"]) == len(end["comments"]) == 1
    assert end["status"][0] == "success"
    assert unharmed[way].calls[-1] == "POST statuses/{sha}"


def places(unharmed, way):
    """Return the calls to spoil, by number; of the second way those that the first has not."""
    known = set(unharmed["alert"].calls) if way == "main" else set()
    return [(n, call) for n, call in enumerate(unharmed[way].calls) if call not in known]


@pytest.mark.parametrize("way", WAYS)
def test_what_passes_is_waited_for_at_every_call(tmp_path, answered, unharmed, way):
    for number, call in places(unharmed, way):
        fault = PASSING[number % len(PASSING)]
        with enter(tmp_path / str(number), answered) as world:
            world.github.fails_at(begin(world, way) + number, fault)

            (outcome,) = world.publish()

            assert outcome.outcome == "published", (call, fault, outcome)
            assert world.end() == unharmed[way].end, (call, fault)


@pytest.mark.parametrize("way", WAYS)
def test_killed_after_any_write_and_taken_again_it_comes_to_the_same(
    tmp_path, answered, unharmed, way
):
    for number, call in places(unharmed, way):
        if call.startswith("GET "):
            continue
        with enter(tmp_path / str(number), answered) as world:
            world.github.fails_at(begin(world, way) + number, Kill(after=True))
            with pytest.raises(Killed):
                world.publish()

            (outcome,) = world.publish()

            assert outcome.exit_code == 0, (call, outcome)
            assert world.end() == unharmed[way].end, call


def test_when_github_stays_down_it_says_so_and_the_next_call_goes_on(world):
    world.without_figures()
    world.deliver()
    world.github.fails("POST git/commits", *[Status(502)] * 40)

    (outcome,) = world.publish()

    assert (outcome.outcome, outcome.exit_code) == ("failed", 1)
    assert "returned 502" in outcome.message
    world.github.fails("POST git/commits")
    world.github._faults.clear()
    assert world.publish()[0].outcome == "published"


def test_without_leave_to_open_pull_requests_the_setting_is_named_and_the_branch_waits(world):
    world.without_figures()
    branch = f"retouch/retrain/{world.answered.alert_id}"
    world.change(branch=branch)
    world.github.actions_may_open_pull_requests = False

    (outcome,) = world.publish()

    assert (outcome.outcome, outcome.exit_code) == ("failed", 1)
    assert 'Turn on "Allow GitHub Actions to create and approve pull requests"' in outcome.message
    head = world.github.git.head(branch)
    assert head is not None

    world.github.actions_may_open_pull_requests = True
    assert world.publish()[0].outcome == "published"
    assert world.github.git.head(branch) == head
    assert len(world.github.pulls) == 1
