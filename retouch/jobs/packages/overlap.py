"""Which retrains conflict: those that are certain to run the same stage. Pure.

Consumers downstream of both (an ensemble, an evaluation) are no conflict: once the first is merged,
refreshing the second runs them again.
"""

from __future__ import annotations

from collections.abc import Iterable

from retouch.documents import Value
from retouch.planning.model import Plan


class Claim(Value):
    """What an open pull request with a result claims."""

    pull: int
    branch: str
    report_id: str
    alert_ids: tuple[str, ...]
    stages: frozenset[str]
    """Those its plan is certain to run, in any tier."""
    kept: bool
    """It carries a candidate; without one it blocks nothing."""


def certain(plan: Plan) -> frozenset[str]:
    """Return the stages a plan is certain to run in one tier or another."""
    return frozenset(name for tier in plan.tiers for name in tier.named("run"))


def waits_for(stages: frozenset[str], branch: str, claims: Iterable[Claim]) -> tuple[int, ...]:
    """Return the pull requests to close before these stages run on a branch."""
    holding = {
        claim.pull
        for claim in claims
        if claim.kept
        and not _is_of_one_answer(claim.branch, branch)
        and not stages.isdisjoint(claim.stages)
    }
    return tuple(sorted(holding))


def claimed_by(alert_ids: Iterable[str], branch: str, claims: Iterable[Claim]) -> Claim | None:
    """Return the claim of another branch that covers all of these alerts; None without one."""
    ids = set(alert_ids)
    found = (c for c in claims if c.branch != branch and ids <= set(c.alert_ids))
    return min(found, key=lambda claim: claim.pull, default=None)


def _is_of_one_answer(one: str, other: str) -> bool:
    """Tell whether two branches are of one answer, which goes on from one to the other."""
    return one.rpartition("/")[2] == other.rpartition("/")[2]
