"""More ways to end: escalation, guardrails, alarms, the value rule, budgets, classification."""

from __future__ import annotations

from retouch.execution.model import Run
from retouch.gate.model import (
    Calibration,
    Check,
    Drift,
    DriftDay,
    GuardrailResult,
    ModelCalibration,
    Override,
    ReliabilityBin,
    Verdict,
)
from retouch.gate.overrides import apply_overrides as apply
from retouch.gate.shadow_model import Scores, Shadow, ShadowDay, Shift
from retouch.planning.model import Option, Plan, SkippedTier, ValueEstimate
from tests.reporting.documents import (
    HOLDOUT,
    PRODUCTION,
    REFIT_RECEIPTS,
    at,
    attempt,
    check,
    good_checks,
    judgement,
    plan,
    ran,
    recalibrate,
    refit,
    run,
    verdict,
)

Documents = tuple[Plan, Run | None, Verdict | None]
CALIBRATE_RECEIPTS = (ran("calibrate", 5.2), ran("assemble", 2.6), ran("evaluate", 3.1))
IMPROVED = "The error in the alerted slice falls from 27.3 to 10.9 minutes, at least by 12.1."


def replaced(name: str, new: Check) -> tuple[Check, ...]:
    """Every check passes, but for this one."""
    return tuple(new if c.name == name else c for c in good_checks())


def weak_checks() -> tuple[Check, ...]:
    """The alerted slice is not shown to improve."""
    weak = check(
        "alerted slice", 27.31, 25.9, -1.1, 3.9, rows=3_384, criterion="improve", limit=0.0,
        result="fail",
        message="The error falls from 27.3 to 25.9 minutes, at worst it grows by 1.1.",
    )  # fmt: skip
    return replaced("alerted slice", weak)


def guardrail(name: str, kind: str, **changed: object) -> GuardrailResult:
    """A guardrail that holds, unless told otherwise."""
    values: dict[str, object] = {
        "name": name,
        "kind": kind,
        "mode": "block",
        "then": "halt",
        "measure": "p95 of the time to predict 1,000 rows, candidate / production",
        "production": 0.0121,
        "candidate": 0.0133,
        "compared": 1.1,
        "lower": 1.04,
        "upper": 1.17,
        "limit": 1.25,
        "result": "pass",
        "message": "The ratio is 1.10, at least 1.04.",
    }
    return GuardrailResult.model_validate(values | changed)


def guardrails() -> tuple[GuardrailResult, ...]:
    """Three that hold."""
    return (
        guardrail("Predicting stays as fast", "latency"),
        guardrail(
            "The model stays small",
            "size",
            measure="bytes of the model, candidate / production",
            production=3_204_112,
            candidate=3_391_870,
            compared=1.0586,
            lower=None,
            upper=None,
            limit=1.5,
        ),
        guardrail(
            "No carrier pays for the others",
            "fairness",
            measure="growth of the largest gap of mean absolute error by carrier, minutes",
            production=8.4,
            candidate=7.9,
            compared=-0.5,
            lower=-1.9,
            upper=0.8,
            limit=1.5,
        ),
    )


def broken(**changed: object) -> GuardrailResult:
    """Answers get slower, and the measured turns show it."""
    values: dict[str, object] = {
        "production": 0.0121,
        "candidate": 0.0361,
        "compared": 2.98,
        "lower": 2.71,
        "upper": 3.3,
        "result": "fail",
        "message": "p95 of 1,000 rows is 2.98 times production's (at least 2.71);"
        " the limit is 1.25.",
        "evidence": tuple(
            {"turn": turn, "production": 0.0119 + turn / 1e5, "candidate": 0.034 + turn / 1e4}
            for turn in range(12)
        ),
    }
    return guardrail("Predicting stays as fast", "latency", **values | changed)


def escalated() -> Documents:
    """The cheap tier fails its gate and is put back; the next one passes."""
    first, second = recalibrate(), refit()
    return (
        plan(first, second),
        run(attempt(first, *CALIBRATE_RECEIPTS, kept=False), attempt(second, *REFIT_RECEIPTS)),
        verdict(
            judgement("recalibrate", "reject", weak_checks()[1].message, checks=weak_checks()),
            judgement("refit", "promote", IMPROVED, guardrails=guardrails()),
        ).model_copy(update={"drift": drift()}),
    )


def drift() -> Drift:
    """Air times fall between the two windows."""

    def days(month: int, middle: float) -> tuple[DriftDay, ...]:
        medians = [middle + (day * 7) % 5 - 2 for day in range(1, 16)]
        return tuple(
            DriftDay(
                day=f"2013-{month:02d}-{i:02d}",
                rows=110,
                median=x,
                low=x - 21.5,
                high=x + 88.25,
            )
            for i, x in enumerate(medians, 1)
        )

    return Drift(
        column="air_time",
        where="region = central",
        reference=days(4, 225.0),
        current=days(6, 203.0),
    )


def halted() -> Documents:
    """The gate passes, a guardrail breaks: the run ends and everything is put back."""
    first, second = recalibrate(), refit()
    found = (broken(), *guardrails()[1:])
    judged = judgement(
        "recalibrate", "reject", broken().message, guardrails=found, halted_by=broken().name
    )
    made = ran("calibrate", 5.2, outputs={"models/parts": "md5:0badc0de0badc0de.dir"})
    done = run(attempt(first, made, *CALIBRATE_RECEIPTS[1:], kept=False))
    stopped = f"The guardrail {broken().name!r} is broken"
    return (
        plan(first, second),
        done.model_copy(update={"stopped": stopped}),
        verdict(judged),
    )


def overrides(*names: str) -> tuple[Override, ...]:
    """One for each check, by the same person."""
    reason = "The slice is empty until the new feed starts on Monday; agreed with the data team."
    return tuple(Override(check=n, reason=reason, by="ada-l", at=at(1, 7, 30)) for n in names)


def overridden() -> Documents:
    """A check and a guardrail do not hold, and a person let the candidate pass."""
    found = (broken(), *guardrails()[1:])
    refused = judgement(
        "refit", "reject", "The error falls from 27.3 to 25.9 minutes, at worst it grows by 1.1.",
        checks=weak_checks(), guardrails=found, halted_by=broken().name,
    )  # fmt: skip
    passed = apply(refused, overrides("alerted slice", broken().name))
    return plan(refit()), run(attempt(refit(), *REFIT_RECEIPTS)), verdict(passed)


def observed() -> Documents:
    """A guardrail on trial is broken; it blocks nothing."""
    on_trial = broken(mode="observe")
    return (
        plan(refit()),
        run(attempt(refit(), *REFIT_RECEIPTS)),
        verdict(judgement("refit", "promote", IMPROVED, guardrails=(on_trial, *guardrails()[1:]))),
    )


def alarms() -> tuple[Check, ...]:
    """Of twelve carriers one gets worse, and that is shown."""
    harmed = check(
        "carrier = UA", 14.1, 17.2, -4.4, -1.8, rows=2_911, days=30, family="harm_alarm",
        p_value=0.0002, p_adjusted=0.0024, q_value=0.0031, result="fail",
        message="Flights of UA get worse: 14.1 to 17.2 minutes.",
    )  # fmt: skip
    unharmed = (
        check(
            f"carrier = {name}", 13.0, 12.9 - i / 9, -0.4, 0.9, rows=900 + i,
            family="harm_alarm", p_value=0.2 + i / 20, p_adjusted=1.0, q_value=0.4,
        )
        for i, name in enumerate(("9E", "AA", "B6", "DL", "EV", "F9", "FL", "MQ", "US", "VX", "WN"))
    )  # fmt: skip
    return (harmed, *unharmed)


def harmed() -> Documents:
    """The gate's own checks pass, a watched slice is harmed."""
    checks = (*good_checks(), *alarms())
    return (
        plan(refit()),
        run(attempt(refit(), *REFIT_RECEIPTS, kept=False)),
        verdict(judgement("refit", "reject", alarms()[0].message, checks=checks)),
    )


def not_restored() -> Documents:
    """Better, and still far from what it was before the alert."""
    far = check(
        "restored", 27.31, 18.2, 5.9, 12.4, rows=3_384, criterion="restored", limit=14.35,
        reference=10.8, result="fail",
        message="The error falls from 27.3 to 18.2 minutes; 13.0 are needed.",
    )  # fmt: skip
    better = check(
        "alerted slice", 27.31, 18.2, 5.9, 12.4, rows=3_384, criterion="improve", limit=0.0
    )
    checks = (*replaced("alerted slice", better)[:2], far, *good_checks()[2:])
    tier = recalibrate().model_copy(update={"restores": 1.2})
    return (
        plan(tier, refit()),
        run(attempt(tier, *CALIBRATE_RECEIPTS, kept=False)).model_copy(
            update={"stopped": "No more than 1 tier may be tried"}
        ),
        verdict(judgement("recalibrate", "reject", far.message, checks=checks)),
    )


def worth() -> ValueEstimate:
    """Refit is worth most, recalibrate next to nothing."""
    return ValueEstimate(
        options=(
            Option(name="nothing", net_cpu_seconds=0.0, benefit_cpu_seconds=0.0, gain=0.0),
            Option(
                name="recalibrate",
                episodes=6,
                accepted=1,
                gain=0.21,
                chance=0.25,
                benefit_cpu_seconds=41.0,
                cost_cpu_seconds=75.5,
                net_cpu_seconds=-34.5,
            ),
            Option(
                name="refit",
                episodes=8,
                accepted=7,
                gain=4.3,
                chance=0.8,
                benefit_cpu_seconds=2_680.0,
                cost_cpu_seconds=80.1,
                net_cpu_seconds=2_599.9,
            ),
            Option(name="full", cost_cpu_seconds=124.2),
        ),
        best="refit",
        message="Refit is expected to be worth most: 43 m 20 s of CPU time net.",
    )


def valued() -> Documents:
    """The value rule leaves the cheap tier out."""
    reason = "Its expected worth is negative: 41 s against a cost of 1 m 16 s."
    skipped = (SkippedTier(tier="recalibrate", reason=reason),)
    return (
        plan(refit(), worth=worth(), skipped=skipped),
        run(attempt(refit(), *REFIT_RECEIPTS)),
        verdict(judgement("refit", "promote", IMPROVED)),
    )


def worthless() -> Documents:
    """No tier is worth its cost: held for review."""
    reason = "Its expected worth is negative: 41 s against a cost of 1 m 16 s."
    options = (worth().options[0], worth().options[1])
    message = "No tier is expected to be worth its cost: doing nothing is best."
    return (
        plan(
            why="No tier is worth its cost.",
            worth=ValueEstimate(options=options, best="nothing", message=message),
            skipped=(SkippedTier(tier="recalibrate", reason=reason),),
        ),
        None,
        None,
    )


def budget() -> Documents:
    """The second tier would have cost too much."""
    first, second = recalibrate(), refit()
    stopped = (
        "Not tried: refit. Its forecast of 20 s CPU would pass the budget of 30 s for an alert"
    )
    return (
        plan(first, second),
        run(attempt(first, *CALIBRATE_RECEIPTS, kept=False)).model_copy(
            update={"stopped": stopped}
        ),
        verdict(judgement("recalibrate", "reject", weak_checks()[1].message, checks=weak_checks())),
    )


def classification() -> Documents:
    """Probabilities, judged by the area under the curve."""

    def ranked(name: str, before: float, after: float, **changed: object) -> Check:
        gain = before - after
        values = {"limit": -0.01, "detectable": 0.006} | changed
        return check(name, before, after, gain - 0.005, gain + 0.005, **values)

    checks = (
        ranked("overall", 0.1712, 0.1684, rows=27_301),
        ranked("alerted slice", 0.2531, 0.1992, rows=3_384, criterion="improve", limit=0.0),
        ranked("origin = EWR", 0.168, 0.166),
        ranked("origin = JFK", 0.1744, 0.1741),
    )
    bins = tuple(
        ReliabilityBin(
            model=model,
            rows=2_730,
            mean_score=(i + 0.5) / 10,
            mean_label=((i + 0.5) / 10) ** power,
        )
        for model, power in (("production", 1.5), ("candidate", 1.05))
        for i in range(10)
    )
    days = tuple(
        {"day": f"2013-06-{i:02d}", "rows": 112, "production": 0.25 + i / 900,
         "candidate": 0.2 - i / 900} for i in range(1, 31)
    )  # fmt: skip
    message = "1 − AUC on region = central falls from 0.2531 to 0.1992."
    judged = judgement("refit", "promote", message, checks=checks, reliability=bins, days=days)
    return (
        plan(refit()),
        run(attempt(refit(), *REFIT_RECEIPTS)),
        verdict(judged).model_copy(update={"loss": "auc", "unit": ""}),
    )


def intervals() -> tuple[Calibration, ...]:
    """The bias goes, and the intervals hold what they promise."""
    return tuple(
        Calibration(
            where=where,
            rows=rows,
            days=30,
            production=ModelCalibration(
                bias=-bias, coverage=0.83, coverage_lower=0.79, coverage_upper=0.86
            ),
            candidate=ModelCalibration(
                bias=-bias / 8, coverage=0.89, coverage_lower=0.87, coverage_upper=0.91
            ),
        )
        for where, rows, bias in (
            ("all rows", 27_301, 4.1),
            ("region = central", 3_384, 20.2),
            ("origin = EWR", 9_803, 3.3),
        )
    )


def calibrated() -> Documents:
    """A regression whose intervals are judged too."""
    judged = judgement(
        "refit", "promote", IMPROVED, calibration=intervals(), guardrails=guardrails()
    )
    return plan(refit()), run(attempt(refit(), *REFIT_RECEIPTS)), verdict(judged)


def used_up() -> Documents:
    """The hold-out has judged all the candidates it may."""
    message = (
        "This hold-out has judged 10 candidates already, and may judge 10: new days have to come."
    )
    used = HOLDOUT.model_copy(
        update={"candidate_number": 11, "candidates_allowed": 10, "confidence": 0.983}
    )
    return (
        plan(refit()),
        run(attempt(refit(), *REFIT_RECEIPTS, kept=False)),
        verdict(judgement("refit", "not_enough_data", message, holdout=used)),
    )


def shadow() -> Shadow:
    """What both models said of the days since."""
    scores = Scores(mean=160.2, low=60.0, median=141.0, high=330.5)
    moved = Shift(
        where="all rows",
        rows=6_412,
        days=7,
        production=scores,
        candidate=scores.model_copy(update={"mean": 158.4}),
        mean=-1.8,
        lower=-2.4,
        upper=-1.2,
        difference=2.31,
        differing=0.41,
    )
    return Shadow(
        outcome="compared",
        message="On 6,412 rows the candidate differs from production by 2.31 minutes on average.",
        production_model=PRODUCTION,
        candidate_model="md5:91c0d2e3f4a5b6c7d8e9f00112233445",
        start="2013-07-01",
        end="2013-07-08",
        unit="minutes",
        tolerance=1.0,
        confidence=0.975,
        overall=moved,
        largest=41.2,
        days=(
            ShadowDay(
                day="2013-07-01",
                rows=900,
                production=160.0,
                candidate=158.0,
                difference=2.2,
                differing=0.4,
            ),
        ),
        slices=(moved.model_copy(update={"where": "region = central", "mean": -9.2}),),
        min_rows=200,
        compared_at=at(8),
    )


def shadowed() -> Documents:
    """A good report, and what the models said of unlabelled days since."""
    return (
        plan(refit()),
        run(attempt(refit(), *REFIT_RECEIPTS)),
        verdict(judgement("refit", "promote", IMPROVED)),
    )
