"""Which runner a target is retrained on: what its tiers and the stages they run ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from retouch.engine.project import Project
from retouch.errors import RetouchError
from retouch.execution.clean_checkout import added_files
from retouch.jobs.retrain.process_group import GroupTask, RetrainJob, plan_of, with_approval
from retouch.jobs.retrain.retrain import base_tasks, pull_tasks
from retouch.jobs.retrain.targets import RetrainTarget
from retouch.pipeline.model import Pipeline
from retouch.planning.model import Plan
from retouch.policy.model import Tier


def with_runner(target: RetrainTarget, base_branch: str, job: RetrainJob) -> RetrainTarget:
    """Return a target with the labels of its runner.

    Planned only where a tier or a stage names a runner at all. What cannot be planned is reported
    by the retraining itself, on whatever machine.
    """
    pull = target.pull
    try:
        project = Project(job.root)
        if not _names_any(project.pipeline, project.policy.tiers):
            return target
        tasks = base_tasks(base_branch, job) if pull is None else pull_tasks(pull, job)
        labels = [label for task in tasks for label in _labels_of(task, job)]
    except RetouchError as error:
        job.log(f"{f'#{pull}' if pull else base_branch}: any runner, as its plan fails: {error}")
        return target
    return target.model_copy(update={"runs_on": tuple(dict.fromkeys(labels)) or None})


def runner_labels(plan: Plan, pipeline: Pipeline, tiers: Mapping[str, Tier]) -> tuple[str, ...]:
    """Return all labels that the tiers of a plan, and the stages they may run, ask for.

    One job tries all tiers, so its runner needs the labels of them all.
    """
    asked = {stage.name: stage.meta.runs_on for stage in pipeline.stages if stage.meta}
    labels: list[str] = []
    for planned in plan.tiers:
        if planned.tier in tiers:
            labels += tiers[planned.tier].labels
        for stage in planned.named("run", "may_run"):
            labels += asked.get(stage, ())
    return tuple(dict.fromkeys(labels))


def _names_any(pipeline: Pipeline, tiers: Mapping[str, Tier]) -> bool:
    by_stages = any(stage.meta is not None and stage.meta.runs_on for stage in pipeline.stages)
    return by_stages or any(tier.labels for tier in tiers.values())


def _labels_of(task: GroupTask, job: RetrainJob) -> Iterable[str]:
    with added_files(job.root, task.overlay):
        project = Project(job.root)
        plan = plan_of(project, task.alert_ids, with_approval(task, job))
        return runner_labels(plan, project.pipeline, project.policy.tiers)
