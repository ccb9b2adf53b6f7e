"""Check every policy file of a checkout, and the retraining policy against its own examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from retouch.engine.project import Project
from retouch.errors import InputError
from retouch.policy.check import ExampleResult, check_policy, lint_policy
from retouch.provenance.signers import lint_signers
from retouch.storage import documents

AnyPolicy = TypeVar("AnyPolicy")


@dataclass(frozen=True)
class PolicyCheck:
    """What is to be said of the policies as checked out."""

    results: tuple[ExampleResult, ...] = ()
    warnings: tuple[str, ...] = ()
    """Unreachable rules and unused tiers: one message each, the file first."""
    faults: tuple[str, ...] = ()
    """A sentence for each file that cannot be read."""


def check_policies(project: Project) -> PolicyCheck:
    """Read every policy file, and run the retraining policy's own examples."""
    faults: list[str] = []
    policy, _ = _read(lambda: project.policy, faults), _read(lambda: project.promotion, faults)
    results = _read(lambda: policy and check_policy(policy), faults) or ()
    _read(lambda: project.silences, faults)
    monitors = _read(lambda: project.monitors, faults)
    signers = _read(lambda: documents.read_signers(project.root), faults)
    warnings = [
        f"{documents.POLICY}: {message}" for message in (lint_policy(policy) if policy else ())
    ]
    if monitors is not None and signers is not None:
        warnings += lint_signers(signers, monitors)
    return PolicyCheck(results, tuple(warnings), tuple(faults))


def _read(read: Callable[[], AnyPolicy], faults: list[str]) -> AnyPolicy | None:
    """Return what is read; when it cannot be, add the sentence that says why."""
    try:
        return read()
    except InputError as error:
        faults.append(str(error))
        return None
