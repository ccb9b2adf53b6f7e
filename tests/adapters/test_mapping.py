"""A mapping file reads any JSON: pointers, constants, words, filters.

The mappings of Datadog, Arize and Fiddler are examples: what those services send is not published
or everyone's own to write.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.adapters.base.assemble import assemble
from retouch.adapters.base.context import parse_context
from retouch.adapters.base.mapping import mapping_adapter, parse_mapping, steps
from retouch.adapters.base.native import read_native
from retouch.errors import InputError
from tests.adapters.support import (
    CONTEXT,
    NOW,
    ODDITIES,
    damaged,
    golden_text,
    sample,
    text_of,
)

EXAMPLES = ("datadog", "arize", "fiddler", "home_made")
MAPPINGS = Path(__file__).parent / "mappings"
PLAIN = {
    "version": 1,
    "tool": "plain",
    "alert": {"kind": "data_drift"},
    "findings": {"metric": "/metric", "verdict": "breach", "value": "/value"},
}


def example(name):
    return yaml.safe_load((MAPPINGS / f"{name}.yaml").read_text(encoding="utf-8"))


def read(mapping, output, context=CONTEXT, *, include_resolved=True):
    """Return the alerts that a mapping makes of an output."""
    raw = json.dumps(output).encode()
    said = parse_context(dict(context), "context.yaml")
    adapter = mapping_adapter(parse_mapping(mapping, "mapping.yaml"))
    results = adapter(read_native(raw, "out.json"), said)
    return assemble(
        results, said, native=raw, source="out.json", now=NOW, include_resolved=include_resolved
    )


def changed(alert=None, findings=None, **fields):
    """Return the plain mapping with changes."""
    mapping = copy.deepcopy(PLAIN) | fields
    mapping["alert"] |= alert or {}
    mapping["findings"] |= findings or {}
    return mapping


def only(mapping, output, context=CONTEXT):
    (alert,) = read(mapping, output, context)
    return alert


def refused(mapping):
    with pytest.raises(InputError) as error:
        parse_mapping(mapping, "mapping.yaml")
    return error.value.message


def golden_texts():
    """Return what the examples' golden files must hold."""
    return {
        f"mapping_{name}": text_of(read(example(name), sample(f"mapping_{name}")))
        for name in EXAMPLES
    }


def test_the_examples_make_exactly_these_alerts():
    for name, text in golden_texts().items():
        assert text == golden_text(name)


@pytest.mark.parametrize(
    ("transition", "status", "verdict"),
    [
        ("Triggered", "firing", "breach"),
        ("Warn", "firing", "warn"),
        ("Recovered", "resolved", "ok"),
        ("No Data", "no_data", "skipped"),
    ],
)
def test_words_are_translated(transition, status, verdict):
    alert = only(example("datadog"), sample("mapping_datadog") | {"transition": transition})

    assert (alert.status, alert.findings[0].verdict) == (status, verdict)


def test_a_word_without_translation_is_refused():
    with pytest.raises(InputError) as error:
        read(example("datadog"), sample("mapping_datadog") | {"transition": "Trigered"})

    assert error.value.message == (
        "out.json: transition: 'Trigered' is not in `words` of the mapping;"
        " did you mean 'Triggered'?"
    )


def test_a_time_in_milliseconds_may_be_text():
    alert = only(example("datadog"), sample("mapping_datadog"))

    assert alert.emitted_at.isoformat() == "2013-08-01T00:00:00+00:00"


def test_an_end_that_belongs_to_the_window_is_moved_past_it():
    window = only(example("home_made"), sample("mapping_home_made")).slice.current.window

    assert window.end.isoformat() == "2013-08-01T00:00:00-04:00"


def test_a_window_that_ends_before_it_starts_is_refused():
    mapping = changed({"window_start": "/to", "window_end": "/from"})
    output = {"metric": "ks", "from": "2013-07-01T00:00Z", "to": "2013-07-08T00:00Z"}

    with pytest.raises(InputError, match="window_start that is after its window_end"):
        read(mapping, output)


def test_true_false_and_null_are_words_too():
    alert = only(example("home_made"), sample("mapping_home_made"))

    assert [(f.column, f.verdict) for f in alert.findings] == [
        ("dep_delay", "breach"),
        ("carrier", "skipped"),
        ("distance", "ok"),
    ]
    null = changed(findings={"verdict": {"at": "/v", "words": {"null": "ok", "x": "breach"}}})
    assert only(null, {"v": None}).findings[0].verdict == "ok"


def test_a_number_may_lead_some_levels_up():
    drift, _, _ = read(example("fiddler"), sample("mapping_fiddler"))

    assert {finding.metric for finding in drift.findings} == {"jsd"}


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("/a~1b", 1.0),
        ("/m~0n", 2.0),
        ("/list/1", 4.0),
        ("/", 5.0),
        ("#/a~1b", 1.0),
        ("/list/9", None),
        ("/list/x", None),
        ("/a~1b/deeper", None),
        ("/none", None),
    ],
)
def test_pointers_are_those_of_rfc_6901(pointer, found):
    output = {"a/b": 1, "m~n": 2, "list": [3, 4], "": 5, "none": None}

    assert only(changed(findings={"value": pointer}), output).findings[0].value == found


@given(st.lists(st.text(max_size=5), max_size=4))
def test_escaped_keys_come_back(keys):
    pointer = "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)

    assert steps(pointer) == tuple(keys)


@pytest.mark.parametrize(
    ("when", "read_at_all"),
    [
        ({"/type": "drift"}, True),
        ({"/type": "other"}, False),
        ({"/type": "drift", "/on": True}, True),
        ({"/on": 1}, False),
        ({"/missing": None}, True),
    ],
)
def test_only_what_has_the_values_is_read(when, read_at_all):
    assert bool(read(changed(when=when), {"type": "drift", "on": True})) == read_at_all


def test_findings_may_be_filtered_as_well():
    mapping = changed(findings={"each": "/all", "when": {"/kind": "b"}})
    alert = only(mapping, {"all": [{"kind": "a", "value": 1}, {"kind": "b", "value": 2}]})

    assert [finding.value for finding in alert.findings] == [2]


@pytest.mark.parametrize("each", [None, "", "#"])
def test_a_list_is_a_list_of_alerts(each):
    mapping = changed(**({} if each is None else {"each": each}))

    assert len(read(mapping, [{"value": 1}, {"value": 2}])) == 2


def test_conditions_on_rows_become_predicates():
    alert = only(
        changed({"where": {"carrier": "/tags/carrier", "late": True}}), {"tags": {"carrier": "OO"}}
    )

    assert [(p.column, p.op, p.value) for p in alert.slice.where] == [
        ("carrier", "eq", "OO"),
        ("late", "eq", True),
    ]


def test_the_kinds_of_the_context_are_asked_with_the_outputs_name():
    mapping = changed({"native_kind": "/rule"})

    assert only(mapping, {"rule": "r"}, CONTEXT | {"kinds": {"r": "volume"}}).kind == "volume"


def test_no_kind_anywhere_is_asked_for():
    mapping = changed()
    del mapping["alert"]["kind"]

    with pytest.raises(InputError, match="set `kind:` in the context"):
        read(mapping, {})
    assert only(mapping, {}, CONTEXT | {"kind": "volume"}).kind == "volume"


def test_what_a_template_leaves_empty_is_not_there():
    said = {"alert": {"model": "/m", "rows": "/r", "emitted_at": "/t"}}
    alert = only(changed(said["alert"]), {"m": "", "r": "", "t": "", "value": ""})

    assert (alert.model, alert.slice.current.rows, alert.findings[0].value) == (
        "block-time",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("mapping", "output", "message"),
    [
        (changed(findings={"verdict": "/v"}), {}, "has no verdict at '/v'"),
        (changed(findings={"verdict": "/v"}), {"v": "bad"}, "v: 'bad' is not a value"),
        (changed(findings={"verdict": "/v"}), {"v": True}, "v: must be text, not True"),
        (changed(), {"value": "12 %"}, "value: must be a number, not '12 %'"),
        (changed({"rows": "/r"}), {"r": -1}, "r: must be a whole number from 0 on, not -1"),
        (changed({"rows": "/r"}), {"r": 1.5}, "r: must be a whole number from 0 on, not 1.5"),
        (changed({"model": "/m"}), {"m": {}}, "m: must be text, not {}"),
        (changed({"where": {"a": "/m"}}), {"m": []}, "m: must be a text, number or boolean"),
        (changed(each="/alerts"), {}, "has no list at '/alerts'"),
        (changed(each="/alerts"), {"alerts": {}}, "alerts: must be a list, not {}"),
        (changed({"started_at": "/t"}), {"t": "noon"}, "t: 'noon' is not a time"),
    ],
)
def test_output_that_does_not_fit_is_refused(mapping, output, message):
    with pytest.raises(InputError) as error:
        read(mapping, output)

    assert message in error.value.message


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ([], "mapping.yaml: must be a mapping of keys to values."),
        (changed(version=2), "version: 2 is unknown; it must be 1"),
        (changed({"kind": "drift"}), "alert.kind: 'drift' is unknown"),
        (changed({"severity": {"at": "/s", "words": {"P1": "high"}}}), "alert.severity: 'high'"),
        (changed({"status": {"at": "/s", "is": "firing"}}), "alert.status: give either `at`"),
        (changed({"model": {"is": "m", "words": {"a": "b"}}}), "alert.model: `words` translate"),
        (changed({"model": {"at": "model"}}), "alert.model.at: 'model' is not a JSON pointer"),
        (changed({"model": {"at": "/a~2"}}), "alert.model.at: '/a~2' is not a JSON pointer"),
        (changed({"modell": "/m"}), "alert.modell: unknown key; did you mean 'model'?"),
        (changed(each="alerts"), "each: 'alerts' is not a JSON pointer"),
        (changed(findings={"verdict": "bad"}), "findings.verdict: 'bad' is unknown"),
        (changed(findings={"breach_when": "above"}), "findings.breach_when: 'above' is unknown"),
        ({"version": 1, "tool": "x", "findings": {"metric": "m"}}, "findings.verdict: missing"),
    ],
)
def test_a_mapping_is_read_strictly(mapping, message):
    assert message in refused(mapping)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(EXAMPLES).flatmap(
        lambda n: st.tuples(st.just(n), damaged(sample(f"mapping_{n}")))
    )
)
def test_damaged_output_makes_alerts_or_one_sentence(drawn):
    name, output = drawn
    try:
        read(example(name), output)
    except InputError as error:
        assert "\n" not in error.message


@settings(max_examples=80, deadline=None)
@given(damaged(*map(example, EXAMPLES)))
def test_a_damaged_mapping_is_read_or_refused_in_one_sentence(mapping):
    try:
        read(mapping, {"list": list(ODDITIES[:6])})
    except InputError as error:
        assert "\n" not in error.message
