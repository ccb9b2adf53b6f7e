"""All past alerts decided again under one policy: what would have been planned, and when.

Time is that of the alerts. A group acts at the moment it would have been due; from then its
incidents count as answered, and a retrain counts as kept, so the stages it touches rest. The
answers that were really given play no part.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from retouch.alerts.fingerprint import group_key
from retouch.alerts.model import Alert, Window
from retouch.alerts.receipt import AlertState, State
from retouch.policy.decide import decide
from retouch.policy.model import Decision, Policy
from retouch.policy.silences import Silence
from retouch.suppression.cost_bound import CostOf
from retouch.suppression.history import History
from retouch.suppression.incidents import Incident, Record, Signal
from retouch.suppression.inhibition import Bucket
from retouch.suppression.reasons import Reasons
from retouch.suppression.records import Answered, ReceivedAlert, Touches, in_order
from retouch.suppression.replay_diff import Disposition, Replay, ReplayedPlan, ReplayEntry
from retouch.suppression.state import GroupName, due_times, group_of, group_order

UNTRUSTED = "Have a person review these alerts: none of them is trusted."
"""The request to a person when a group of untrusted alerts is due."""

_FINAL_STATES: frozenset[State] = frozenset(
    {"no_data", "resolved", "duplicate", "answered", "expired"}
)
"""States that do not change any more."""
Cause = (
    tuple[Literal["flapping"], Signal]
    | tuple[Literal["pending"], Incident]
    | tuple[Literal["inhibited"], Bucket]
)
"""What holds alerts back until it changes: a flapping or inhibiting signal, a pending incident."""
_WEAK_STATES: frozenset[State] = frozenset({"pending", "resolved", "expired"})
"""States that are reported only for an alert that nothing else ever held back."""


def replay(
    received: Sequence[ReceivedAlert],
    policy: Policy,
    silences: Sequence[Silence],
    touches: Touches,
    cost: CostOf,
    now: datetime,
    since: datetime | None = None,
) -> Replay:
    """Decide all alerts again, in one pass, up to `now`.

    History begins with the first alert, so that incidents are known; the result holds the alerts
    received, and the plans made, at `since` or later. Untrusted groups are held,
    whatever the policy says.
    """
    run = _Run(policy, silences, touches, cost)
    for one in in_order(received):
        if one.received_at > now:
            break
        run.wake(before=one.received_at)
        run.take(one)
    run.wake(up_to=now)
    return Replay(
        plans=tuple(plan for plan in run.plans if since is None or plan.at >= since),
        alerts=tuple(one for one in run.entries(now) if since is None or one.received_at >= since),
    )


class _Run:
    """The state of a replay.

    To look at every alert at every moment would be quadratic. So an alert is looked at when it
    comes, when its group is due, and when what holds it back ends or may have ended.
    """

    def __init__(
        self, policy: Policy, silences: Sequence[Silence], touches: Touches, cost: CostOf
    ) -> None:
        self._policy = policy
        self._cost = cost
        self._history = History(policy.suppression, touches)
        self._reasons = Reasons(self._history, silences, production=None)
        self._free: dict[GroupName, dict[str, Record]] = {}
        """Alerts that nothing held back when they were last looked at."""
        self._held: dict[Cause, dict[str, Record]] = {}
        """Alerts that are held back until something happens."""
        self._timers: list[tuple[datetime, str]] = []
        """When to look again, and at which alert."""
        self._set: set[tuple[datetime, str]] = set()
        self._standing: dict[str, AlertState] = {}
        self._planned: dict[str, ReplayedPlan] = {}
        self.plans: list[ReplayedPlan] = []

    def take(self, one: ReceivedAlert) -> None:
        """Take in an alert, and look at those whose state it may change."""
        lost = self._history.inhibitor.lost
        record = self._history.take(one)
        now = one.received_at
        self._look(record, now)
        for part in record.parts:
            if not part.signal.flaps.flapping:
                self._look_again(("flapping", part.signal), now)
            if part.closes or self._history.inhibitor.lost > lost:
                self._look_at_inhibited(one.alert, now)
            if part.incident is not None and part.incident.opened_at == now:
                self._look_again(("pending", part.incident), now)
                self._look_at_chains(now)

    def wake(self, *, before: datetime | None = None, up_to: datetime | None = None) -> None:
        """Look again at every alert whose time has come, and plan the groups that are due."""
        while self._timers:
            moment = self._timers[0][0]
            if (before and moment >= before) or (up_to and moment > up_to):
                return
            due: set[str] = set()
            while self._timers and self._timers[0][0] == moment:
                timer = heapq.heappop(self._timers)
                self._set.discard(timer)
                due.add(timer[1])
            records = [self._history.ledger.records[alert_id] for alert_id in sorted(due)]
            free = {group_of(one) for one in records if not self._look(one, moment)}
            for group in sorted(free, key=group_order):
                self._plan_if_due(group, moment)

    def entries(self, now: datetime) -> list[ReplayEntry]:
        """Return the disposition of every alert."""
        records = self._history.ledger.records
        for alert_id, record in records.items():
            if alert_id not in self._planned:
                self._look(record, now)
        return [
            ReplayEntry(
                alert_id=alert_id,
                key=group_key(record.received.alert),
                kind=record.received.alert.kind,
                received_at=record.received.received_at,
                disposition=self._disposition(alert_id),
            )
            for alert_id, record in records.items()
        ]

    def _look(self, record: Record, now: datetime) -> tuple[AlertState, ...]:
        """Return what holds an alert back, remember it, and see to it that its end is noticed."""
        why = self._reasons.of(record, now)
        alert_id = record.received.alert.alert_id
        free = self._free.setdefault(group_of(record), {})
        if not why:
            free[alert_id] = record
            self._standing.pop(alert_id, None)
            due = self._reasons.ready_at(record, now) + self._policy.suppression.group_wait
            self._set_timer(max(due, now), alert_id)
            return why
        free.pop(alert_id, None)
        known = self._standing.get(alert_id)
        if not known or known.state in _WEAK_STATES or why[0].state not in _WEAK_STATES:
            self._standing[alert_id] = why[0]
        if why[0].until is not None and why[0].state not in _FINAL_STATES:
            self._set_timer(why[0].until, alert_id)
        for cause in self._causes(why[0], record):
            self._held.setdefault(cause, {})[alert_id] = record
        return why

    def _plan_if_due(self, group: GroupName, now: datetime) -> None:
        acting = [one for one in list(self._free[group].values()) if not self._look(one, now)]
        due = due_times(acting, self._reasons, self._policy.suppression, now).get(group)
        if due is None or due > now:
            return
        self._answer([record.received.alert for record in acting], group, now)
        for record in acting:
            self._look_at_inhibited(record.received.alert, now)
        self._free[group].clear()

    def _answer(self, alerts: list[Alert], group: GroupName, now: datetime) -> None:
        plan = self._plan(sorted(alerts, key=lambda alert: alert.alert_id), group, now)
        self.plans.append(plan)
        self._planned |= dict.fromkeys(plan.alert_ids, plan)
        retrains = plan.action == "retrain"
        self._history.answer(
            Answered(
                report_id=plan.report_id,
                alert_ids=plan.alert_ids,
                at=now,
                action=plan.action,
                kept=retrains,
                stages=plan.stages if retrains else (),
                window=_hull(alerts),
            )
        )

    def _plan(self, alerts: Sequence[Alert], group: GroupName, now: datetime) -> ReplayedPlan:
        key, trusted = group
        decision = decide(alerts, self._policy) if trusted else _for_a_person(alerts)
        cost = self._cost(decision, alerts) if decision.action == "retrain" else None
        touched: frozenset[str] = frozenset().union(*map(self._history.touches, alerts))
        return ReplayedPlan(
            report_id=alerts[0].alert_id,
            key=key,
            at=now,
            alert_ids=decision.alert_ids,
            action=decision.action,
            rule=decision.rule,
            message=decision.hold or decision.why,
            ladder=decision.ladder,
            stages=tuple(sorted(touched)),
            cpu_seconds=None if cost is None else cost.cpu_seconds,
        )

    def _disposition(self, alert_id: str) -> Disposition:
        plan = self._planned.get(alert_id)
        if plan is not None:
            return Disposition(
                fate=plan.action,
                state="acts",
                rule=plan.rule,
                tier=plan.ladder[0] if plan.ladder else None,
                message=plan.message,
                report_id=plan.report_id,
            )
        standing = self._standing.get(alert_id)
        if standing is None:
            message = "Its group was not due yet."
            return Disposition(fate="waiting", state="waiting", rule="group_wait", message=message)
        return Disposition(
            fate="suppressed", state=standing.state, rule=standing.rule, message=standing.message
        )

    def _causes(self, why: AlertState, record: Record) -> Iterator[Cause]:
        """Yield what must happen before an alert is free: something opens, ends or calms down."""
        match why.state:
            case "inhibited":
                names = [rule.name for rule in self._policy.suppression.inhibit]
                buckets = self._history.inhibitor.buckets_of(record.received.alert)
                yield "inhibited", buckets[names.index(str(why.rule))]
            case "flapping" | "pending":
                for part in record.parts:
                    yield "flapping", part.signal
                    if part.incident is not None:
                        yield "pending", part.incident

    def _look_again(self, cause: Cause, now: datetime) -> None:
        for record in self._held.pop(cause, {}).values():
            self._look(record, now)

    def _look_at_inhibited(self, source: Alert, now: datetime) -> None:
        """Look at what an alert inhibited, unless something else still inhibits it."""
        for bucket in self._history.inhibitor.buckets_of(source):
            if self._history.inhibitor.source(bucket, now) is None:
                self._look_again(("inhibited", bucket), now)

    def _look_at_chains(self, now: datetime) -> None:
        """With several rules, a signal that begins to inhibit may stop another from inhibiting."""
        if len(self._policy.suppression.inhibit) > 1:
            for cause in list(self._held):
                if cause[0] == "inhibited" and not self._history.inhibitor.source(cause[1], now):
                    self._look_again(cause, now)

    def _set_timer(self, moment: datetime, alert_id: str) -> None:
        if (moment, alert_id) not in self._set:
            self._set.add((moment, alert_id))
            heapq.heappush(self._timers, (moment, alert_id))


def _for_a_person(alerts: Sequence[Alert]) -> Decision:
    return Decision(
        alert_ids=tuple(alert.alert_id for alert in alerts),
        action="hold",
        rule=None,
        why="Only alerts of registered monitors may cause a retraining.",
        hold=UNTRUSTED,
    )


def _hull(alerts: Sequence[Alert]) -> Window | None:
    """Return the window from the first start to the last end, if any alert has one."""
    windows = [w for w in (alert.slice.current.window for alert in alerts) if w is not None]
    if not windows:
        return None
    return Window(start=min(w.start for w in windows), end=max(w.end for w in windows))
