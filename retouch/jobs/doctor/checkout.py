"""What the doctor looks at in the checkout: git, the pipeline, the policies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from retouch.engine import run as flows
from retouch.engine.project import Workspace
from retouch.jobs.doctor.findings import Finding, each, fail, ok, skipped, warn
from retouch.policy.monitors import MONITORS, Monitors
from retouch.provenance.signers import Signers
from retouch.storage import documents
from retouch.system.processes import Finished, run

NO_NETWORK = "The network was not to be used."


def checkout_findings(workspace: Workspace, network: bool) -> Iterator[Finding]:
    """Yield what is found in the checkout; `network`: whether its remote may be asked."""
    root = workspace.root
    yield from each(
        ("history", lambda: _history(root)),
        ("tags", lambda: _tags(root, network)),
        ("pipeline", lambda: _pipeline(workspace)),
        ("model", lambda: _model(workspace)),
        ("policies", lambda: _policies(workspace)),
        ("monitors", lambda: _monitors(workspace.monitors, documents.read_signers(root))),
        ("merge driver", lambda: _merge_driver(root)),
    )


def _history(root: Path) -> Finding:
    if _git(root, "rev-parse", "--is-shallow-repository").output.strip() == "true":
        message = "The checkout is shallow: versions and what was merged lie outside of it."
        hint = "`git fetch --unshallow --tags`; in a workflow, `fetch-depth: 0`."
        return fail("history", message, hint)
    if _git(root, "rev-parse", "--verify", "--quiet", "HEAD").exit_code:
        return fail("history", "There is no commit yet.", "Commit the pipeline.")
    return ok("history", "All of it is here.")


def _tags(root: Path, network: bool) -> Finding:
    if _git(root, "remote", "get-url", "origin").exit_code:
        hint = "`git remote add origin https://github.com/OWNER/NAME`."
        return skipped("tags", "There is no remote `origin` to compare with.", hint)
    if not network:
        return skipped("tags", NO_NETWORK)
    asked = _git(root, "ls-remote", "--tags", "--refs", "origin")
    if asked.exit_code:
        return skipped("tags", f"`origin` cannot be asked: {asked.last_lines(1)}")
    there = {line.rpartition("refs/tags/")[2] for line in asked.output.splitlines() if "\t" in line}
    missing = there - set(_git(root, "tag", "--list").output.split())
    if missing:
        message = f"{len(missing)} of {len(there)} tags of `origin` are not here: what is in "
        return fail("tags", f"{message}production cannot be known.", "`git fetch --tags`.")
    return ok("tags", f"All {len(there)} of `origin` are here." if there else "There are none yet.")


def _pipeline(workspace: Workspace) -> Finding:
    stages = [stage for stage in workspace.pipeline.stages if stage.cmd is not None]
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


def _model(workspace: Workspace) -> Finding:
    production = workspace.production
    return ok("model", f"{production.model} is {production.path}, made by {production.stage}.")


def _policies(workspace: Workspace) -> Finding:
    told = flows.policy_check(workspace)
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
    attribute = _git(root, "check-attr", "merge", "--", "dvc.lock").output
    name = attribute.strip().rpartition(": ")[2]
    if name in ("unspecified", ""):
        message = "git merges dvc.lock line by line, which can make up entries nobody ran."
        hint = "Add `dvc.lock merge=retouch-lock` to .gitattributes."
        return warn("merge driver", message, hint)
    if not _git(root, "config", "--get", f"merge.{name}.driver").output.strip():
        message = f".gitattributes names the merge driver {name}, which this clone does not know."
        return warn("merge driver", message, "`retouch verify --install-driver`.")
    return ok("merge driver", "dvc.lock is merged by stage.")


def _git(root: Path, *args: str) -> Finished:
    # Nobody is there to type a password.
    return run(["git", *args], cwd=root, env={"GIT_TERMINAL_PROMPT": "0"})
