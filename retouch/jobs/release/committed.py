"""The model of one commit, its policy and its verdicts, whatever is checked out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from retouch.errors import InputError
from retouch.execution.model import Run
from retouch.gate.model import Verdict
from retouch.git.commit_files import Snapshot
from retouch.policy.load import parse_promotion
from retouch.policy.promotion import Promotion
from retouch.registry.promotion_plan import AcceptingVerdict
from retouch.registry.recorded_model import LockedOutput, recorded_model
from retouch.storage.documents import PROMOTION, REPORTS


@dataclass(frozen=True)
class CommittedModel:
    """One commit: its promotion policy, its model, and the verdicts on it."""

    root: Path
    commit: str
    """A full id."""

    @cached_property
    def snapshot(self) -> Snapshot:
        """Its files."""
        return Snapshot(self.root, self.commit)

    @cached_property
    def promotion(self) -> Promotion:
        """Its promotion policy. Raises InputError."""
        raw = self.snapshot.read([PROMOTION]).get(PROMOTION)
        if raw is None:
            raise InputError(
                f"{PROMOTION}: commit {self.commit[:10]} has no such file.",
                hint="docs/policy.md shows one.",
            )
        return parse_promotion(raw.decode(errors="replace"), PROMOTION)

    @cached_property
    def pipeline_files(self) -> dict[str, bytes]:
        """Its `dvc.yaml` and `dvc.lock` files by path. Raises InputError."""
        return self.snapshot.read(self.snapshot.named("dvc.yaml", "dvc.lock"))

    @cached_property
    def model(self) -> LockedOutput:
        """The model its lock records. Raises InputError."""
        return recorded_model(self.pipeline_files, self.promotion.model)

    def kept(self, model_hash: str) -> tuple[AcceptingVerdict, ...]:
        """Return the commit's verdicts that accepted this model, oldest report first.

        An unreadable one accepts nothing. Raises InputError.
        """
        verdicts = self.snapshot.named("verdict.json")
        read = self.snapshot.read(path for path in verdicts if _report_of(path) is not None)
        # A verdict names the models it is about: only those that name this one are parsed.
        about = sorted(path for path, raw in read.items() if model_hash.encode() in raw)
        runs = self.snapshot.read(path.replace("verdict.json", "run.json") for path in about)
        found = []
        for path in about:
            run = runs.get(path.replace("verdict.json", "run.json"))
            kept = run and _accepting_verdict(_report_of(path) or "", read[path], run, model_hash)
            if kept:
                found.append(kept)
        return tuple(found)


def _report_of(path: str) -> str | None:
    """Return the id of the report whose folder directly holds a file; None without one."""
    parts = path.split("/")
    is_in_one = len(parts) == 3 and parts[0] == REPORTS and parts[1].isalnum()
    return parts[1] if is_in_one else None


def _accepting_verdict(
    report_id: str, verdict_raw: bytes, run_raw: bytes, model_hash: str
) -> AcceptingVerdict | None:
    try:
        verdict = Verdict.model_validate_json(verdict_raw)
        run = Run.model_validate_json(run_raw)
    except ValueError:
        return None
    stays = bool(run.attempts) and run.attempts[-1].kept and run.plan_key == verdict.plan_key
    if not stays or verdict.deciding.candidate_model != model_hash:
        return None
    if verdict.outcome not in ("promote", "equivalent"):
        return None
    return AcceptingVerdict(
        report_id=report_id,
        plan_key=verdict.plan_key,
        outcome=verdict.outcome,
        candidate=model_hash,
        production=verdict.deciding.production_model,
        message=verdict.message,
    )
