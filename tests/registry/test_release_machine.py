"""Whatever happens, in whatever order, and wherever jobs die: what releases never do."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from retouch.policy.promotion import Release
from retouch.registry.registry import CANARY, PROD, Version, release_status
from tests.registry.release_world import World, by_stage, reverted

STEPS = st.integers(0, 5)
ANY = st.integers(0, 10_000)


class ReleaseMachine(RuleBasedStateMachine):
    """Merges, reverts, verdicts and commands around calls of `reconcile` that may die."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.models = 0
        self.down: set[str] = set()
        """Models that failed as a canary or were rolled back, and that nobody assigned since."""
        self.reverted: dict[str, str] = {}
        """Models that left a stage because a commit of main reverted them -> that commit."""
        self.forgotten: set[str] = set()
        """Commits of versions of which a tag was deleted: GitHub's records of them may be stale."""

    @initialize(straight=st.booleans())
    def start(self, straight: bool) -> None:
        if straight:
            self.world.policy = Release()
        self.world.commit("m0")
        self.world.reconcile()
        assert self.world.in_stage(PROD) == "m0"

    # main

    @rule(before=st.booleans(), after=st.booleans(), workflows=st.booleans())
    def a_retrained_model_is_merged(self, before: bool, after: bool, workflows: bool) -> None:
        """As one commit, or between others: a rebase merge, a merge queue."""
        self.models += 1
        if before:
            self.world.commit()
        self.world.commit(f"m{self.models}", accept=True)
        if after:
            self.world.commit(workflows=workflows)

    @rule()
    def a_model_built_by_hand_is_merged(self) -> None:
        self.models += 1
        self.world.commit(f"m{self.models}")

    @rule()
    def the_newest_model_is_reverted(self) -> None:
        """By GitHub's button: its verdict goes too."""
        now = self.world.main[-1].hash
        before = [one.hash for one in self.world.main if one.hash != now]
        if before:
            self.world.commit(accept=False)
            self.world.commit(before[-1])

    @rule(which=ANY, accept=st.sampled_from([None, True]))
    def main_records_an_earlier_model_again(self, which: int, accept: bool | None) -> None:
        """A revert of several merges, a revert of a revert."""
        hashes = sorted({one.hash for one in self.world.main})
        self.world.commit(hashes[which % len(hashes)], accept=accept)

    @rule(workflows=st.booleans())
    def another_file_changes(self, workflows: bool) -> None:
        self.world.commit(workflows=workflows)

    # jobs

    @rule()
    def reconcile(self) -> None:
        self._by_itself(self.world.reconcile)
        assert self.world.idle, self.world.plan().steps

    @rule(steps=STEPS)
    def reconcile_dies(self, steps: int) -> None:
        self._by_itself(lambda: self.world.dying(steps, self.world.reconcile))

    @rule(steps=STEPS)
    def reconcile_dies_and_is_called_again(self, steps: int) -> None:
        other = deepcopy(self.world)
        other.reconcile()
        self._by_itself(lambda: self.world.dying(steps, self.world.reconcile))
        self._by_itself(self.world.reconcile)
        self._must_equal(other)

    @rule()
    def reconcile_leaves_promotions_to_an_approved_job(self) -> None:
        versions = self.world.registry.versions
        self._by_itself(lambda: self.world.reconcile(promote=False))
        assert self.world.registry.versions == versions

    @rule(which=ANY, steps=STEPS)
    def a_job_of_an_older_commit_runs_again(self, which: int, steps: int) -> None:
        commit = self.world.main[which % len(self.world.main)].id
        self._by_itself(lambda: self.world.dying(steps, lambda: self.world.promote(commit)))

    @precondition(lambda self: self._canary_may_be_judged())
    @rule(steps=STEPS)
    def the_canary_passes(self, steps: int) -> None:
        other = deepcopy(self.world)
        other.pass_canary()
        other.reconcile()
        self.world.dying(steps, self.world.pass_canary)
        if steps:
            self._by_itself(self.world.reconcile)
            self._must_equal(other)

    @precondition(lambda self: self._canary_may_be_judged())
    @rule(dies=st.booleans())
    def the_canary_fails(self, dies: bool) -> None:
        self.down.add(str(self.world.in_stage(CANARY)))
        self.world.fail_canary()
        failed = self.world.tags[-1]
        if not dies:
            self._by_itself(self.world.reconcile)
            assert failed.name in self.world.announced

    @rule(which=st.none() | ANY, steps=STEPS)
    def a_person_rolls_back(self, which: int | None, steps: int) -> None:
        versions = self.world.registry.versions
        to = None if which is None or not versions else versions[which % len(versions)].name
        other = deepcopy(self.world)
        other.roll_back(to)
        bad, good = self.world.in_stage(PROD), other.in_stage(PROD)
        other.reconcile()
        self.world.dying(steps, lambda: self.world.roll_back(to))
        if steps and bad != good:
            self.down.discard(str(good))
            self.reverted.pop(str(good), None)
            self._take_down()
        if steps:
            self._by_itself(self.world.reconcile)
            self._must_equal(other)

    # the world around

    @rule(minutes=st.sampled_from([-180, 0, 0, 120]))
    def the_clock_is_another_one(self, minutes: int) -> None:
        self.world.skew = timedelta(minutes=minutes)

    @rule(days=st.integers(1, 3))
    def time_passes(self, days: int) -> None:
        self.world.pass_time(days * 86_400)

    @rule(which=ANY)
    def a_person_deletes_a_tag(self, which: int) -> None:
        """What Retouch remembered by it is lost, and that is all that is allowed to go wrong."""
        if not self.world.tags:
            return
        lost = self.world.tags.pop(which % len(self.world.tags))
        self.forgotten.add(lost.commit)
        self.down = {h for h in self.down if self.world.registry.blocked(h) is not None}
        self.reverted.clear()

    # what must hold

    @invariant()
    def status_is_what_the_tags_say(self) -> None:
        registry = self.world.registry
        status = release_status(registry, self.world.main[-1].hash if self.world.main else "")
        shown = {CANARY: status.canary, PROD: status.prod}
        names = {stage: found and found.version for stage, found in shown.items()}
        assert names == dict(by_stage(self.world.tags, registry.known))

    @invariant()
    def a_model_is_one_version(self) -> None:
        versions = [version.hash for version in self.world.registry.versions]
        assert len(versions) == len(set(versions))

    @invariant()
    def github_runs_nothing_that_is_in_no_stage(self) -> None:
        if not self.world.main or not self.world.idle:
            return
        active = {
            tuple(key.split())
            for key, state in self.world.deployments.items()
            if state in ("success", "in_progress")
        }
        stages = {"production": PROD, "canary": CANARY}
        expected = {
            (found.commit, environment)
            for environment, stage in stages.items()
            if (found := self.world.registry.in_stage(stage)) is not None
        }
        assert expected <= active
        assert {commit for commit, _ in active - expected} <= self.forgotten

    def _by_itself(self, job) -> None:  # type: ignore[no-untyped-def]
        """Run a job that nobody decided anything for, and compare before with after."""
        before = {stage: self.world.registry.in_stage(stage) for stage in (CANARY, PROD)}
        begun = _begun(self.world)
        known = len(self.world.tags)
        job()
        after = self.world.registry.in_stage(PROD)
        self._check_production(before[PROD], after, begun)
        for tag in self.world.tags[known:]:
            model = self.world.main[self.world.place(tag.commit)].hash
            if tag.kind == "assign":
                self._check_assigned(model, str(tag.stage), begun)
        self._take_down()

    def _check_production(
        self, before: Version | None, after: Version | None, begun: str | None
    ) -> None:
        """Production goes to an ancestor only by a rollback that was begun, or by a revert."""
        if before is None or begun is not None:
            return
        assert after is not None, "production is empty"
        if after.commit == before.commit:
            return
        place = self.world.place
        if place(after.commit) > place(before.commit):
            return
        commit = reverted(self.world, before)
        assert commit is not None, f"production went back from {before.name} to {after.name}"
        assert after.hash == self.world.main[place(commit)].hash

    def _check_assigned(self, model: str, stage: str, begun: str | None) -> None:
        """A model that was taken down comes back by a person alone."""
        if begun == model:
            return
        assert model not in self.down, f"{model} came back"
        commit = self.reverted.pop(model, None)
        if commit is None:
            return
        later = self.world.main[self.world.place(commit) + 1 :]
        assert any(one.hash == model for one in later), f"{model} came back though reverted"
        if self.world.policy.on_merge == CANARY:
            assert stage == CANARY, f"{model} was reverted and went straight to production"

    def _take_down(self) -> None:
        """Remember what the tags say of models that were taken down."""
        self.down |= {one.hash for one in self.world.main if self.world.registry.blocked(one.hash)}
        for tag in self.world.tags:
            commit = tag.details.get("reverted")
            if isinstance(commit, str) and tag.kind == "unassign":
                later = [t for t in self.world.tags if t.order > tag.order and t.kind == "assign"]
                if all(t.commit != tag.commit for t in later):
                    self.reverted[str(tag.details["model"])] = commit

    def _must_equal(self, other: World) -> None:
        """Compare with the world in which no job died."""
        ours, theirs = self.world.state(), other.state()
        if self.forgotten:  # a tag may be written again that was not the one deleted
            assert ours["stages"] == theirs["stages"]
            return
        assert ours == theirs

    def _canary_may_be_judged(self) -> bool:
        new, prod = (self.world.registry.in_stage(stage) for stage in (CANARY, PROD))
        if new is None or prod is None or new == prod:
            return False
        return reverted(self.world, new) is None and not self.world.registry.blocked(str(new.hash))


def _begun(world: World) -> str | None:
    """Return the model that a rollback which was begun restores; None without one."""
    moves = [tag for tag in world.registry.tags if tag.stage == PROD]
    if not moves or moves[-1].kind != "unassign":
        return None
    target = world.registry.find(str(moves[-1].details.get("to")))
    return None if target is None else target.hash


TestReleases = ReleaseMachine.TestCase
TestReleases.settings = settings(stateful_step_count=20, deadline=None)
