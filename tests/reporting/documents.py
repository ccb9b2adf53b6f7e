"""Hand-made documents: the reference pipeline's block-time model, one alert, every way it can end.

The numbers are like those of the real pipeline, and fictional.
"""

from __future__ import annotations

from datetime import UTC, datetime

from retouch.execution.model import Attempt, Receipt, Run
from retouch.gate.model import Check, DayLoss, HoldoutUsed, Judgement, Verdict
from retouch.planning.model import (
    AlertSummary,
    Because,
    Forecast,
    ParamEdit,
    Plan,
    Reads,
    StagePlan,
    TierPlan,
    Touched,
)

ALERT_ID = "01HZ8V3QK5T7N2M4R6W8Y0A1B2"
PLAN_KEY = "7d0f5c0e9f2b4a7c8d1e6f3a5b9c2d4e6f8091a2b3c4d5e6f708192a3b4c5d6e"
BASE = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"
PRODUCTION = "md5:4be6a0b1c2d3e4f5061728394a5b6c7d"
CANDIDATE = "md5:91c0d2e3f4a5b6c7d8e9f00112233445"
STAGES = (
    "ingest",
    "features-schedule",
    "features-plane",
    "features-history",
    "features-weather@EWR",
    "features-weather@JFK",
    "features-weather@LGA",
    "train-air@central",
    "train-air@north",
    "train-air@south",
    "train-air@west",
    "train-taxi@EWR",
    "train-taxi@JFK",
    "train-taxi@LGA",
    "calibrate",
    "assemble",
    "evaluate",
)
TAIL = ("calibrate", "assemble", "evaluate")


def at(day: int, hour: int = 6, minute: int = 12, second: int = 0) -> datetime:
    """A moment in July 2013."""
    return datetime(2013, 7, day, hour, minute, second, tzinfo=UTC)


def alert(**changed: object) -> AlertSummary:
    """The performance alert on flights to the central region."""
    values: dict[str, object] = {
        "alert_id": ALERT_ID,
        "kind": "performance",
        "family": "performance",
        "severity": "critical",
        "monitor": "block-time-daily",
        "dataset": "flights",
        "columns": ("air_time",),
        "where": ("region = central",),
        "window": "2013-06-16 to 2013-07-01",
        "emitted_at": at(1),
        "confidence": "0.99 by p-value, n = 15",
        "findings": ("day_mean_absolute_error of air_time 27.3 > 12 (p = 9e-06)",),
        "message": "Air time to the central region is off by 27 minutes since mid-June.",
        "hypothesis": "Summer jet stream: flights west are shorter than in the training months.",
        "model_version": "v1.2.0",
    }
    return AlertSummary.model_validate(values | changed)


def quality_alert() -> AlertSummary:
    """The sensor error: one hour of wind at 1048 mph."""
    return alert(
        kind="data_quality",
        family="data quality",
        severity="warning",
        monitor="weather-expectations",
        dataset="weather",
        columns=("wind_speed",),
        where=("origin = EWR",),
        window="2013-02-12 to 2013-02-13",
        confidence="1 as declared by the monitor",
        findings=("max of wind_speed 1048 > 120",),
        message="wind_speed at EWR reads 1048 mph at 03:00.",
        hypothesis=None,
    )


REFIT_EDIT = ParamEdit(
    file="params.yaml", key="parts.air-central.train.until", before="2013-03-16", after="2013-06-01"
)
RECALIBRATE_EDIT = ParamEdit(
    file="params.yaml",
    key="parts.air-central.calibrate.until",
    before="2013-04-01",
    after="2013-06-01",
)
REPAIR_EDIT = ParamEdit(
    file="params.yaml",
    key="quarantine.weather",
    before=[],
    after=[{"origin": "EWR", "from": "2013-02-12", "until": "2013-02-13"}],
)


def stage_plans(edited: str, edit: ParamEdit, below: tuple[str, ...]) -> tuple[StagePlan, ...]:
    """One edited stage, the stages downstream of it, and all the others reused."""
    param = Because(reason="param", subject=edit.key, before=edit.before, after=edit.after)
    plans = []
    for name in STAGES:
        if name == edited:
            plans.append(StagePlan(stage=name, decision="run", because=(param,), wave=0))
        elif name in below:
            above = (edited, *below)[below.index(name)]
            because = Because(reason="upstream", subject=above)
            wave = 1 + below.index(name)
            plans.append(StagePlan(stage=name, decision="may_run", because=(because,), wave=wave))
        else:
            because = Because(reason="unchanged")
            plans.append(StagePlan(stage=name, decision="reuse", because=(because,)))
    return tuple(plans)


def forecast(cpu: float, certain: float, **changed: object) -> Forecast:
    """A forecast against a whole pipeline of 64 CPU seconds."""
    values: dict[str, object] = {
        "cpu_seconds": cpu,
        "wall_seconds": cpu * 0.9,
        "certain_cpu_seconds": certain,
        "full_cpu_seconds": 64.2,
        "full_wall_seconds": 38.5,
        "jobs": 2,
        "unknown": 0,
        "full_unknown": 0,
    }
    return Forecast.model_validate(values | changed)


def refit(**changed: object) -> TierPlan:
    """Refit one part of the model on newer data."""
    tier = TierPlan(
        tier="refit",
        message="Refit the touched part on everything up to the hold-out",
        must="improve",
        edits=(REFIT_EDIT,),
        stages=stage_plans("train-air@central", REFIT_EDIT, TAIL),
        forecast=forecast(20.1, 4.6),
    )
    return tier.model_copy(update=changed)


def recalibrate() -> TierPlan:
    """Only estimate the corrections anew."""
    return TierPlan(
        tier="recalibrate",
        message="Estimate the bias of the touched part anew; its trees stay",
        must="improve",
        edits=(RECALIBRATE_EDIT,),
        stages=stage_plans("calibrate", RECALIBRATE_EDIT, ("assemble", "evaluate")),
        forecast=forecast(15.5, 6.8),
    )


def repair() -> TierPlan:
    """Quarantine the broken hour."""
    below = ("train-air@central", "train-taxi@EWR", *TAIL)
    return TierPlan(
        tier="quarantine",
        message="Leave the broken rows out of everything that reads them",
        must="not_get_worse",
        edits=(REPAIR_EDIT,),
        stages=stage_plans("features-weather@EWR", REPAIR_EDIT, below),
        forecast=forecast(25.9, 1.3),
    )


def plan(*tiers: TierPlan, **changed: object) -> Plan:
    """A plan for the alert with this ladder."""
    values: dict[str, object] = {
        "key": PLAN_KEY,
        "model": "block-time",
        "alerts": (alert(),),
        "action": "retrain" if tiers else "hold",
        "rule": "A part that errs more than its history is refitted",
        "why": "The error is local and persistent; the other parts are sound.",
        "touched": Touched(stages=("train-air@central",)),
        "tiers": tiers,
        "base_commit": BASE,
        "reads": Reads(alerts="1" * 64, policy="2" * 64, pipeline="3" * 64),
        "planned_at": at(1, 6, 13),
    }
    return Plan.model_validate(values | changed)


def held_plan() -> Plan:
    """No rule is sure enough: a person is asked."""
    return plan(
        rule="Slow answers are no reason to retrain",
        why="Look at the serving host first: no retrain makes answers faster.",
        alerts=(
            alert(
                kind="system_health",
                family="system health",
                monitor="alertmanager",
                dataset="serving",
                columns=(),
                where=(),
                findings=("p95_latency 41.2 > 15",),
                message="p95 latency above 15 ms for 10 minutes",
                hypothesis=None,
            ),
        ),
        touched=Touched(stages=()),
    )


def ran(stage: str, cpu: float, **changed: object) -> Receipt:
    """A receipt of a stage that ran."""
    receipt = Receipt(
        stage=stage,
        outcome="ran",
        because="what it declares changed",
        wall_seconds=cpu * 0.95,
        cpu_seconds=cpu,
        peak_memory_bytes=241_000_000,
        output_bytes=3_200_000,
        log=f".retouch/logs/{stage}.log",
        exit_code=0,
    )
    return receipt.model_copy(update=changed)


def not_run(stage: str, outcome: str, because: str) -> Receipt:
    """A receipt of a stage whose command was not run."""
    return Receipt.model_validate({"stage": stage, "outcome": outcome, "because": because})


REFIT_RECEIPTS = (
    ran("train-air@central", 4.4),
    ran("calibrate", 5.2),
    ran("assemble", 2.6),
    ran("evaluate", 3.1),
)


def attempt(tier: TierPlan, *receipts: Receipt, kept: bool = True) -> Attempt:
    """One tier tried."""
    wall = sum(receipt.wall_seconds for receipt in receipts)
    return Attempt(
        tier=tier.tier, edits=tier.edits, receipts=receipts, wall_seconds=wall, kept=kept
    )


def run(*attempts: Attempt) -> Run:
    """A run of these attempts."""
    return Run(
        plan_key=PLAN_KEY,
        alert_ids=(ALERT_ID,),
        runner="fast",
        jobs=2,
        base_commit=BASE,
        started_at=at(1, 6, 14),
        finished_at=at(1, 6, 14, 31),
        attempts=attempts,
    )


def check(
    name: str, production: float, candidate: float, lower: float, upper: float, **changed: object
) -> Check:
    """A check that passed, unless told otherwise."""
    values: dict[str, object] = {
        "name": name,
        "criterion": "not_worse",
        "rows": 4_180,
        "days": 30,
        "production": production,
        "candidate": candidate,
        "gain": production - candidate,
        "gain_lower": lower,
        "gain_upper": upper,
        "limit": -1.0,
        "detectable": 0.9,
        "result": "pass",
        "message": f"{name}: {production} to {candidate} minutes.",
    }
    return Check.model_validate(values | changed)


def good_checks() -> tuple[Check, ...]:
    """Everything passes."""
    return (
        check("overall", 14.42, 12.31, 1.62, 2.60, rows=27_301, limit=-0.3, detectable=0.42),
        check(
            "alerted slice", 27.31, 10.87, 12.1, 20.8, rows=3_384, criterion="improve", limit=0.0
        ),
        check("origin = EWR", 14.02, 12.44, 0.9, 2.2, rows=9_803),
        check("origin = JFK", 15.31, 12.9, 1.4, 3.4, rows=8_954),
        check("origin = LGA", 13.77, 11.52, 1.3, 3.2, rows=8_544),
        check("region = north", 11.02, 11.05, -0.21, 0.14, rows=13_020),
        check("region = south", 11.68, 11.64, -0.12, 0.2, rows=7_711),
        check("region = west", 14.9, 14.86, -0.3, 0.41, rows=3_186),
    )


HOLDOUT = HoldoutUsed(
    start="2013-06-01",
    end="2013-07-01",
    rows=27_301,
    days=30,
    digest="c0ffee00" * 8,
    production_seen_until="2013-03-16",
    candidate_seen_until="2013-06-01",
)
DAYS = tuple(
    DayLoss(
        day=f"2013-06-{day:02d}",
        rows=100 + day % 7,
        production=round(18 + day * 0.62 + 4.1 * ((day * 7) % 5 - 2), 2),
        candidate=round(10.9 + 1.7 * ((day * 3) % 7 - 3) / 2, 2),
    )
    for day in range(1, 31)
)


def judgement(tier: str, outcome: str, message: str, **changed: object) -> Judgement:
    """What the gate said of one tier."""
    values: dict[str, object] = {
        "tier": tier,
        "outcome": outcome,
        "message": message,
        "checks": good_checks(),
        "holdout": HOLDOUT,
        "days": DAYS,
        "production_model": PRODUCTION,
        "candidate_model": CANDIDATE,
    }
    return Judgement.model_validate(values | changed)


def verdict(*judgements: Judgement) -> Verdict:
    """The verdict these judgements come to."""
    return Verdict(
        plan_key=PLAN_KEY,
        alert_ids=(ALERT_ID,),
        outcome=judgements[-1].outcome,
        message=judgements[-1].message,
        loss="absolute_error",
        unit="minutes",
        judgements=judgements,
        judged_at=at(1, 6, 15),
    )
