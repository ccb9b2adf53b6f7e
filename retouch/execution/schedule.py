"""Which stage may start next: dependencies first, independent ones at the same time. Pure."""

from __future__ import annotations

from collections.abc import Mapping


class Schedule:
    """The stages of one attempt and how far they are.

    waiting --start--> running --finish(ok=True)---> done
                               --finish(ok=False)--> failed; its dependents are skipped
    """

    def __init__(self, waits_for: Mapping[str, frozenset[str]]) -> None:
        """`waits_for`: each stage and the stages that must be done before it starts."""
        self._waits_for = dict(waits_for)
        self._waiting = list(waits_for)
        self._running: set[str] = set()
        self._done: set[str] = set()
        self._failed: dict[str, str] = {}  # stage -> the stage that failed (itself, or upstream)

    @property
    def finished(self) -> bool:
        """Nothing is running and nothing can start any more."""
        return not self._running and not self.ready()

    @property
    def failed(self) -> bool:
        """Some stage failed."""
        return bool(self._failed)

    def ready(self) -> list[str]:
        """Return the stages that could start now, in the given order."""
        return [stage for stage in self._waiting if self._waits_for[stage] <= self._done]

    def start(self, stage: str) -> None:
        """Take a ready stage."""
        self._waiting.remove(stage)
        self._running.add(stage)

    def finish(self, stage: str, *, ok: bool) -> dict[str, str]:
        """Note a running stage's end; return what is skipped now: stage -> what failed upstream."""
        self._running.remove(stage)
        if ok:
            self._done.add(stage)
            return {}
        self._failed[stage] = stage
        skipped: dict[str, str] = {}
        for other in list(self._waiting):  # dependencies come first, so one pass reaches them all
            cause = next((f for f in sorted(self._waits_for[other]) if f in self._failed), None)
            if cause is not None:
                self._failed[other] = self._failed[cause]
                skipped[other] = self._failed[cause]
                self._waiting.remove(other)
        return skipped
