"""A repository and its GitHub in memory: main, tags, deployments, releases, notices.

It is read as `jobs/release` reads the real ones, and steps are taken as it takes them, up to a
number of steps after which the job dies.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from retouch.errors import InputError
from retouch.policy.promotion import Canary, Release
from retouch.registry.base_history import BaseHistory, ModelChange, judged_assignments
from retouch.registry.promotion_plan import (
    AcceptingVerdict,
    Assign,
    PromotionFacts,
    PromotionPlan,
    Register,
    Withdraw,
    plan_promotion,
)
from retouch.registry.reconciliation import (
    Announce,
    ReconcileFacts,
    Reconciliation,
    Record,
    plan_reconciliation,
)
from retouch.registry.reconciliation import Release as PublishRelease
from retouch.registry.registry import CANARY, PROD, ModelRegistry, Version, registry_from_tags
from retouch.registry.rollback_plan import Move, plan_rollback, rollback_moves
from retouch.registry.tags import Kind, Tag, parse_tag, tag_name

MODEL = "churn"
FIRST_COMMIT = datetime(2026, 1, 1, tzinfo=UTC)
ROUNDS = 4
"""As often as `jobs/release/reconcile` plans again."""


_DOWN = ("failed", "rolled_back", "reverted", "to", "passed")
"""The details of a tag by which later calls decide."""


class Died(Exception):
    """The job was killed, or what it called failed."""


@dataclass(frozen=True)
class Commit:
    """A commit of main."""

    id: str
    at: datetime
    hash: str
    """Of the model it records."""
    accepted: frozenset[str]
    """The models that a verdict in its tree accepted."""
    workflows: int
    """Which state its workflow files have."""


@dataclass
class World:
    """Everything outside of Retouch."""

    policy: Release = field(
        default_factory=lambda: Release(on_merge="canary", canary=Canary(margin=1, scale=2))
    )
    main: list[Commit] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    deployments: dict[str, str] = field(default_factory=dict)
    released: set[str] = field(default_factory=set)
    announced: set[str] = field(default_factory=set)
    """The tags whose pull request and issue were opened."""
    time: datetime = FIRST_COMMIT
    skew: timedelta = timedelta()
    """How far the clock of the machine that writes tags is ahead."""
    steps_left: int | None = None
    """The job dies when it would take a step more; None: it does not."""

    # main

    def commit(
        self,
        hash: str | None = None,
        *,
        accept: bool | None = None,
        workflows: bool = False,
    ) -> str:
        """Merge a commit into main and return its id.

        `hash`: of the model it records; None: the one before. `accept`: its tree has a verdict that
        accepted the model; False: it has lost that verdict; None: as before. `workflows`: it
        changes a workflow file.
        """
        self.pass_time()
        last = self.main[-1] if self.main else None
        now = hash or (last.hash if last else "m0")
        accepted = last.accepted if last else frozenset()
        if accept is not None:
            accepted = accepted | {now} if accept else accepted - {now}
        number = len(self.main) + 1
        state = (last.workflows if last else 0) + workflows
        self.main.append(Commit(f"{number:040x}", self.time, now, accepted, state))
        return self.main[-1].id

    def place(self, commit: str) -> int:
        """Return the place of a commit on main, the first being 0."""
        return next(i for i, one in enumerate(self.main) if one.id == commit)

    def pass_time(self, seconds: int = 60) -> None:
        self.time += timedelta(seconds=seconds)

    # tags

    @property
    def registry(self) -> ModelRegistry:
        hashes = {one.id: one.hash for one in self.main}
        return registry_from_tags(MODEL, self.tags, hashes)

    def in_stage(self, stage: str) -> str | None:
        """Return the hash of the model in a stage."""
        found = self.registry.in_stage(stage)
        return None if found is None else found.hash

    def write(
        self,
        kind: Kind,
        commit: str,
        details: Mapping[str, Any] | None,
        *,
        stage: str | None = None,
        version: str | None = None,
        at: datetime | None = None,
    ) -> Tag:
        """Write a tag; `details`: None for a person's own message."""
        registry = self.registry
        number = None if kind == "version" else registry.next_counter()
        name = tag_name(kind, MODEL, stage=stage, version=version, counter=number)
        assert name not in {tag.name for tag in self.tags}, f"{name} is written twice"
        message = "by hand" if details is None else json.dumps(dict(details), sort_keys=True)
        tag = parse_tag(name, commit=commit, at=at or self._moment(registry), message=message)
        assert tag is not None
        self.tags.append(tag)
        return tag

    def _moment(self, registry: ModelRegistry) -> datetime:
        self.pass_time(1)
        now = self.time + self.skew
        return max([now, *(tag.at + timedelta(seconds=1) for tag in registry.tags[-1:])])

    # as `jobs/release` reads them

    def history(self, *commits: str) -> BaseHistory:
        """Return the models of main; changes reach back as far as those that are read from git."""
        registry = self.registry
        staged = {event.version.commit for event in judged_assignments(registry)}
        named = {tag.details.get(key) for tag in registry.tags for key in ("base", "reverted")}
        wanted = {*staged, *commits, *(v.commit for v in registry.known), *named}
        places = {one.id: i for i, one in enumerate(self.main) if one.id in wanted}
        oldest = min((places[one] for one in staged), default=len(self.main))
        changes = self._changes(oldest)
        at = {change.commit: self.place(change.commit) for change in changes}
        return BaseHistory(
            head=self.main[-1].id,
            changes=changes,
            after={
                commit: frozenset(one for one in at if at[one] > place)
                for commit, place in places.items()
            },
        )

    def _changes(self, oldest: int) -> tuple[ModelChange, ...]:
        found: list[ModelChange] = []
        before = None
        for one in self.main:
            if one.hash != before:
                found.append(ModelChange(commit=one.id, at=one.at, hash=one.hash))
            before = one.hash
        older = [change for change in found if self.place(change.commit) <= oldest]
        return tuple(found[max(len(older) - 2, 0) :])

    def facts(self, commit: str, *, history: BaseHistory) -> PromotionFacts:
        one = self.main[self.place(commit)]
        verdict = AcceptingVerdict(
            report_id="01A",
            plan_key="key",
            outcome="promote",
            candidate=one.hash,
            production="m0",
            message="It is better by 2.",
        )
        return PromotionFacts(
            registry=self.registry,
            commit=commit,
            hash=one.hash,
            kept=(verdict,) if one.hash in one.accepted else (),
            policy=self.policy,
            history=history,
        )

    def plan(self, *, promote: bool = True) -> Reconciliation:
        """Return what a call of `retouch reconcile` would plan now."""
        history = self.history()
        assert history.current is not None
        brought, head = self.main[self.place(history.current.commit)], self.main[-1]
        commit = brought.id if brought.workflows == head.workflows else head.id
        return plan_reconciliation(
            ReconcileFacts(
                history=history,
                promotion=self.facts(commit, history=history),
                deployments=self.deployments,
                released=frozenset(self.released),
                promote=promote,
            )
        )

    # the jobs

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do; a notice that exists is found and left."""
        left = self.plan().steps
        return all(isinstance(step, Announce) and step.tag in self.announced for step in left)

    def reconcile(self, *, promote: bool = True) -> list[str]:
        """Do what `retouch reconcile` does; return the steps that were taken."""
        taken = []
        plan = self.plan(promote=promote)
        for _ in range(ROUNDS):
            if not plan.on_tags:
                break
            for step in plan.on_tags:
                self._take(step, plan.promotion, plan.head)
                taken.append(step.message)
            plan = self.plan(promote=promote)
        assert not plan.on_tags, f"still to be done after {ROUNDS} rounds: {plan.on_tags}"
        for step in plan.on_github:
            self._take(step, plan.promotion, plan.head)
            taken.append(step.message)
        return taken

    def take_late(self, plan: Reconciliation) -> None:
        """Write the tags of a plan that was made before other jobs wrote theirs."""
        names = {tag.name for tag in self.tags}
        for step in plan.on_tags:
            there = isinstance(step, Register) and f"{MODEL}@{step.version}" in names
            if not there:  # the same tag on the same commit: done
                self._take(step, plan.promotion, plan.head)

    def promote(self, commit: str) -> PromotionPlan:
        """Do what `retouch promote --commit` does to the tags."""
        history = self.history(commit)
        plan = plan_promotion(self.facts(commit, history=history))
        for step in plan.left:
            self._take(step, plan, history.head)
        return plan

    def roll_back(self, to: str | None = None) -> None:
        """Do what `retouch rollback` does to the tags; a refused one does nothing."""
        registry = self.registry
        with suppress(InputError):
            plan = plan_rollback(registry, to)
            forward = self.place(plan.target.commit) >= self.place(plan.bad.commit)
            plan = type(plan)(
                plan.bad, plan.target, plan.taken_out, plan.put_in, plan.reason or "why", forward
            )
            for move in rollback_moves(registry, plan, base=self.main[-1].id):
                self._take(move, None, self.main[-1].id)

    def pass_canary(self) -> None:
        """Do what `retouch canary apply` does to the tags when the canary passes."""
        new, prod = self.registry.in_stage(CANARY), self.registry.in_stage(PROD)
        if new is None or prod is None or new == prod or self.registry.blocked(new.hash or ""):
            return
        self._move("assign", new, PROD, {"passed": True})
        self._move("unassign", new, CANARY, {"passed": True})

    def fail_canary(self) -> None:
        """Do what `retouch canary apply` does to the tags when the canary fails."""
        new = self.registry.in_stage(CANARY)
        if new is not None:
            self._move("unassign", new, CANARY, {"failed": True})

    def _move(
        self,
        kind: Literal["assign", "unassign"],
        version: Version,
        stage: str,
        details: Mapping[str, Any],
    ) -> None:
        self._spend()
        known = {"model": version.hash, "base": self.main[-1].id, "reason": "the days"}
        self.write(kind, version.commit, {**known, **details}, stage=stage)

    def dying(self, after: int, job: Callable[[], object]) -> None:
        """Run a job that dies after so many steps."""
        self.steps_left = after
        with suppress(Died):
            job()
        self.steps_left = None

    def _spend(self) -> None:
        if self.steps_left == 0:
            raise Died
        if self.steps_left is not None:
            self.steps_left -= 1

    def _take(self, step: object, plan: PromotionPlan | None, head: str) -> None:
        self._spend()
        match step:
            case Move():
                self.write(step.action, step.commit, step.details, stage=step.stage)
            case Register():
                assert plan is not None
                self.write("version", plan.commit, plan.details, version=step.version)
            case Assign():
                assert plan is not None
                details = {"reason": plan.reason, **plan.details, "base": head}
                self.write("assign", plan.commit, details, stage=step.stage)
            case Withdraw():
                assert plan is not None
                details = {"reason": plan.supersedes, "base": head}
                self.write("unassign", step.commit, details, stage=CANARY)
            case Announce():
                self.announced.add(step.tag)
            case Record():
                self.deployments[f"{step.commit} {step.environment}"] = step.state
            case PublishRelease():
                self.released.add(step.version)
            case _:
                raise AssertionError(f"nobody takes {step}")

    # what tests compare

    def state(self) -> dict[str, object]:
        """Return what must be the same however often jobs died on the way."""
        hashes = {one.id: one.hash for one in self.main}
        return {
            "tags": [(t.name, hashes[t.commit], *map(t.details.get, _DOWN)) for t in self.tags],
            "stages": {stage: self.in_stage(stage) for stage in (CANARY, PROD)},
            "deployments": self.deployments,
            "released": self.released,
            "announced": self.announced,
        }


def random_world(seed: int, moves: int = 40) -> World:
    """Return a world after merges, reverts, canaries, rollbacks, and jobs that died."""
    chance, world = random.Random(seed), World()
    world.commit("m0")
    world.reconcile()
    jobs = (world.reconcile, world.reconcile, world.pass_canary, world.fail_canary, world.roll_back)
    for number in range(1, moves):
        match chance.randrange(4):
            case 0:
                world.commit(f"m{number}", accept=True)
            case 1:
                world.commit(chance.choice(world.main).hash, accept=chance.choice([None, True]))
            case _:
                world.dying(chance.randrange(1, 9), chance.choice(jobs))
        world.skew = timedelta(minutes=chance.choice([-90, 0, 0, 90]))
    return world


def reverted(world: World, version: Version) -> str | None:
    """Return the newest commit of main that reverted a version, by all of main, or None."""
    start = world.place(version.commit)
    before = {one.hash for one in world.main[:start]} - {version.hash}
    found = None
    for one in world.main[start + 1 :]:
        if one.hash == version.hash:
            found = None
        elif one.hash in before:
            found = one.id
    return found


def by_stage(tags: Sequence[Tag], versions: Sequence[Version]) -> Iterator[tuple[str, str | None]]:
    """Yield stage and version by GTO's rules alone: the newest assignment not taken back since."""
    for stage in (CANARY, PROD):
        last: dict[str, Tag] = {}
        for tag in sorted(tags, key=lambda tag: tag.order):
            if tag.stage == stage:
                last[tag.commit] = tag
        names = {version.commit: version.name for version in versions}
        up = [tag for tag in last.values() if tag.kind == "assign" and tag.commit in names]
        newest = max(up, key=lambda tag: tag.order, default=None)
        yield stage, None if newest is None else names[newest.commit]
