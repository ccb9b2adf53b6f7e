"""What the doctor looks at in the checkout: git, the pipeline, the policies, DVC's remote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from retouch.dvc import remote as dvc_remote
from retouch.engine.policy_check import check_policies
from retouch.engine.project import Project
from retouch.errors import CheckFailed, visible
from retouch.git import clone
from retouch.git_remote import store
from retouch.jobs.doctor.findings import Finding, each, fail, ok, skipped, warn
from retouch.policy.monitors import MONITORS, Monitors
from retouch.provenance.signers import Signers
from retouch.storage import documents

NO_NETWORK = "The network was not to be used."


def checkout_findings(project: Project, network: bool) -> Iterator[Finding]:
    """Yield what is found in the checkout; `network`: whether its remote may be asked."""
    root = project.root
    yield from each(
        ("history", lambda: _history(root)),
        ("tags", lambda: _tags(root, network)),
        ("pipeline", lambda: _pipeline(project)),
        ("model", lambda: _model(project)),
        ("policies", lambda: _policies(project)),
        ("monitors", lambda: _monitors(project.monitors, documents.read_signers(root))),
        ("merge driver", lambda: _merge_driver(root)),
    )


def _history(root: Path) -> Finding:
    if clone.is_shallow(root):
        message = "The checkout is shallow: versions and what was merged lie outside of it."
        hint = "`git fetch --unshallow --tags`; in a workflow, `fetch-depth: 0`."
        return fail("history", message, hint)
    if not clone.has_commits(root):
        return fail("history", "There is no commit yet.", "Commit the pipeline.")
    return ok("history", "All of it is here.")


def _tags(root: Path, network: bool) -> Finding:
    if not clone.has_origin(root):
        hint = "`git remote add origin https://github.com/OWNER/NAME`."
        return skipped("tags", "There is no remote `origin` to compare with.", hint)
    if not network:
        return skipped("tags", NO_NETWORK)
    try:
        there = clone.tags_at_origin(root)
    except CheckFailed as error:
        return skipped("tags", error.message)
    missing = there - clone.tags_here(root)
    if missing:
        message = f"{len(missing)} of {len(there)} tags of `origin` are not here: what is in "
        return fail("tags", f"{message}production cannot be known.", "`git fetch --tags`.")
    return ok("tags", f"All {len(there)} of `origin` are here." if there else "There are none yet.")


def _pipeline(project: Project) -> Finding:
    stages = [stage for stage in project.pipeline.stages if stage.cmd is not None]
    if not stages:
        return fail("pipeline", "dvc.yaml declares no stage.", "Declare the pipeline's stages.")
    told = sum(stage.meta is not None for stage in stages)
    if told < len(stages):
        message = (
            f"{len(stages) - told} of {len(stages)} stages say nothing under `meta.retouch`, so"
        )
        return warn(
            "pipeline",
            f"{message} an alert widens to more than it has to.",
            "Say what they read: docs/policy.md.",
        )
    return ok("pipeline", f"{len(stages)} stages, all of which say what they work on.")


def _model(project: Project) -> Finding:
    production = project.production
    return ok("model", f"{production.model} is {production.path}, made by {production.stage}.")


def _policies(project: Project) -> Finding:
    told = check_policies(project)
    if told.faults:
        return fail("policies", told.faults[0], "`retouch policy check` tells all.")
    wrong = sum(not result.passed for result in told.results)
    if wrong:
        message = f"{wrong} of {len(told.results)} examples are decided otherwise."
        return fail("policies", message, "`retouch policy check` tells which.")
    if told.warnings:
        return warn("policies", told.warnings[0], "`retouch policy check` tells all.")
    return ok("policies", f"They parse, and all {len(told.results)} examples hold.")


def _monitors(monitors: Monitors, signers: Signers) -> Finding:
    if not monitors.monitors:
        message = "No monitor is registered: every alert is refused, or waits for a person."
        return warn("monitors", message, f"Write {MONITORS}: docs/provenance.md.")
    keys = {signer.principal.lower() for signer in signers.by_key.values()}
    held = [
        name
        for name, monitor in monitors.monitors.items()
        if name.lower() not in keys and monitor.unsigned == "hold"
    ]
    if len(held) == len(monitors.monitors):
        message = "No monitor has a key: nothing is retrained before a person vouches for it."
        return warn("monitors", message, "Give one a key: docs/provenance.md.")
    count = len(monitors.monitors)
    without = f"; without a key, held for a person: {', '.join(sorted(held))}" if held else ""
    return ok("monitors", f"{count} registered{without}.")


def _merge_driver(root: Path) -> Finding:
    driver = clone.merge_driver_of(root, "dvc.lock")
    if driver.name is None:
        message = "git merges dvc.lock line by line, which can make up entries nobody ran."
        hint = "Add `dvc.lock merge=retouch-lock` to .gitattributes."
        return warn("merge driver", message, hint)
    if not driver.known:
        message = f".gitattributes names the merge driver {driver.name}, unknown to this clone."
        return warn("merge driver", message, "`retouch verify --install-driver`.")
    return ok("merge driver", "dvc.lock is merged by stage.")


_ADD_REMOTE = "`retouch store init`, or `dvc remote add --default NAME ADDRESS`: docs/storage.md."


def data_findings(root: Path, environment: Mapping[str, str], network: bool) -> Iterator[Finding]:
    """Yield what is found of DVC's remote; `network`: whether it may be asked."""
    in_workflow = bool(environment.get("CI"))
    yield from each(("data", lambda: _data(root, in_workflow, network)))


def _data(root: Path, in_workflow: bool, network: bool) -> Finding:
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


def _store(root: Path, branch: str, network: bool) -> Finding:
    if not network:
        return skipped("data", NO_NETWORK)
    try:
        there = clone.is_at_origin(root, branch)
    except CheckFailed as error:
        return skipped("data", error.message)
    if not there:
        message = f"The branch {branch}, DVC's remote here, is not on `origin` yet."
        return warn("data", message, "`dvc push && retouch store push`.")
    return ok("data", f"The branch {branch} is DVC's remote here, and on `origin`.")


def _named_remote(
    root: Path, remote: dvc_remote.Remote, in_workflow: bool, network: bool
) -> Finding:
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
