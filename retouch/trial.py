"""Put a candidate to the gate: score both models on the same rows, and judge."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from retouch.alerts.model import Alert
from retouch.alerts.words import summarise
from retouch.execution.scoring import score_model
from retouch.policy.promotion import Promotion
from retouch.release.production import Production
from retouch.tools import dvc, journal
from retouch.tools.params import read_json_key
from retouch.tools.process import Processes
from retouch.validation.gate import AlertedSlice, Contender, judge
from retouch.validation.holdout import HoldoutDays
from retouch.validation.model import Judgement


@dataclass(frozen=True)
class Trial:
    """What every candidate of one plan is held against."""

    root: Path
    promotion: Promotion
    days: HoldoutDays
    production: Production
    production_copy: str
    """Where the model in production lies while the candidate has its place, from the root."""
    alerts: tuple[Alert, ...]
    needs: tuple[str, ...]
    """Outputs the scoring command reads besides the models."""
    jobs: int

    def judge(
        self, candidate: str, *, tier: str, must: Literal["improve", "not_get_worse"]
    ) -> Judgement:
        """Judge the model that is in the workspace now; `candidate` is its hash.

        Both models are scored on what the workspace holds: the same inputs for both. A candidate
        that is the model in production, byte for byte, is not scored. Raises SaidNo when scoring
        fails, BadInput when data for it is nowhere to be had.
        """
        first, *others = _alerted(self.alerts) or (None,)
        ours = Contender(self.production.hash, None, None)
        theirs = Contender(candidate, None, None)
        if candidate != self.production.hash:
            ours, theirs = self._scored(candidate)
        return judge(
            ours,
            theirs,
            holdout=self.days,
            policy=self.promotion,
            tier=tier,
            must=must,
            alerted=first,
            also_alerted=others,
        )

    def _scored(self, candidate: str) -> tuple[Contender, Contender]:
        dvc.pull([path for path in self.needs if not (self.root / path).exists()], root=self.root)
        processes = Processes(on_start=lambda pid: journal.note_child(self.root, pid))
        with ThreadPoolExecutor(max_workers=min(2, self.jobs)) as pool:
            try:
                first = pool.submit(
                    self._contend,
                    "production",
                    self.production.hash,
                    self.production_copy,
                    processes,
                )
                second = pool.submit(
                    self._contend, "candidate", candidate, self.production.path, processes
                )
                return first.result(), second.result()
            except BaseException:
                processes.stop()
                raise

    def _contend(self, label: str, model: str, path: str, processes: Processes) -> Contender:
        holdout = self.promotion.holdout
        days = (self.days.start, self.days.end)
        scores = score_model(
            path, label, days, self.promotion.score, root=self.root, processes=processes
        )
        seen = read_json_key(self.root / path / holdout.seen_until_file, holdout.seen_until_key)
        return Contender(model, seen, scores)


def _alerted(alerts: tuple[Alert, ...]) -> tuple[AlertedSlice, ...]:
    """Return the distinct slices the alerts speak of; an alert on all rows adds none."""
    wheres = dict.fromkeys(alert.slice.where for alert in alerts if alert.slice.where)
    words = {alert.slice.where: " and ".join(summarise(alert).where) for alert in alerts}
    return tuple(AlertedSlice(description=words[where], where=where) for where in wheres)
