"""What merging a validated model brings about, step by step; each is done or still to do. Pure.

Explaining and applying read the same list. Every step can be taken again: what an earlier call left
is found by its tag, its release or its deployment, and counts as done.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from retouch.documents import Document, Value
from retouch.policy.promotion import Release as ReleasePolicy
from retouch.registry.registry import Registry, Version
from retouch.registry.versions import FIRST, next_version

PROD: Final = "prod"
CANARY: Final = "canary"
Stage = Literal["prod", "canary"]
Environment = Literal["production", "canary"]
_ENVIRONMENTS: dict[Stage, Environment] = {"prod": "production", "canary": "canary"}


Outcome = Literal["promote", "equivalent"]


class Kept(Value):
    """A committed verdict that kept a candidate."""

    report_id: str
    plan_key: str
    outcome: Outcome
    """`equivalent`: of a repair that changes no score."""
    candidate: str
    """The model's hash."""
    production: str
    """Of the one it was held against."""
    message: str


class OnGitHub(Value):
    """What GitHub has of a version already."""

    released: bool
    """A release with the bundle."""
    environments: tuple[str, ...]
    """Where a deployment of it is on record."""


class Facts(Value):
    """All that the steps follow from."""

    registry: Registry
    commit: str
    """The one to promote: on main, with the lock and the verdict."""
    hash: str
    """Of the model its `dvc.lock` records."""
    kept: tuple[Kept, ...] = ()
    """The verdicts of its own tree that kept this very model, oldest first."""
    policy: ReleasePolicy
    shared: bool = False
    """The tags go to `origin`."""
    github: OnGitHub | None = None
    """None: GitHub is left alone."""


class Register(Value):
    """The commit becomes a version."""

    kind: Literal["register"] = "register"
    version: str
    done: bool
    message: str


class Assign(Value):
    """The version comes into a stage."""

    kind: Literal["assign"] = "assign"
    stage: Stage
    done: bool
    message: str


class Withdraw(Value):
    """A canary that nobody has decided on makes way for the new version.

    Otherwise GTO would fall back to it once the new one is taken out.
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
    """A deployment on record at GitHub."""

    kind: Literal["deploy"] = "deploy"
    environment: Environment
    state: Literal["success", "in_progress"]
    done: bool
    message: str


Step = Annotated[Register | Assign | Withdraw | Publish | Deploy, Field(discriminator="kind")]


class Promoting(Document):
    """What becomes of the model one commit records."""

    schema_version: Literal["1.0"] = "1.0"
    model: str
    hash: str
    outcome: Literal["promote", "nothing", "refused"]
    version: str | None = None
    """The version it is, or is to become."""
    commit: str
    """Where its tags are: of a version that is there already, its own."""
    kept_by: Kept | None = None
    """None of a baseline."""
    message: str
    """One sentence."""
    reason: str = ""
    """For the records: why it is a version, in the same words whatever is done already."""
    hint: str | None = None
    steps: tuple[Step, ...] = ()

    @property
    def left(self) -> tuple[Step, ...]:
        """The steps still to be taken, in order."""
        return tuple(step for step in self.steps if not step.done)


def promoting(facts: Facts) -> Promoting:
    """Return what is to be done so that the commit's model is promoted, or why it is not."""
    registry = facts.registry
    down = registry.blocked(facts.hash)
    if down is not None:
        return _refused(facts, f"was taken down ({down}) and stays down", _REVERT)
    if registry.deprecated:
        name = registry.tags[-1].name
        return _refused(facts, f"is not promoted: the tag {name} gives {registry.model} up", None)
    same = registry.with_hash(facts.hash)
    up = [version for version in registry.versions if version in same]
    if up:
        return _known(facts, up[-1])
    if same and same[-1].name != same[-1].commit:
        why = f"was {same[-1].name}, which was deregistered, and stays down"
        return _refused(facts, why, _REVERT)
    names = [version.name for version in registry.known if version.name != version.commit]
    if not names:
        return _steps_of(facts, FIRST, PROD)
    if not facts.kept:
        return _refused(facts, "is kept by no verdict that this commit holds", _NO_VERDICT)
    name = next_version(names, "minor" if facts.kept[-1].outcome == "promote" else "patch")
    return _steps_of(facts, name, _stage(facts))


_STAGES: tuple[Stage, ...] = (CANARY, PROD)
_REVERT = "Revert the merge that brought it in; `retouch rollback` opens that pull request."
_NO_VERDICT = (
    "Let an alert bring it in: its pull request holds the report. A model that was built by hand is"
    " promoted by nobody but `gto register`."
)


def _refused(facts: Facts, why: str, hint: str | None) -> Promoting:
    return Promoting(
        model=facts.registry.model,
        hash=facts.hash,
        outcome="refused",
        commit=facts.commit,
        message=f"{facts.registry.model} {facts.hash[:12]} of commit {facts.commit[:10]} {why}.",
        hint=hint,
    )


def _known(facts: Facts, version: Version) -> Promoting:
    """Complete what an earlier call has left of the newest version; older ones are let be."""
    if version == facts.registry.versions[-1]:
        found = _steps_of(facts, version.name, _stage(facts, version), version)
        left = f"{len(found.left)} left to do" if found.left else "nothing to do"
        message = f"{found.model} is {version.name} already: {left}."
        outcome = "promote" if found.left else "nothing"
        return found.model_copy(update={"message": message, "outcome": outcome})
    prod = facts.registry.in_stage(PROD)
    message = f"Nothing to do: this is the model of {version.name}, which was a version before."
    hint = None
    if prod is None or prod.hash != facts.hash:
        there = f"prod is {prod.name}" if prod else "nothing is in prod"
        message = f"Nothing is done: this is the model of {version.name} again, but {there}."
        hint = f"If {version.name} is meant to be in prod: `retouch rollback --to {version.name}`."
    return Promoting(
        model=facts.registry.model,
        hash=facts.hash,
        outcome="nothing",
        version=version.name,
        commit=version.commit,
        message=message,
        hint=hint,
    )


def _stage(facts: Facts, version: Version | None = None) -> Stage:
    """Return the stage a version goes to, or went to first."""
    for stage in _STAGES:
        if version is not None and _ever_in(facts.registry, version, stage):
            return stage
    if facts.policy.on_merge == PROD:
        return PROD
    # Without anything in prod there is nothing to hold a canary against.
    return PROD if facts.registry.in_stage(PROD) is None else CANARY


def _steps_of(facts: Facts, name: str, stage: Stage, version: Version | None = None) -> Promoting:
    """Return all steps of a version, those an earlier call has taken marked as done."""
    model = facts.registry.model
    commit = version.commit if version else facts.commit
    assigned = version is not None and _ever_in(facts.registry, version, stage)
    where = "origin" if facts.shared else "this clone"
    steps: list[Step] = [
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
    because = "the first version ever is the baseline" if name == FIRST else later
    message = f"{model} {facts.hash[:12]} becomes {name}, in {stage}: {because}."
    return Promoting(
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


def _ever_in(registry: Registry, version: Version, stage: Stage) -> bool:
    """Say whether it was ever assigned: one that was taken out since does not come back by us."""
    return any(event.assigns and event.version == version for event in registry.history(stage))


def _withdrawn(
    registry: Registry, version: Version | None, stage: Stage, name: str
) -> list[Withdraw]:
    """Return a step for every other version that is in the canary stage since before this one."""
    own = [e for e in registry.history(stage) if e.assigns and e.version == version]
    return [
        Withdraw(
            version=event.version.name,
            commit=event.version.commit,
            message=f"{event.version.name} is taken out of canary: {name} comes in its stead",
        )
        for event in registry.active(CANARY)
        if event.version != version and (not own or event.tag.order < own[0].tag.order)
    ]


def _on_github(facts: Facts, name: str, stage: Stage, version: Version | None) -> list[Step]:
    """Return the steps at GitHub. One that has left its stage since is deployed nowhere by us.

    The release comes last: while it is missing an earlier call was cut short, perhaps between a
    deployment and its state.
    """
    github = facts.github
    if github is None:
        return []
    stages: list[Stage] = [stage]
    if version is not None:
        stages = [s for s in _STAGES if facts.registry.in_stage(s) == version]
    steps: list[Step] = []
    for at in stages:
        environment = _ENVIRONMENTS[at]
        state: Literal["success", "in_progress"] = "success" if at == PROD else "in_progress"
        done = github.released and environment in github.environments
        message = f"{name} is on record as deployed to {environment} ({state})"
        steps.append(Deploy(environment=environment, state=state, done=done, message=message))
    return [*steps, Publish(done=github.released, message=f"the release of {name} has its bundle")]
