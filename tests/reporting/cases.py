"""One case for each way an alert can end: what the golden files are made of."""

from __future__ import annotations

from collections.abc import Callable

from retouch.execution.model import Run
from retouch.gate.model import Verdict
from retouch.planning.model import Because, Plan, StagePlan, Touched
from retouch.reporting.case import BaseMoved
from retouch.reporting.report import render_report
from tests.reporting import verdict_cases as more
from tests.reporting.documents import (
    PRODUCTION,
    REFIT_RECEIPTS,
    TAIL,
    attempt,
    check,
    good_checks,
    held_plan,
    judgement,
    not_run,
    plan,
    quality_alert,
    ran,
    recalibrate,
    refit,
    repair,
    run,
    verdict,
)

Documents = tuple[Plan, Run | None, Verdict | None]
IMPROVED = "The error in the alerted slice falls from 27.3 to 10.9 minutes, at least by 12.1."


def promote() -> Documents:
    """A refit that answers the alert."""
    tier = refit()
    return (
        plan(tier),
        run(attempt(tier, *REFIT_RECEIPTS)),
        verdict(judgement("refit", "promote", IMPROVED)),
    )


def reject() -> Documents:
    """The slice improves, another one pays for it."""
    tier = refit()
    checks = tuple(
        check("origin = JFK", 19.71, 22.2, -4.7, -0.4, rows=8_954, result="fail")
        if c.name == "origin = JFK"
        else c
        for c in good_checks()
    )
    message = "Flights from JFK get worse: 19.7 to 22.2 minutes."
    return (
        plan(tier),
        run(attempt(tier, *REFIT_RECEIPTS, kept=False)),
        verdict(judgement("refit", "reject", message, checks=checks)),
    )


def not_enough_data() -> Documents:
    """Too few days of the slice."""
    tier = refit()
    short = check(
        "alerted slice",
        18.1,
        15.0,
        -2.2,
        8.4,
        rows=84,
        days=6,
        criterion="improve",
        limit=0.0,
        detectable=7.4,
        result="not_enough_data",
    )
    checks = tuple(short if c.name == "alerted slice" else c for c in good_checks())
    message = "84 rows on 6 days are too few to tell."
    return (
        plan(tier),
        run(attempt(tier, *REFIT_RECEIPTS, kept=False)),
        verdict(judgement("refit", "not_enough_data", message, checks=checks, days=())),
    )


def equivalent() -> Documents:
    """The refit gives the very model that is in production."""
    tier = refit()
    receipts = (
        ran("train-air@central", 4.4),
        *(not_run(name, "cut_off", "what it reads came out identical") for name in TAIL),
    )
    message = "The candidate is the model in production, byte for byte: nothing to promote."
    return (
        plan(tier),
        run(attempt(tier, *receipts, kept=False)),
        verdict(
            judgement(
                "refit",
                "equivalent",
                message,
                checks=(),
                days=(),
                holdout=None,
                candidate_model=PRODUCTION,
            )
        ),
    )


def repaired() -> Documents:
    """Broken rows are quarantined; what is made of them comes out identical and is cut off."""
    tier = repair()
    receipts = (
        ran("features-weather@EWR", 1.3),
        *(
            not_run(name, "cut_off", "what it reads came out identical")
            for name in tier.named("may_run")
        ),
    )
    message = "The candidate is the model in production, byte for byte: nothing to promote."
    return (
        plan(
            tier,
            alerts=(quality_alert(),),
            rule="Broken input is put right, never learned from",
            why="A sensor error is no news about the world.",
            touched=Touched(stages=("features-weather@EWR",)),
        ),
        run(attempt(tier, *receipts)),
        verdict(
            judgement(
                "quarantine",
                "equivalent",
                message,
                checks=(),
                days=(),
                holdout=None,
                candidate_model=PRODUCTION,
            )
        ),
    )


def invalid() -> Documents:
    """The candidate has seen the days it is judged on."""
    tier = refit()
    message = "The candidate has seen data until 2013-07-01, and the hold-out begins on 2013-06-01."
    return (
        plan(tier),
        run(attempt(tier, *REFIT_RECEIPTS, kept=False)),
        verdict(judgement("refit", "invalid", message, checks=(), days=(), holdout=None)),
    )


def held() -> Documents:
    """Nothing to run: a person is asked."""
    return held_plan(), None, None


def planned() -> Documents:
    """Not run yet."""
    return plan(recalibrate(), refit()), None, None


def ladder() -> Documents:
    """The first tier fails its gate, the second passes; one check comes close to its limit."""
    first, second = recalibrate(), refit()
    weak = tuple(
        check(
            "alerted slice",
            27.31,
            25.9,
            -1.1,
            3.9,
            rows=3_384,
            criterion="improve",
            limit=0.0,
            result="fail",
        )
        if c.name == "alerted slice"
        else c
        for c in good_checks()
    )
    close = tuple(
        check("region = west", 14.9, 15.31, -0.88, 0.1, rows=3_186)
        if c.name == "region = west"
        else c
        for c in good_checks()
    )
    receipts = (
        ran("train-air@central", 4.4),
        not_run("calibrate", "restored", "the run cache has this very run"),
        ran("assemble", 2.6),
        ran("evaluate", 3.1),
    )
    below = [s for s in second.stages if s.stage != "features-plane"]
    stale = StagePlan(
        stage="features-plane",
        decision="run",
        because=(
            Because(
                reason="file",
                subject="data/planes.csv",
                before="3fa1c2b9",
                after="9c07d1e4",
                by_alert=False,
            ),
        ),
        wave=0,
    )
    second = refit(stages=(*below[:2], stale, *below[2:]))
    return (
        plan(first, second, touched=Touched(stages=("train-air@central",))),
        run(
            attempt(
                first,
                ran("calibrate", 5.2),
                ran("assemble", 2.6),
                ran("evaluate", 3.1),
                kept=False,
            ),
            attempt(second, ran("features-plane", 1.5), *receipts),
        ),
        verdict(
            judgement("recalibrate", "reject", "Not shown to improve.", checks=weak),
            judgement("refit", "promote", IMPROVED, checks=close),
        ),
    )


def failed() -> Documents:
    """A stage stops with an error."""
    tier = refit()
    receipts = (
        ran(
            "train-air@central",
            3.2,
            outcome="failed",
            exit_code=1,
            because="no rows are left after `until`",
        ),
        *(not_run(name, "skipped", "train-air@central failed") for name in TAIL),
    )
    return plan(tier), run(attempt(tier, *receipts, kept=False)), None


def stale() -> Documents:
    """A good report whose base has moved."""
    return promote()


CASES: dict[str, Callable[[], Documents]] = {
    case.__name__: case
    for case in (
        promote, reject, not_enough_data, equivalent, repaired, invalid, held, planned, ladder,
        failed, stale, more.escalated, more.halted, more.observed, more.harmed, more.not_restored,
        more.valued, more.worthless, more.budget, more.classification, more.calibrated,
        more.used_up, more.shadowed, more.overridden,
    )
}  # fmt: skip


def report_of(name: str) -> str:
    """Render one case as the golden files hold it."""
    moved = (
        BaseMoved("b7e9911" + "0" * 33, ("train-air@central", *TAIL)) if name == "stale" else None
    )
    shadow = more.shadow() if name == "shadowed" else None
    return render_report(*CASES[name](), moved=moved, shadow=shadow)
