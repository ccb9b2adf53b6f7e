"""What brings tags and GitHub into line with the base branch, step by step. Pure.

    tags + base branch -> finish a rollback -> withdraw what main reverted -> promote its model
                       -> pull requests, issues and deployment records of what the tags say

Explaining and applying read the same list. Each step follows from the world alone, not from the
event that started the job, so a job that died is completed by the next one, whatever starts it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from retouch.documents import Document, Value
from retouch.registry.base_history import BaseHistory, reverted_by
from retouch.registry.promotion_plan import (
    Assign,
    Deploy,
    PromotionFacts,
    PromotionPlan,
    PromotionStep,
    Publish,
    Register,
    Withdraw,
    plan_promotion,
)
from retouch.registry.registry import (
    CANARY,
    ENVIRONMENTS,
    PROD,
    Environment,
    ModelRegistry,
    Stage,
    StageEvent,
    registry_from_tags,
)
from retouch.registry.rollback_plan import Move, RollbackPlan, begun_rollback, rollback_moves
from retouch.registry.tags import Kind, parse_tag, tag_name

RECENT = 6
"""How many of the newest moves of a stage are completed on GitHub; older ones were long ago."""

RELEASES = 2
"""How many of the newest versions have their release completed."""

RecordState = Literal["success", "in_progress", "inactive", "failure"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ACTIVE = ("success", "in_progress", "queued", "pending")


class Announce(Value):
    """A version was taken down: the pull request that reverts it, and the issue."""

    kind: Literal["announce"] = "announce"
    tag: str
    """The one that took it down."""
    version: str
    message: str


class Release(Value):
    """A release on GitHub with the version's bundle."""

    kind: Literal["release"] = "release"
    version: str
    message: str


class Record(Value):
    """A deployment record on GitHub."""

    kind: Literal["record"] = "record"
    version: str
    commit: str
    environment: Environment
    state: RecordState
    reason: str
    done: bool = False

    @property
    def message(self) -> str:
        """One sentence."""
        return f"GitHub records {self.version} in {self.environment}: {self.state}"


ReconcileStep = Annotated[
    Move | PromotionStep | Announce | Release | Record, Field(discriminator="kind")
]


class ReconcileFacts(Value):
    """Everything the steps follow from."""

    history: BaseHistory
    promotion: PromotionFacts
    """Of the model that the base branch records now; its registry is that of all steps."""
    deployments: Mapping[str, str] | None = None
    """`COMMIT ENVIRONMENT` -> the state GitHub has; None: leave GitHub alone."""
    released: frozenset[str] = frozenset()
    """Versions that have a release with their bundle."""
    promote: bool = True
    """False: leave what makes a new version to another job."""
    move: bool = True
    """False: leave the tags as they are."""


class Reconciliation(Document):
    """What is left to do."""

    schema_version: Literal["1.0"] = "1.0"
    model: str
    head: str
    """The newest commit of the base branch."""
    steps: tuple[ReconcileStep, ...]
    """In order. Those that write tags come first."""
    promotion: PromotionPlan
    waits: bool = False
    """A promotion is due, and was left out."""
    notes: tuple[str, ...] = ()
    """What a person should know, a sentence each."""

    @property
    def on_tags(self) -> tuple[ReconcileStep, ...]:
        """The steps that write tags."""
        return tuple(s for s in self.steps if isinstance(s, Move | Register | Assign | Withdraw))

    @property
    def on_github(self) -> tuple[ReconcileStep, ...]:
        """The steps on GitHub."""
        return tuple(s for s in self.steps if isinstance(s, Announce | Release | Record))


def plan_reconciliation(facts: ReconcileFacts) -> Reconciliation:
    """Return the steps that are left; none when everything is as the base branch wants it."""
    registry, head = facts.promotion.registry, facts.history.head
    moves, notes = _moves(registry, facts.history) if facts.move else ([], [])
    for move in moves:
        registry = with_move(registry, move)
    plan = plan_promotion(facts.promotion.model_copy(update={"registry": registry}))
    left = [s for s in plan.left if not isinstance(s, Deploy | Publish)]
    waits = bool(left) and not facts.promote
    steps: list[Any] = [*moves]
    if facts.promote and facts.move:
        registry = with_promotion(registry, plan)
        steps += left
    if facts.deployments is not None:
        steps += announcements(registry)
        steps += [r for r in records(registry, facts.deployments) if not r.done]
        steps += _releases(registry, facts.released)
    return Reconciliation(
        model=registry.model,
        head=head,
        steps=tuple(steps),
        promotion=plan,
        waits=waits,
        notes=(*notes, *(line for line in (plan.message, plan.hint) if line)),
    )


def _moves(registry: ModelRegistry, history: BaseHistory) -> tuple[list[Move], list[str]]:
    """Return the moves that finish a rollback and withdraw what main reverted, and notes."""
    begun = begun_rollback(registry)
    if begun is not None and (left := rollback_moves(registry, begun, base=history.head)):
        return left, []
    if lost := [*_lost_races(registry, history.head), *_overtaken(registry, history)]:
        return lost, []
    moves: list[Move] = []
    prod = registry.assignment(PROD)
    notes: list[str] = []
    if prod is not None and (change := reverted_by(registry, history, prod)) is not None:
        target = next(
            (
                version
                for version in reversed(registry.with_hash(change.hash or ""))
                if registry.is_up(version) and registry.blocked(version.hash or "") is None
            ),
            None,
        )
        name = prod.version.name
        if target is None:
            notes.append(
                f"{name} is in {PROD}, and {change.commit[:10]} reverted it to a model that is no"
                " version: roll back by hand, `retouch rollback --to VERSION`."
            )
        else:
            found = RollbackPlan(prod.version, target, reason=_reverted(change.commit))
            moves += rollback_moves(registry, found, base=history.head, reverted=change.commit)
    for event in registry.active(CANARY):
        if prod is not None and event.version == prod.version and not moves:
            moves.append(_passed(event, prod, history.head))
            continue
        change = reverted_by(registry, history, event)
        if change is None or any(
            m.stage == CANARY and m.version == event.version.name for m in moves
        ):
            continue
        moves.append(withdrawal(event, change.commit, history.head))
    return moves, notes


def _lost_races(registry: ModelRegistry, head: str) -> list[Move]:
    """Return the moves that take down again what a job brought back by a plan from before.

    Two jobs may run at once: one plans a promotion, the other takes the version down, and then the
    first one writes its tags.
    """
    prod, moves = registry.assignment(PROD), list[Move]()
    if prod is not None and (reason := registry.blocked(prod.version.hash or "")) is not None:
        downs = [
            event.tag.details.get("to")
            for event in registry.history(PROD)
            if event.version == prod.version and event.tag.details.get("rolled_back") is True
        ]
        target = registry.find(str(downs[-1])) if downs else None
        if prod.tag.is_automatic and target is not None and registry.is_up(target):
            found = RollbackPlan(prod.version, target, reason=reason)
            moves += rollback_moves(registry, found, base=head)
    for event in registry.active(CANARY):
        reason = registry.blocked(event.version.hash or "")
        known = any(m.stage == CANARY and m.version == event.version.name for m in moves)
        if reason is not None and event.tag.is_automatic and not known:
            moves.append(_taken_down_before(event, reason, head))
    return moves


def _overtaken(registry: ModelRegistry, history: BaseHistory) -> Iterator[Move]:
    """Yield the removal of what a late job promoted over a newer version in the same stage."""
    stages: tuple[Stage, ...] = (CANARY, PROD)
    for stage in stages:
        last = registry.assignment(stage)
        if last is None or not last.tag.is_automatic:
            continue
        version = last.version
        for event in registry.active(stage)[-2:-1]:
            if history.is_newer(event.version.commit, version.commit):
                why = f"superseded by {event.version.name}"
                yield Move(
                    action="unassign",
                    version=version.name,
                    commit=version.commit,
                    stage=stage,
                    details={"model": version.hash, "reason": why, "base": history.head},
                    message=f"{version.name} is removed from {stage}: {why}",
                )


def _taken_down_before(event: StageEvent, reason: str, head: str) -> Move:
    version = event.version
    return Move(
        action="unassign",
        version=version.name,
        commit=version.commit,
        stage=CANARY,
        details={"model": version.hash, "reason": reason, "base": head},
        message=f"{version.name} is removed from {CANARY}: it was taken down before",
    )


def _passed(event: StageEvent, prod: StageEvent, head: str) -> Move:
    """Return the removal of a canary that reached production, which an earlier call left."""
    version = event.version
    reason = str(prod.tag.details.get("reason") or f"it is in {PROD}")
    return Move(
        action="unassign",
        version=version.name,
        commit=version.commit,
        stage=CANARY,
        details={"model": version.hash, "passed": True, "reason": reason, "base": head},
        message=f"{version.name} is removed from {CANARY}: it is in {PROD}",
    )


def _reverted(commit: str) -> str:
    return f"commit {commit[:10]} of the base branch reverted it"


def withdrawal(event: StageEvent, reverted: str, head: str) -> Move:
    """Return the removal of a canary that a commit of the base branch reverted."""
    version = event.version
    return Move(
        action="unassign",
        version=version.name,
        commit=version.commit,
        stage=CANARY,
        details={
            "model": version.hash,
            "reverted": reverted,
            "reason": _reverted(reverted),
            "base": head,
        },
        message=f"{version.name} is removed from {CANARY}: {_reverted(reverted)}",
    )


def with_move(registry: ModelRegistry, move: Move) -> ModelRegistry:
    """Return the registry after a move, with the tag it would write."""
    return _with_tag(registry, move.action, move.commit, stage=move.stage, details=move.details)


def with_promotion(registry: ModelRegistry, plan: PromotionPlan) -> ModelRegistry:
    """Return the registry after the steps of a promotion that are left."""
    for step in plan.left:
        match step:
            case Register():
                registry = _with_tag(
                    registry,
                    "version",
                    plan.commit,
                    version=step.version,
                    details={"model": plan.hash},
                )
            case Assign():
                registry = _with_tag(registry, "assign", plan.commit, stage=step.stage, details={})
            case Withdraw():
                registry = _with_tag(registry, "unassign", step.commit, stage=CANARY, details={})
    return registry


def _with_tag(
    registry: ModelRegistry,
    kind: Kind,
    commit: str,
    *,
    details: Mapping[str, Any],
    stage: str | None = None,
    version: str | None = None,
) -> ModelRegistry:
    counter = None if kind == "version" else registry.next_counter()
    name = tag_name(kind, registry.model, version=version, stage=stage, counter=counter)
    newest = registry.tags[-1].at if registry.tags else _EPOCH
    at = newest + timedelta(seconds=1)
    tag = parse_tag(name, commit=commit, at=at, message=json.dumps(dict(details), sort_keys=True))
    assert tag is not None  # `tag_name` raises for a name that cannot be read
    hashes = {one.commit: one.hash for one in registry.known if one.hash is not None}
    return registry_from_tags(registry.model, (*registry.tags, tag), hashes)


def announcements(registry: ModelRegistry) -> Iterator[Announce]:
    """Yield a step for each of the newest versions that were taken down and stay so."""
    events = [e for stage in (CANARY, PROD) for e in registry.history(stage)]
    for event in sorted(events, key=lambda event: event.tag.order)[-2 * RECENT :]:
        later = [e for e in events if e.version == event.version and e.tag.order > event.tag.order]
        if is_takedown(event) and not any(e.assigns for e in later):
            name = event.version.name
            yield Announce(
                tag=event.tag.name,
                version=name,
                message=f"{name} was taken down by {event.tag.name}: its pull request and issue",
            )


def is_takedown(event: StageEvent) -> bool:
    """Tell whether a tag took a bad version down, which people must hear of."""
    details = event.tag.details
    if event.assigns:
        return False
    if event.tag.stage == CANARY:
        return details.get("failed") is True
    return details.get("rolled_back") is True or isinstance(details.get("reverted"), str)


def _releases(registry: ModelRegistry, released: frozenset[str]) -> Iterator[Release]:
    """Yield a step for each of the newest versions without a release."""
    for version in registry.versions[-RELEASES:]:
        if version.name not in released:
            message = f"the release of {version.name} has its bundle"
            yield Release(version=version.name, message=message)


def records(registry: ModelRegistry, known: Mapping[str, str]) -> Iterator[Record]:
    """Yield what GitHub should record of the newest moves; `done` when it does.

    What is in a stage comes last: GitHub shows the newest record as the environment's state.
    """
    stages: tuple[Stage, ...] = (CANARY, PROD)
    for stage in stages:
        newest: dict[str, StageEvent] = {}
        for event in registry.history(stage)[-RECENT:]:
            newest[event.version.commit] = event
        current = registry.assignment(stage)
        if current is not None:
            newest.pop(current.version.commit, None)
        for event in (*newest.values(), *((current,) if current else ())):
            yield _record(registry, stage, event, known, current=event is current)


def _record(
    registry: ModelRegistry,
    stage: Stage,
    event: StageEvent,
    known: Mapping[str, str],
    *,
    current: bool,
) -> Record:
    version, environment = event.version, ENVIRONMENTS[stage]
    there = known.get(f"{version.commit} {environment}")
    state: RecordState
    if current:
        state = "success" if stage == PROD else "in_progress"
    else:
        state = "failure" if event.tag.details.get("failed") is True else "inactive"
    # A version that left its stage before anything was recorded needs no record, but for a failure.
    done = there == state if current or state == "failure" else there not in _ACTIVE
    instead = registry.in_stage(stage)
    default = f"{version.name} was assigned to {stage}"
    if not current:
        default = f"{version.name} left {stage}" + (f"; {instead.name} is there" if instead else "")
    return Record(
        version=version.name,
        commit=version.commit,
        environment=environment,
        state=state,
        reason=str(event.tag.details.get("reason") or default),
        done=done,
    )
