"""Is everything set up? Checks the checkout, the data, the workflows, the token and GitHub.

Changes nothing. What cannot be checked, offline say, is reported as skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from retouch.dvc import remote as dvc_remote
from retouch.dvc.project import find_root
from retouch.engine.policy_check import check_policies
from retouch.engine.project import Project
from retouch.errors import CheckFailed, InputError, visible
from retouch.git import git
from retouch.git_remote import store
from retouch.jobs.doctor.findings import (
    NO_NETWORK,
    Diagnosis,
    SetupFinding,
    fail,
    ok,
    run_checks,
    skipped,
    warn,
)
from retouch.jobs.doctor.github import GitHubAccess, github_findings, workflow_finding
from retouch.policy.monitors import MONITORS, Monitors
from retouch.provenance.signers import Signers
from retouch.storage import documents


def examine(start: Path, environment: Mapping[str, str], asking: GitHubAccess) -> Diagnosis:
    """Check everything and return the findings; `environment` is that of the process."""
    try:
        top = git.top_level(start)
        root = find_root(start)
    except InputError as error:
        return Diagnosis(findings=(fail("checkout", error.message, error.hint),))
    return Diagnosis(findings=tuple(_all_findings(Project(root), top, environment, asking)))


def _all_findings(
    project: Project, top: Path, environment: Mapping[str, str], asking: GitHubAccess
) -> list[SetupFinding]:
    return [
        *checkout_findings(project, asking.network),
        *data_findings(project.root, environment, asking.network),
        *run_checks(("workflows", lambda: workflow_finding(top))),
        *github_findings(top, environment, asking),
    ]


def checkout_findings(project: Project, network: bool) -> Iterator[SetupFinding]:
    """Yield the findings on the checkout; `network`: whether its remote may be used."""
    root = project.root
    yield from run_checks(
        ("history", lambda: _history(root)),
        ("tags", lambda: _tags(root, network)),
        ("pipeline", lambda: _pipeline(project)),
        ("model", lambda: _model(project)),
        ("policies", lambda: _policies(project)),
        ("monitors", lambda: _monitors(project.monitors, documents.read_signers(root))),
        ("merge driver", lambda: _merge_driver(root)),
    )


def _history(root: Path) -> SetupFinding:
    if git.is_shallow(root):
        message = "The checkout is shallow: it lacks versions and merged commits."
        hint = "`git fetch --unshallow --tags`; in a workflow, `./.github/actions/setup` does it."
        return fail("history", message, hint)
    if not git.has_commits(root):
        return fail("history", "There is no commit yet.", "Commit the pipeline.")
    return ok("history", "The whole history is here.")


def _tags(root: Path, network: bool) -> SetupFinding:
    if not git.has_origin(root):
        hint = "`git remote add origin https://github.com/OWNER/NAME`."
        return skipped("tags", "There is no remote `origin` to compare with.", hint)
    if not network:
        return skipped("tags", NO_NETWORK)
    try:
        there = git.tags_at_origin(root)
    except CheckFailed as error:
        return skipped("tags", error.message)
    missing = there - git.tags_here(root)
    if missing:
        message = (
            f"{len(missing)} of {len(there)} tags of `origin` are missing here, so what is in "
        )
        return fail("tags", f"{message}production is unknown.", "`git fetch --tags`.")
    return ok(
        "tags",
        f"All {len(there)} tags of `origin` are here." if there else "There are no tags yet.",
    )


def _pipeline(project: Project) -> SetupFinding:
    stages = [stage for stage in project.pipeline.stages if stage.cmd is not None]
    if not stages:
        return fail("pipeline", "dvc.yaml declares no stage.", "Declare the pipeline's stages.")
    checked = sum(stage.meta is not None for stage in stages)
    if checked < len(stages):
        message = f"{len(stages) - checked} of {len(stages)} stages have no `meta.retouch`, so"
        return warn(
            "pipeline",
            f"{message} an alert touches more stages than necessary.",
            "Declare what they read: docs/policy.md.",
        )
    return ok("pipeline", f"{len(stages)} stages, all with `meta.retouch`.")


def _model(project: Project) -> SetupFinding:
    production = project.production
    return ok("model", f"{production.model} is {production.path}, made by {production.stage}.")


def _policies(project: Project) -> SetupFinding:
    checked = check_policies(project)
    if checked.faults:
        return fail("policies", checked.faults[0], "`retouch policy check` lists all.")
    wrong = sum(not result.passed for result in checked.results)
    if wrong:
        message = f"{wrong} of {len(checked.results)} examples are decided differently."
        return fail("policies", message, "`retouch policy check` lists them.")
    if checked.warnings:
        return warn("policies", checked.warnings[0], "`retouch policy check` lists all.")
    return ok("policies", f"They are valid, and all {len(checked.results)} examples pass.")


def _monitors(monitors: Monitors, signers: Signers) -> SetupFinding:
    if not monitors.monitors:
        message = "No monitor is registered: every alert is refused, or waits for approval."
        return warn("monitors", message, f"Write {MONITORS}: docs/provenance.md.")
    keys = {signer.principal.lower() for signer in signers.by_key.values()}
    held = [
        name
        for name, monitor in monitors.monitors.items()
        if name.lower() not in keys and monitor.unsigned == "hold"
    ]
    if len(held) == len(monitors.monitors):
        message = "No monitor has a key: nothing is retrained without a person's approval."
        return warn("monitors", message, "Register a key: docs/provenance.md.")
    count = len(monitors.monitors)
    without = f"; without a key, held for approval: {', '.join(sorted(held))}" if held else ""
    return ok("monitors", f"{count} registered{without}.")


def _merge_driver(root: Path) -> SetupFinding:
    driver = git.merge_driver_of(root, "dvc.lock")
    if driver.name is None:
        message = "git merges dvc.lock line by line, which can yield entries of no run."
        hint = "Add `dvc.lock merge=retouch-lock` to .gitattributes."
        return warn("merge driver", message, hint)
    if not driver.known:
        message = f".gitattributes names the merge driver {driver.name}, unknown to this clone."
        return warn("merge driver", message, "`retouch verify --install-driver`.")
    return ok("merge driver", "dvc.lock is merged by stage.")


_ADD_REMOTE = "`retouch store init`, or `dvc remote add --default NAME ADDRESS`: docs/storage.md."


def data_findings(
    root: Path, environment: Mapping[str, str], network: bool
) -> Iterator[SetupFinding]:
    """Yield the finding on DVC's remote; `network`: whether it may be used."""
    in_workflow = bool(environment.get("CI"))
    yield from run_checks(("data", lambda: _data(root, in_workflow, network)))


def _data(root: Path, in_workflow: bool, network: bool) -> SetupFinding:
    opened = store.opened(root)
    if opened is not None and opened.default:
        return _store(root, opened.branch.name, network)
    try:
        remote = dvc_remote.default_remote(root)
    except CheckFailed as error:
        message = f"DVC cannot open the project: {visible(error.message)}"
        return fail("data", message, "`dvc status`.")
    if remote is None:
        return fail("data", "DVC has no default remote.", _ADD_REMOTE)
    return _named_remote(root, remote, in_workflow, network)


def _store(root: Path, branch: str, network: bool) -> SetupFinding:
    if not network:
        return skipped("data", NO_NETWORK)
    try:
        there = git.is_at_origin(root, branch)
    except CheckFailed as error:
        return skipped("data", error.message)
    if not there:
        message = f"The branch {branch}, DVC's remote here, is not on `origin` yet."
        return warn("data", message, "`dvc push && retouch store push`.")
    return ok("data", f"The branch {branch} is DVC's remote here, and on `origin`.")


def _named_remote(
    root: Path, remote: dvc_remote.Remote, in_workflow: bool, network: bool
) -> SetupFinding:
    name, local = remote.name, remote.is_folder
    if not local and not network:
        return skipped("data", NO_NETWORK)
    try:
        there = dvc_remote.remote_exists(root, name)
    except CheckFailed as error:
        reason = visible(error.message)
        message = f"DVC's remote {name} ({remote.url}) cannot be reached: {reason}"
        return fail("data", message, f"`dvc remote modify {name}`, or its credentials.")
    if local and in_workflow:
        message = f"DVC's remote {name} is a folder of this machine, which no other job sees."
        return warn("data", message, _ADD_REMOTE)
    if local and not there:
        message = f"DVC's remote {name} is a folder that does not exist yet: {remote.url}."
        return warn("data", message, "`dvc push`.")
    if local:
        return ok("data", f"DVC's remote {name} is a folder; workflows use the branch instead.")
    return ok("data", f"DVC's remote {name} ({remote.url}) answers.")
