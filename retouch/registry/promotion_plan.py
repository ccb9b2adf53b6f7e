"""What merging a validated model brings about, step by step; each is done or still to do. Pure.

Explaining and applying read the same list. Every step can be repeated: what an earlier call left is
found by its tag, its release or its deployment, and counts as done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from retouch.documents import Document, Value
from retouch.policy.promotion import Release as ReleasePolicy
from retouch.registry.base_history import BaseHistory, is_back, models_before
from retouch.registry.registry import (
    CANARY,
    ENVIRONMENTS,
    PROD,
    Environment,
    ModelRegistry,
    Stage,
    Version,
)

FIRST = "v1.0.0"
Part = Literal["minor", "patch"]
_CORE = re.compile(r"v([0-9]+)\.([0-9]+)\.([0-9]+)")


def core_of(version: str) -> tuple[int, int, int]:
    """Return the three numbers of a version. Raises ValueError for anything else."""
    found = _CORE.match(version)
    if found is None:
        raise ValueError(f"{version!r} is not a version")
    major, minor, patch = map(int, found.groups())
    return major, minor, patch


def next_version(versions: Iterable[str], part: Part) -> str:
    """Return the version after all of these, deregistered ones included.

    A name is used only once: its tag is still there.
    """
    major, minor, patch = max(map(core_of, versions))
    return f"v{major}.{minor + 1}.0" if part == "minor" else f"v{major}.{minor}.{patch + 1}"


AcceptingOutcome = Literal["promote", "equivalent"]


class AcceptingVerdict(Value):
    """A committed verdict that accepted a candidate."""

    report_id: str
    plan_key: str
    outcome: AcceptingOutcome
    """`equivalent`: a repair that changes no score."""
    candidate: str
    """The model's hash."""
    production: str
    """The hash of the one it was compared with."""
    message: str


class GitHubRecord(Value):
    """What GitHub already has of a version."""

    released: bool
    """A release with the bundle."""
    environments: tuple[str, ...]
    """Environments with a deployment of it."""


class PromotionFacts(Value):
    """Everything the steps follow from."""

    registry: ModelRegistry
    commit: str
    """The commit to promote: on main, with the lock and the verdict."""
    hash: str
    """Of the model its `dvc.lock` records."""
    kept: tuple[AcceptingVerdict, ...] = ()
    """The verdicts in its own tree that accepted this very model, oldest first."""
    policy: ReleasePolicy
    history: BaseHistory | None = None
    """Of the base branch; None where the commit is not on it."""
    shared: bool = False
    """The tags go to `origin`."""
    github: GitHubRecord | None = None
    """None: leave GitHub alone."""


class Register(Value):
    """The commit becomes a version."""

    kind: Literal["register"] = "register"
    version: str
    done: bool
    message: str


class Assign(Value):
    """The version is assigned to a stage."""

    kind: Literal["assign"] = "assign"
    stage: Stage
    done: bool
    message: str


class Withdraw(Value):
    """An undecided canary makes way for the new version.

    Otherwise GTO would fall back to it once the new one is removed.
    """

    kind: Literal["withdraw"] = "withdraw"
    version: str
    commit: str
    done: bool = False
    message: str


class Publish(Value):
    """A release on GitHub with the version's bundle."""

    kind: Literal["publish"] = "publish"
    done: bool
    message: str


class Deploy(Value):
    """A deployment record on GitHub."""

    kind: Literal["deploy"] = "deploy"
    environment: Environment
    state: Literal["success", "in_progress"]
    done: bool
    message: str


PromotionStep = Annotated[
    Register | Assign | Withdraw | Publish | Deploy, Field(discriminator="kind")
]


class PromotionPlan(Document):
    """What happens to the model that a commit records."""

    schema_version: Literal["1.0"] = "1.0"
    model: str
    hash: str
    outcome: Literal["promote", "nothing", "refused"]
    version: str | None = None
    """The version it is, or will be."""
    commit: str
    """The commit of its tags: an existing version's own."""
    kept_by: AcceptingVerdict | None = None
    """None for a baseline."""
    message: str
    """One sentence."""
    reason: str = ""
    """Why it is a version, for the records; the same whatever is done already."""
    hint: str | None = None
    steps: tuple[PromotionStep, ...] = ()

    @property
    def details(self) -> dict[str, str | None]:
        """For the messages of the version's tags."""
        kept = self.kept_by
        return {
            "model": self.hash,
            "report": kept.report_id if kept else None,
            "verdict": kept.outcome if kept else None,
            "plan_key": kept.plan_key if kept else None,
        }

    @property
    def supersedes(self) -> str:
        """The reason in the tag of a canary that makes way."""
        return f"superseded by {self.version}"

    @property
    def left(self) -> tuple[PromotionStep, ...]:
        """The steps still to be taken, in order."""
        return tuple(step for step in self.steps if not step.done)


def plan_promotion(facts: PromotionFacts) -> PromotionPlan:
    """Return the steps that promote the commit's model, or why it is refused."""
    registry = facts.registry
    down = registry.blocked(facts.hash)
    if down is not None:
        return _refused(facts, f"was taken down ({down}) and stays so", _REVERT)
    if registry.deprecated:
        name = registry.tags[-1].name
        return _refused(facts, f"is not promoted: the tag {name} deprecates {registry.model}", None)
    by = _superseded_by(facts)
    if by is not None:
        return _nothing(facts, f"Nothing to do: commit {facts.commit[:10]} is superseded by {by}.")
    same = registry.with_hash(facts.hash)
    up = [version for version in registry.versions if version in same]
    if up:
        return _known(facts, up[-1])
    if same and same[-1].name != same[-1].commit:
        why = f"was {same[-1].name}, which was deregistered, and stays so"
        return _refused(facts, why, _REVERT)
    names = [version.name for version in registry.known if version.name != version.commit]
    if not names:
        return _steps_of(facts, FIRST, PROD)
    if not facts.kept:
        return _refused(facts, "has no accepting verdict in this commit", _NO_VERDICT)
    name = next_version(names, "minor" if facts.kept[-1].outcome == "promote" else "patch")
    return _steps_of(facts, name, _stage(facts))


_STAGES: tuple[Stage, ...] = (CANARY, PROD)
_REVERT = "Revert the merge that added it; `retouch rollback` opens that pull request."
_NO_VERDICT = (
    "Retrain it for an alert: its pull request has the report. A model built by hand is promoted"
    " only by `gto register`."
)


def _refused(facts: PromotionFacts, why: str, hint: str | None) -> PromotionPlan:
    return PromotionPlan(
        model=facts.registry.model,
        hash=facts.hash,
        outcome="refused",
        commit=facts.commit,
        message=f"{facts.registry.model} {facts.hash[:12]} of commit {facts.commit[:10]} {why}.",
        hint=hint,
    )


def _nothing(facts: PromotionFacts, message: str) -> PromotionPlan:
    return PromotionPlan(
        model=facts.registry.model,
        hash=facts.hash,
        outcome="nothing",
        commit=facts.commit,
        message=message,
    )


def _superseded_by(facts: PromotionFacts) -> str | None:
    """Return what replaced the commit's model on the base branch; None when it is the newest.

    The first version is exempt: a person may choose an older commit as the baseline. So is the
    newest one, which is completed as long as the branch has not gone back to an older model.
    """
    history, registry = facts.history, facts.registry
    ahead = history.ahead if history is not None else frozenset()
    later = [v for v in registry.versions if v.commit in ahead and v.hash != facts.hash]
    if later:
        return f"{later[-1].name}, commit {later[-1].commit[:10]}"
    now = history.current if history is not None else None
    if not registry.versions or history is None or now is None or now.hash == facts.hash:
        return None
    if not history.is_after(now, facts.commit):
        return None
    newest = registry.versions[-1]
    if newest.hash == facts.hash and now.hash not in models_before(registry, history, newest):
        return None
    known = [version.name for version in registry.versions if version.hash == now.hash]
    return f"{known[-1]}, commit {now.commit[:10]}" if known else f"commit {now.commit[:10]}"


def _is_merged_again(facts: PromotionFacts, version: Version) -> bool:
    """Tell whether a version that was reverted on the base branch was merged there once more."""
    events = [e for stage in _STAGES for e in facts.registry.history(stage)]
    own = sorted((e for e in events if e.version == version), key=lambda e: e.tag.order)
    reverted = own[-1].tag.details.get("reverted") if own and not own[-1].assigns else None
    history = facts.history
    return isinstance(reverted, str) and history is not None and is_back(history, reverted)


def _known(facts: PromotionFacts, version: Version) -> PromotionPlan:
    """Complete what an earlier call left of the newest version; older ones are left alone."""
    if version == facts.registry.versions[-1]:
        again = _is_merged_again(facts, version)
        stage = _stage(facts, None if again else version)
        found = _steps_of(facts, version.name, stage, version, again=again)
        left = f"{len(found.left)} left to do" if found.left else "nothing to do"
        message = f"{found.model} is already {version.name}: {left}."
        outcome = "promote" if found.left else "nothing"
        return found.model_copy(update={"message": message, "outcome": outcome})
    prod = facts.registry.in_stage(PROD)
    message = f"Nothing to do: this is the model of {version.name}, an earlier version."
    hint = None
    if prod is None or prod.hash != facts.hash:
        there = f"prod is {prod.name}" if prod else "nothing is in prod"
        message = f"Nothing to do: this is the model of {version.name} again, but {there}."
        hint = f"To put {version.name} into prod: `retouch rollback --to {version.name}`."
    return _nothing(facts, message).model_copy(
        update={"version": version.name, "commit": version.commit, "hint": hint}
    )


def _stage(facts: PromotionFacts, version: Version | None = None) -> Stage:
    """Return the stage a version goes to, or went to first."""
    for stage in _STAGES:
        if version is not None and _ever_in(facts.registry, version, stage):
            return stage
    if facts.policy.on_merge == PROD:
        return PROD
    # Without a version in prod there is nothing to compare a canary with.
    return PROD if facts.registry.in_stage(PROD) is None else CANARY


def _steps_of(
    facts: PromotionFacts,
    name: str,
    stage: Stage,
    version: Version | None = None,
    *,
    again: bool = False,
) -> PromotionPlan:
    """Return all steps of a version, those of an earlier call marked as done."""
    model = facts.registry.model
    commit = version.commit if version else facts.commit
    assigned = version is not None and not again and _ever_in(facts.registry, version, stage)
    where = "origin" if facts.shared else "this clone"
    steps: list[PromotionStep] = [
        Register(
            version=name,
            done=version is not None,
            message=f"{model}@{name} is registered on {commit[:10]}, in {where}",
        ),
        Assign(stage=stage, done=assigned, message=f"{name} is assigned to {stage}"),
        *_withdrawn(facts.registry, version, stage, name),
    ]
    steps += _on_github(facts, name, stage, version if assigned else None)
    kept = facts.kept[-1] if facts.kept else None
    later = kept.message.rstrip(".") if kept else "it was registered by hand"
    because = "the first version is the baseline" if name == FIRST else later
    message = f"{model} {facts.hash[:12]} becomes {name}, in {stage}: {because}."
    return PromotionPlan(
        model=model,
        hash=facts.hash,
        outcome="promote",
        version=name,
        commit=commit,
        kept_by=kept,
        message=message,
        reason=message,
        steps=tuple(steps),
    )


def _ever_in(registry: ModelRegistry, version: Version, stage: Stage) -> bool:
    """Tell whether it was ever assigned: one that was removed since is not assigned again."""
    return any(event.assigns and event.version == version for event in registry.history(stage))


def _withdrawn(
    registry: ModelRegistry, version: Version | None, stage: Stage, name: str
) -> list[Withdraw]:
    """Return a step for every other version that was in the canary stage before this one."""
    own = [e for e in registry.history(stage) if e.assigns and e.version == version]
    return [
        Withdraw(
            version=event.version.name,
            commit=event.version.commit,
            message=f"{event.version.name} is removed from canary: {name} replaces it",
        )
        for event in registry.active(CANARY)
        if event.version != version and (not own or event.tag.order < own[0].tag.order)
    ]


def _on_github(
    facts: PromotionFacts, name: str, stage: Stage, version: Version | None
) -> list[PromotionStep]:
    """Return the steps on GitHub; none for a version that has left its stage since.

    The release comes last: while it is missing, an earlier call was interrupted, perhaps between a
    deployment and its state.
    """
    github = facts.github
    if github is None:
        return []
    stages: list[Stage] = [stage]
    if version is not None:
        stages = [s for s in _STAGES if facts.registry.in_stage(s) == version]
    steps: list[PromotionStep] = []
    for at in stages:
        environment = ENVIRONMENTS[at]
        state: Literal["success", "in_progress"] = "success" if at == PROD else "in_progress"
        done = github.released and environment in github.environments
        message = f"the deployment of {name} to {environment} is recorded ({state})"
        steps.append(Deploy(environment=environment, state=state, done=done, message=message))
    return [*steps, Publish(done=github.released, message=f"the release of {name} has its bundle")]
