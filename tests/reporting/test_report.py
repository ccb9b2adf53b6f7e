"""The report: its first screen decides, all of it fits, and nothing in it acts."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import Phase, given, settings

from retouch.planning.model import Option, SkippedTier, ValueEstimate
from retouch.reporting.case import BaseMoved
from retouch.reporting.incident import render_incident
from retouch.reporting.marker import read_marker
from retouch.reporting.report import first_screen_of, render_report, status_line, verdict_label
from tests.properties import tried
from tests.reporting.cases import CASES, held, ladder, promote, reject, repaired, report_of
from tests.reporting.documents import (
    PLAN_KEY,
    TAIL,
    alert,
    at,
    attempt,
    check,
    forecast,
    good_checks,
    held_plan,
    judgement,
    plan,
    ran,
    refit,
    run,
    stage_plans,
    verdict,
)
from tests.reporting.hostile import flat, hostile, linked_by_github, parse
from tests.reporting.regenerate import GOLDEN, golden_texts
from tests.reporting.verdict_cases import drift, guardrail, intervals, overrides

HEADINGS = {
    "promote": "✅ Retouch `block-time` — ready to merge",
    "repaired": "✅ Retouch `block-time` — ready to merge: input repaired",
    "equivalent": "⚠️ Retouch `block-time` — needs a decision: nothing to promote",
    "not_enough_data": "⚠️ Retouch `block-time` — needs a decision: not enough data",
    "reject": "❌ Retouch `block-time` — do not merge",
    "invalid": "❌ Retouch `block-time` — do not merge: no valid comparison",
    "failed": "❌ Retouch `block-time` — do not merge: a stage failed",
    "held": "⚠️ Retouch `block-time` — needs a decision: held for review",
    "planned": "⏳ Retouch `block-time` — retraining",
    "ladder": "✅ Retouch `block-time` — ready to merge",
    "stale": "🕰️ Retouch `block-time` — stale, being refreshed",
    "escalated": "✅ Retouch `block-time` — ready to merge",
    "halted": "❌ Retouch `block-time` — do not merge: halted by a guardrail",
    "observed": "✅ Retouch `block-time` — ready to merge",
    "harmed": "❌ Retouch `block-time` — do not merge",
    "not_restored": "❌ Retouch `block-time` — do not merge",
    "valued": "✅ Retouch `block-time` — ready to merge",
    "worthless": "⚠️ Retouch `block-time` — needs a decision: held for review",
    "budget": "❌ Retouch `block-time` — do not merge",
    "classification": "✅ Retouch `block-time` — ready to merge",
    "calibrated": "✅ Retouch `block-time` — ready to merge",
    "used_up": "⚠️ Retouch `block-time` — needs a decision: not enough data",
    "shadowed": "✅ Retouch `block-time` — ready to merge",
    "overridden": "✅ Retouch `block-time` — ready to merge, overridden",
}


def normal_spaces(text: str) -> str:
    return text.replace("\u00a0", " ")


def budget_kept(report: str) -> bool:
    head = first_screen_of(report).rstrip("\n")
    return len(first_screen_of(report)) <= 1_500 and head.count("\n") + 1 <= 20


@pytest.mark.parametrize("name", sorted(golden_texts()))
def test_the_golden_file_holds(name):
    assert (GOLDEN / name).read_text(encoding="utf-8") == golden_texts()[name], (
        "if the change is wanted: python -m tests.reporting.regenerate"
    )


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_is_the_first_line_after_the_marker(name):
    assert report_of(name).split("\n")[1] == f"## {HEADINGS[name]}"


@pytest.mark.parametrize("name", CASES)
def test_the_first_screen_keeps_to_its_budget(name):
    assert budget_kept(report_of(name))


def test_the_first_screen_answers_what_a_reviewer_asks():
    head = normal_spaces(first_screen_of(report_of("promote")))
    for answer in (
        "ready to merge",
        "27.31 → 10.87 minutes (−16.44, at worst −12.10)",
        "on 30 days that neither model has seen (2013-06-01 to 2013-07-01, 3,384 rows)",
        "All 8 checks pass",
        "Merging commits the change to `params.yaml` and `dvc.lock`; the merged model goes to"
        " production.",
        "| Alerted: `region = central` | 27.31 | **10.87** | −16.44 ▼ |",
        "| ✅ at worst −12.10 (limit 0) |",
        "≈ unchanged",
        "day_mean_absolute_error of air_time 27.3 > 12",
        "([alert][alert] by `block-time-daily`, critical)",
        "`train-air@central` → `calibrate`",
        "(4 of 17 stages)",
        "because `parts.air-central.train.until` 2013-03-16 → 2013-06-01",
        "13 reused",
        "15.3 s CPU, 14.5 s wall; full pipeline: 1 m 4 s CPU, 38.5 s wall, so 76 % less CPU",
    ):
        assert answer in head


def test_numbers_are_right_aligned_and_the_candidate_is_bold():
    assert "|:--|--:|--:|--:|:--|" in report_of("promote")
    assert "| **Candidate** |" in report_of("promote")


@pytest.mark.parametrize("name", ["reject", "not_enough_data", "invalid", "failed", "equivalent"])
def test_what_was_rolled_back_changes_no_model(name):
    head = first_screen_of(report_of(name))
    assert "All changes were rolled back: merging records this report and changes no model" in head
    assert "goes to production" not in head


def test_a_rejected_candidate_that_was_not_rolled_back_is_reported():
    documents = reject()
    left = run(documents[1].attempts[0].model_copy(update={"kept": True}))
    head = first_screen_of(render_report(documents[0], left, documents[2]))
    assert "merging would commit a model that did not pass" in head
    assert "**Not rolled back**" in head


def test_a_repair_that_was_not_kept_is_no_repair():
    documents = repaired()
    gone = run(documents[1].attempts[0].model_copy(update={"kept": False}))
    assert "needs a decision: nothing to promote" in render_report(documents[0], gone, documents[2])


def test_a_repair_that_makes_a_new_model_does_not_say_it_is_the_old_one():
    documents = repaired()
    message = "The candidate scores all 27,301 rows exactly as the model in production does."
    judged = judgement("quarantine", "equivalent", message, checks=(), days=())
    head = first_screen_of(render_report(documents[0], documents[1], verdict(judged)))
    assert "no prediction on the hold-out changes" in head
    assert "the merged model goes to production" in head
    assert "the model in production is unchanged" in first_screen_of(report_of("repaired"))


def test_a_model_that_becomes_a_canary_first_is_not_announced_for_production():
    plan, run, verdict = promote()
    first = verdict.model_copy(update={"on_merge": "canary"})

    head = first_screen_of(render_report(plan, run, first))

    assert "the merged model is a canary until the following days confirm it" in head
    assert "goes to production" not in head


def test_a_run_without_a_verdict_is_never_a_pass():
    documents = promote()
    head = first_screen_of(render_report(documents[0], documents[1], None))
    assert "⏳" in head
    assert "Nothing to merge yet" in head
    assert verdict_label(documents[0], documents[1], None) == "verdict:running"


def test_a_failed_stage_outweighs_an_earlier_verdict():
    plan_, _, verdict_ = promote()
    failing = attempt(refit(), ran("train-air@central", 1.0, outcome="failed"), kept=False)
    assert "a stage failed" in render_report(plan_, run(failing), verdict_)


def test_the_check_that_failed_is_in_the_sentence_and_in_the_table():
    head = first_screen_of(report_of("reject"))
    assert (
        "where `origin = JFK`: 19.71 → 22.20 minutes (+2.49, at worst +4.70), must be < +1.00"
        in head
    )
    assert "❌ at worst +4.70 (limit +1.00)" in head
    assert "The alerted slice: 27.31 → 10.87 minutes" in head


def test_not_enough_data_says_how_much_there_is_and_what_is_detectable():
    head = first_screen_of(report_of("not_enough_data"))
    assert "84 rows on 6 days" in head
    assert (
        "| 18.10 | **15.00** | −3.10, inconclusive | ⚠️ not enough data: 84 rows, 6 days |" in head
    )
    assert "A change below 7.40 minutes would not be detectable" in head


def test_every_tier_that_was_tried_is_in_the_report():
    text = report_of("ladder")
    assert (
        "**Escalated** — `recalibrate` was rejected: no gain shown where `region = central` "
        "(at worst +1.10); `refit` passed."
    ) in first_screen_of(text)
    assert "| `recalibrate` | 27.31 → 25.90 minutes | 14.42 → 12.31 minutes | ❌ reject |" in text
    assert "| `refit` | 27.31 → 10.87 minutes | 14.42 → 12.31 minutes | ✅ promote |" in text


def test_a_check_close_to_its_limit_is_marked():
    assert "⚠️ at worst +0.88 (close to the limit +1.00)" in first_screen_of(
        render_report(ladder()[0], None, ladder()[2])
    )


def test_what_ran_without_the_alert_is_named():
    assert "**Not caused by the alert** — `features-plane` was already out of date" in report_of(
        "ladder"
    )


def test_stages_that_were_cut_off_or_restored_are_named():
    assert "`assemble`, `evaluate` cut off" in first_screen_of(report_of("repaired"))
    assert "`calibrate` restored from the run cache" in first_screen_of(report_of("ladder"))


def test_a_held_alert_shows_the_monitors_message():
    head = first_screen_of(report_of("held"))
    assert "Nothing was run" in head
    assert "**Monitor message** — p95 latency above 15 ms for 10 minutes" in head


def test_a_plan_that_was_widened_says_so():
    touched = promote()[0].touched.model_copy(update={"notes": ("No stage declares `flights`.",)})
    text = render_report(promote()[0].model_copy(update={"touched": touched}), *promote()[1:])
    assert "**Scope widened** — No stage declares" in first_screen_of(text)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"full_cpu_seconds": 0.0}, "no recorded timing, so the saving is unknown"),
        ({"full_unknown": 3}, "at least 1 m 4 s CPU, 38.5 s wall (3 stages not timed)"),
        ({"full_unknown": 3}, "so at least 76 % less CPU"),
        ({"full_cpu_seconds": 10.0}, "so no saving"),
    ],
)
def test_the_saving_states_what_is_unknown(changed, words):
    tier = refit(forecast=forecast(20.1, 4.6, **changed))
    text = render_report(plan(tier), *promote()[1:])
    assert words in normal_spaces(first_screen_of(text))
    assert "100 %" not in text


def test_a_forecast_of_untimed_stages_is_not_zero():
    tier = refit(forecast=forecast(0.0, 0.0, unknown=4, full_cpu_seconds=0.0))
    text = normal_spaces(render_report(plan(tier), *promote()[1:]))
    assert "Forecast: unknown (4 planned stages without recorded timing)." in text
    assert "0.0 s CPU" not in text


def test_missing_losses_are_a_dash_and_no_percentage():
    missing = check("overall", 1, 1, 0, 0, result="fail").model_copy(
        update=dict.fromkeys(("production", "candidate", "gain", "gain_lower", "gain_upper"))
    )
    text = render_report(
        plan(refit()), run(), verdict(judgement("refit", "reject", "No number.", checks=(missing,)))
    )
    assert "| Overall | – | – | – | ❌ no value |" in text
    assert "**No number.**" in first_screen_of(text)


def test_the_table_has_six_rows_at_most_and_sums_up_the_rest():
    short = (*good_checks()[:2], *(check(f"o = {i}", 9, 9, -0.1, 0.1) for i in range(30)))
    documents = plan(refit()), None, verdict(judgement("refit", "promote", "", checks=short))
    head = first_screen_of(render_report(*documents))
    assert head.count("\n|") <= 8
    assert re.search(r"\| \d+ more slices \(below\) \| – \| – \| – \| ✅ all pass \|", head)


def test_a_failure_never_hides_in_the_summed_up_row():
    failing = tuple(check(f"o = {i}", 9, 12, -3.5, -2.1, result="fail") for i in range(30))
    text = render_report(
        plan(refit()),
        None,
        verdict(judgement("refit", "reject", "", checks=(*good_checks(), *failing))),
    )
    assert re.search(r"more slices \(below\) \| – \| – \| – \| ❌ \d+ fail", first_screen_of(text))
    assert "✅ all pass" not in text


def test_links_are_relative_to_the_folder_of_the_report():
    text = report_of("promote")
    assert "\n[plan]: plan.json\n" in text
    assert "\n[loss-by-day]: loss-by-day.svg\n" in text
    assert f"\n[alert]: ../../alerts/{promote()[0].report_id}.json\n" in text


def test_in_a_pull_request_links_are_whole():
    commit, report_id = "https://github.com/acme/site/blob/0123abc", promote()[0].report_id
    folder = f"{commit}/reports/{report_id}/"
    text = render_report(*promote(), folder=folder)
    assert f"\n[alert]: {commit}/alerts/{report_id}.json\n" in text
    assert f"\n[verdict]: {folder}verdict.json\n" in text
    assert f"\n[slices]: {folder}slices.svg?raw=true\n" in text
    assert budget_kept(text)


def test_only_existing_documents_get_a_link():
    text = report_of("held")
    assert "[run]" not in text
    assert "[verdict]" not in text
    assert ".svg" not in text
    assert "incident" not in text


def test_without_a_figure_there_is_no_picture():
    assert "![" in report_of("promote")
    assert "![" not in render_report(*promote(), figures=())
    only = render_report(*promote(), figures=("slices.svg",))
    assert "![Change by slice, with confidence intervals][slices]" in only
    assert "loss-by-day" not in only


def test_source_time_and_data_are_in_the_provenance():
    text = report_of("promote")
    for known in (PLAN_KEY, "c0ffee00" * 8, "has seen data until 2013-06-01", "0.99 by p-value"):
        assert known in text.partition("<b>Provenance</b>")[2]


def test_the_same_documents_give_the_same_bytes():
    assert render_report(*ladder()) == render_report(*ladder())


def test_an_override_says_who_let_which_check_pass_and_why():
    report = normal_spaces(report_of("overridden"))
    head = first_screen_of(report)
    assert head.count("> [!IMPORTANT]") == 1
    assert (
        "**Overridden** — `alerted slice` did not pass; accepted by @&#8203;ada-l on 2013-07-01:"
        in head
    )
    assert head.count("**Overridden**") == 2
    assert "27.31 → 25.90 minutes" in head
    assert "<b>Overridden</b> — 2 checks that did not pass, with reasons" in report
    assert report.count("agreed with the data team") >= 2
    assert status_line(*CASES["overridden"]()).startswith("ready to merge, overridden, 27.31")


def test_fifty_long_overrides_keep_the_first_screen_to_its_budget_and_are_all_below():
    done, ran_, judged = CASES["overridden"]()
    names = [f"{'some-very-long-name-of-a-check-' * 6}{n:02}" for n in range(50)]
    long_overrides = tuple(o.model_copy(update={"reason": "word " * 99}) for o in overrides(*names))
    last = judged.deciding.model_copy(update={"overridden": long_overrides})
    report = render_report(done, ran_, judged.model_copy(update={"judgements": (last,)}))
    assert budget_kept(report)
    assert "48 more checks overridden" in normal_spaces(first_screen_of(report))
    assert all(f"-{n:02}`" in report for n in range(50))


def test_the_commit_status_carries_the_verdict_in_140_characters():
    assert status_line(*promote()) == (
        "ready to merge, 27.31 → 10.87 minutes, 8/8 checks, 4/17 stages, base a1b2c3d"
    )
    assert status_line(*held()) == "needs a decision: held for review, base a1b2c3d"
    assert all(len(status_line(*case())) <= 140 for case in CASES.values())


def test_only_a_pass_is_labelled_as_one():
    labels = {name: verdict_label(*case()) for name, case in CASES.items()}
    assert {name for name, given in labels.items() if given == "verdict:pass"} == {
        "promote", "repaired", "ladder", "stale", "escalated", "observed", "valued",
        "classification", "calibrated", "shadowed", "overridden",
    }  # fmt: skip


LONG = "origin-of-a-very-long-winded-partition-that-somebody-thought-was-a-good-idea-" * 4


def test_long_names_shorten_the_first_screen_and_never_split_it():
    where = (f"{LONG} = {LONG}", f"b{LONG} = x", f"c{LONG} = y")
    found = tuple(f"metric_{i}_{LONG} of {LONG} 27.3 > 12" for i in range(40))
    long_alert = alert(where=where, findings=found, monitor=LONG, message=LONG * 10)
    tier = refit(
        tier="t" * 200,
        stages=stage_plans("train-air@central", refit().edits[0], TAIL),
        edits=tuple(
            e.model_copy(update={"key": LONG + str(i)}) for i in range(9) for e in refit().edits
        ),
    )
    checks = (*good_checks()[:2], *(check(f"{LONG}{i} = 1", 9, 9.5, -0.98, 0.1) for i in range(20)))
    notes = promote()[0].touched.model_copy(update={"notes": (LONG * 5,)})
    done = attempt(tier, *(ran(LONG + str(i), 1) for i in range(40)))
    for case in (
        (plan(tier, alerts=(long_alert,) * 9, model=LONG, why=LONG * 9, rule=LONG, touched=notes),
         run(done, done, done),
         verdict(judgement(tier.tier, "promote", LONG * 9, checks=checks))),
        (held_plan().model_copy(update={"alerts": (long_alert,), "why": LONG}), None, None),
    ):  # fmt: skip
        assert budget_kept(render_report(*case))
        assert budget_kept(render_report(*case, moved=BaseMoved("f" * 40, (LONG,) * 50)))


def test_five_hundred_stages_and_two_hundred_slices_fit_into_sixty_thousand_characters():
    names = tuple(
        f"regions/eu-north/dvc.yaml:train-air-model@partition-{i:04d}" for i in range(500)
    )
    base = refit().stages[0]
    stages = tuple(
        base.model_copy(update={"stage": n, "decision": "run", "wave": 0,
                                "because": refit().stages[7].because}) for n in names
    )  # fmt: skip
    tier = refit(stages=stages)
    checks = (
        *good_checks(),
        *(check(f"partition = {i:04d}", 9, 9.1, -0.3, 0.1) for i in range(200)),
    )
    whole = (
        plan(tier),
        run(attempt(tier, *(ran(name, 3.1) for name in names))),
        verdict(judgement("refit", "promote", "Better.", checks=checks)),
    )
    text = render_report(*whole)
    assert len(text) <= 60_000
    assert budget_kept(text)
    assert "… truncated: the full numbers are in [plan.json][plan]" in text
    assert "<b>Provenance</b>" not in text
    assert "<b>Attempts</b>" in text
    assert read_marker(text) is not None


def test_a_report_that_fits_loses_nothing():
    for name in CASES:
        assert "truncated" not in report_of(name)


def everywhere(text, halted=False):
    """The same hostile text in every field that comes from outside."""
    edit = refit().edits[0].model_copy(update={"file": text or "x", "key": text, "after": [text]})
    because = (
        refit().stages[7].because[0].model_copy(update={"subject": text, "after": {text: text}})
    )
    stage = refit().stages[7].model_copy(update={"stage": text, "because": (because,)})
    tier = refit(tier=text, message=text, edits=(edit,), stages=(stage, *refit().stages[8:]))
    bad = alert(
        monitor=text, dataset=text, columns=(text,), where=(text, text), window=text,
        confidence=text, findings=(text, text), message=text, hypothesis=text, model_version=text,
    )  # fmt: skip
    checks = (
        *good_checks()[:2],
        check(text, 9, 9.5, -0.98, 0.1, message=text),
        check(text, 9, 9.5, -0.98, 0.1, message=text, family="harm_alarm", q_value=0.2),
        check("restored", 9, 9.5, -0.98, 0.1, message=text, criterion="restored", required=False,
              result="fail"),
    )  # fmt: skip
    failed = ran(text, 1, because=text, log=text)
    touched = promote()[0].touched.model_copy(update={"notes": (text,)})
    worth = ValueEstimate(options=(Option(name=text, gain=1.0),), best=text, message=text)
    skipped = (SkippedTier(tier=text, reason=text),)
    found = tuple(
        guardrail(text, text or "x", mode=mode, measure=text, message=text, result="fail",
                  evidence=({text: text, "rows": 3},))
        for mode in ("observe", "block")
    )  # fmt: skip
    calibration = tuple(of.model_copy(update={"where": text}) for of in intervals())
    days = drift().model_copy(update={"column": text, "where": text})
    done = attempt(tier, failed, ran("evaluate", 1, outcome="restored", because=text,
                                     outputs={text: text}))  # fmt: skip
    words = overrides(text[:200].encode("utf-8", "replace").decode())
    judged = [
        judgement(text, outcome, text, checks=checks, guardrails=found, calibration=calibration,
                  halted_by=text if halted else None,
                  overridden=words if outcome == "promote" else ())
        for outcome in ("reject", "promote")
    ]  # fmt: skip
    return (
        plan(tier, tier, alerts=(bad,), model=text, rule=text, why=text, touched=touched,
             worth=worth, skipped=skipped),
        run(done, done).model_copy(update={"stopped": text}),
        verdict(*judged).model_copy(update={"unit": text, "loss": text, "drift": days}),
    )  # fmt: skip


def structure(report):
    """What Markdown makes of a report: its blocks, its raw HTML, its links and pictures."""
    tokens = flat(parse(report))
    return {
        "blocks": [t.type for t in tokens if t.type.endswith("_open") and t.block],
        "links": sorted(t.attrs["href"] for t in tokens if t.type == "link_open"),
        "pictures": [t.attrs["src"] for t in tokens if t.type == "image"],
        "tags": {
            tag
            for t in tokens
            if t.type in ("html_inline", "html_block")
            for tag in re.findall(r"<!?/?([a-z-]+)", t.content)
        },
        "fences": [t for t in tokens if t.type in ("fence", "code_block")],
    }


def prose(report):
    """What is shown outside code, piece by piece."""
    for token in parse(report):
        kept = [t.content for t in token.children or () if t.type != "html_inline"
                and not t.type.startswith("code")]  # fmt: skip
        yield "".join(kept)


CALM = render_report(*everywhere("calm"))
CALM_INCIDENT = render_incident(*everywhere("calm", halted=True)) or ""
TAGS = {"--", "details", "summary", "b", "sub", "span", "code"}
wild_text = hostile.filter(lambda text: text.strip())
many = settings(tried(25), deadline=timedelta(seconds=10), phases=[Phase.explicit, Phase.generate])


@many
@given(wild_text)
def test_no_text_from_outside_changes_the_shape_of_a_report_or_acts(text):
    wild = render_report(*everywhere(text))
    assert budget_kept(wild)
    marker = read_marker(wild)
    assert marker is not None
    assert marker.verdict == "promote"
    shape = structure(wild)
    assert shape["tags"] <= TAGS
    # The longest texts cost the first screen its notes, and with them the link to the alert.
    missing = Counter(structure(CALM)["links"])
    missing.subtract(shape["links"])
    assert set(missing.values()) <= {0, 1}
    assert [link for link, count in missing.items() if count and "alerts/" not in link] == []
    assert shape["pictures"] == structure(CALM)["pictures"]
    assert shape["fences"] == []
    assert wild.count("-->") == 1
    assert "${{" not in wild
    assert parts_below(wild) == parts_below(CALM)
    assert [linked for text in prose(wild) for linked in linked_by_github(text)] == []


def parts_below(report):
    """How many table rows, parts and headings there are below the first screen."""
    below = report.partition("<details")[2]
    return [len(re.findall(rf"^{mark}", below, re.MULTILINE)) for mark in (r"\|", "<details", "#")]


@many
@given(wild_text)
def test_no_text_from_outside_changes_the_shape_of_an_incident_or_acts(text):
    wild = render_incident(*everywhere(text, halted=True))
    assert wild is not None
    shape, calm = structure(wild), structure(CALM_INCIDENT)
    assert shape["tags"] <= {"sub", "span", "code"}
    assert shape["blocks"] == calm["blocks"]
    assert shape["links"] == calm["links"]
    assert shape["pictures"] == shape["fences"] == []
    assert "${{" not in wild
    assert [linked for text in prose(wild) for linked in linked_by_github(text)] == []


@many
@given(wild_text)
def test_a_halted_run_says_so_whatever_its_guardrail_is_called(text):
    wild = render_report(*everywhere(text, halted=True))
    assert budget_kept(wild)
    assert "do not merge: halted by a guardrail" in wild
    assert "[incident]: incident.md" in wild
    assert [linked for text in prose(wild) for linked in linked_by_github(text)] == []


def test_the_clock_is_no_part_of_a_report():
    assert at(1).strftime("%Y-%m-%d") in report_of("promote")
    assert "now" not in render_report.__kwdefaults__
