"""Edits of params files: one line each, and every other character as it was."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from retouch.dvc.params import apply_edits, load_params, read_json_key
from retouch.errors import InputError
from retouch.policy.edits import ParamEdit, edited_text
from tests.pipeline.strategies import FEW

TEXT = """\
---
# Days are quoted and half-open.
data:
    until: '2013-08-01'      # the clock

parts:
    eu: {until: '2013-01-21',  depth: 3}   # a comment
    us:
        until:    "2013-01-21"
        depth: 3
        rate: 1e-3
        exclude: []          # nothing yet
        seen:
        - {from: "2013-01-01", until: "2013-01-02"}  # the first
        # the next key
        note: >-
            folded
            text
        old: ~
        more:
          - from: 2013
            until: 2014   # said twice

          # the end
z: [1,2, 3]
"""


def edit(key, before, after, file="params.yaml"):
    return ParamEdit(file=file, key=key, before=before, after=after)


def edited(text, *edits, file="params.yaml"):
    return edited_text(text, [edit(*each, file=file) for each in edits], file)


FOLDED = "            folded\n            text"
SEEN = [{"from": "2013-01-01", "until": "2013-01-02"}]
WINDOW = {"from": "2013-06-16", "until": "2013-07-01"}


@pytest.mark.parametrize(
    ("key", "before", "after", "line", "instead"),
    [
        ("data.until", "2013-08-01", "2013-09-01", "'2013-08-01'", "'2013-09-01'"),
        ("parts.eu.until", "2013-01-21", "x", "{until: '2013-01-21'", "{until: 'x'"),
        ("parts.eu.depth", 3, 4, "depth: 3}", "depth: 4}"),
        ("parts.us.until", "2013-01-21", "2013-02-01", '   "2013-01-21"', '   "2013-02-01"'),
        ("parts.us.rate", 1e-3, 0.5, "1e-3", "0.5"),
        ("parts.us.rate", 1e-3, 1e-5, "1e-3", "1.0e-05"),
        ("parts.us.exclude", [], [WINDOW], "[]", "[{from: '2013-06-16', until: '2013-07-01'}]"),
        (
            "parts.us.seen",
            SEEN,
            [*SEEN, WINDOW],
            "# the first\n",
            '# the first\n        - {from: "2013-06-16", until: "2013-07-01"}\n',
        ),
        (
            "parts.us.more",
            [{"from": 2013, "until": 2014}],
            [{"from": 2013, "until": 2014}, {"from": 2015, "until": "x"}],
            "# said twice\n",
            "# said twice\n          - from: 2015\n            until: x\n",
        ),
        ("parts.us.old", None, "2013-02-01", "~", "'2013-02-01'"),
        ("parts.us.old", None, True, "~", "true"),
        ("parts.us.note", "folded text", "it's", f">-\n{FOLDED}", "'it''s'"),
        ("z", [1, 2, 3], [1, 2, 3, 4], "[1,2, 3]", "[1,2, 3, 4]"),
        ("z", [1, 2, 3], [1], "[1,2, 3]", "[1]"),
        ("z", [1, 2, 3], [3, 2], "[1,2, 3]", "[3, 2]"),
        ("z", [1, 2, 3], {"a": [True]}, "[1,2, 3]", "{a: [true]}"),
    ],
)  # fmt: skip
def test_only_the_value_changes(key, before, after, line, instead):
    assert TEXT.count(line) == 1

    assert edited(TEXT, (key, before, after)) == TEXT.replace(line, instead)


def test_several_edits_of_one_file_are_made_at_once():
    new = edited(
        TEXT, ("z", [1, 2, 3], 0), ("data.until", "2013-08-01", "x"), ("parts.eu.depth", 3, 30)
    )

    assert new == (
        TEXT.replace("'2013-08-01'", "'x'")
        .replace("depth: 3}", "depth: 30}")
        .replace("[1,2, 3]", "0")
    )


@pytest.mark.parametrize("key", ["parts.us.exclude", "parts.us.seen", "parts.us.more", "z"])
def test_what_was_appended_can_be_taken_back(key):
    before = YAML(typ="safe").load(TEXT)
    for step in key.split("."):
        before = before[step]
    after = [*before, WINDOW, WINDOW]

    assert edited(edited(TEXT, (key, before, after)), (key, after, before)) == TEXT


# What stands in a file of one key, and what it becomes.
@pytest.mark.parametrize(
    ("text", "before", "after", "new"),
    [
        ("k:\n", None, 1, "k: 1\n"),
        ("k:   # why\n", None, 1, "k: 1   # why\n"),
        ("k: 1", 1, 2, "k: 2"),
        ("k: 1\r\nl: 2\r\n", 1, 3, "k: 3\r\nl: 2\r\n"),
        ("k: []\r\nl: 2\r\n", [], [{"a": 1}], "k: [{a: 1}]\r\nl: 2\r\n"),
        ("k:\r\n- a\r\nl: 2\r\n", ["a"], ["a", "b"], "k:\r\n- a\r\n- b\r\nl: 2\r\n"),
        ("k:\r\n- a\r\n- b\r\n", ["a", "b"], ["a"], "k:\r\n- a\r\n"),
        ("k:\r\n  a: 1\r\nl: 2\r\n", {"a": 1}, 3, "k: 3\r\nl: 2\r\n"),
        (
            "k:\r\n- a: 1\r\n  b: 2\r\n",
            [{"a": 1, "b": 2}],
            [{"a": 1, "b": 2}, {"a": 3, "b": 4}],
            "k:\r\n- a: 1\r\n  b: 2\r\n- a: 3\r\n  b: 4\r\n",
        ),
        ("\ufeffk: 1  # one\nl: 2\n", 1, 3, "\ufeffk: 3  # one\nl: 2\n"),
        ("k: 1\nl: [.nan, .inf, 2024-01-01]\n", 1, 3, "k: 3\nl: [.nan, .inf, 2024-01-01]\n"),
        ('"k": 1\n', 1, 2, '"k": 2\n'),
        ("k:\n- a\n", ["a"], ["a", "b"], "k:\n- a\n- b\n"),
        ("k:\n- a", ["a"], ["a", "b"], "k:\n- a\n- b"),
        ("k:\n  -   a\nl: 1\n", ["a"], ["a", "b", "c"], "k:\n  -   a\n  -   b\n  -   c\nl: 1\n"),
        ("k:\n- a  # x\n- b  # y\n", ["a", "b"], ["a"], "k:\n- a  # x\n"),
        ("k:\n- a\n- b\nl: 1\n", ["a", "b"], [], "k: []\nl: 1\n"),
        ("k:\n  a: 1\n  b: 2\nl: 1\n", {"a": 1, "b": 2}, "x", "k: x\nl: 1\n"),
        ("k: [\n  1,\n  2,\n]\n", [1, 2], [1, 2, 3], "k: [\n  1,\n  2,\n  3,\n]\n"),
        ("k: |\n  a\nl: 1\n", "a\n", "b", "k: b\nl: 1\n"),
        ("k:\n- |\n  a\n\nl: 1\n", ["a\n"], ["a\n", "b"], "k:\n- |\n  a\n\n- b\nl: 1\n"),
        ("k: word\n", "word", "yes", "k: 'yes'\n"),
        ("k: word\n", "word", "other/path.csv", "k: other/path.csv\n"),
        ("k: word\n", "word", "1e3", "k: '1e3'\n"),
        ("k: word\n", "word", "a: b", "k: 'a: b'\n"),
        ("k: word\n", "word", "two\nlines", 'k: "two\\nlines"\n'),
        ("k: 'x'\n", "x", "naïve ☃", "k: 'naïve ☃'\n"),
        ('k: "x"\n', "x", 'say "é"', 'k: "say \\"é\\""\n'),
        ("é: ☃ # ☃\nk: 1\n", 1, 2, "é: ☃ # ☃\nk: 2\n"),
    ],
)
def test_each_way_to_write_a_value(text, before, after, new):
    assert edited(text, ("k", before, after)) == new


JSON = '{\n    "a": {"k": 1,  "t": "x"},\n    "l": [\n        {"x": 1}\n    ], "e": []\n}'


@pytest.mark.parametrize(
    ("key", "before", "after", "line", "instead"),
    [
        ("a.k", 1, 2, '"k": 1', '"k": 2'),
        ("a.k", 1, 1e-5, '"k": 1', '"k": 1e-05'),
        ("a.t", "x", 'é "y"', '"x"}', '"é \\"y\\""}'),
        ("a.t", "x", None, '"x"}', "null}"),
        ("l", [{"x": 1}], [{"x": 1}, {"y": 2}], '{"x": 1}', '{"x": 1},\n        {"y": 2}'),
        ("e", [], [True], "[]", "[true]"),
    ],
)
def test_json_keeps_its_layout_too(key, before, after, line, instead):
    new = edited(JSON, (key, before, after), file="p.json")

    assert new == JSON.replace(line, instead)


def test_json_indented_with_tabs_stays_so():
    text = json.dumps({"a": 1, "b": ["é"]}, indent="\t", ensure_ascii=False) + "\n"

    assert edited(text, ("a", 1, 2), file="p.json") == text.replace("1", "2")


def test_json_that_is_no_yaml_is_written_anew_as_it_was_indented():
    text = json.dumps({"a": 1, "b": "😀"}, indent=3)  # a surrogate pair, which YAML does not know

    new = edited(text, ("a", 1, 2), file="p.json")

    assert new == json.dumps({"a": 2, "b": "😀"}, indent=3, ensure_ascii=False)


@pytest.mark.parametrize(
    ("key", "before"),
    [("nothing", 1), ("parts.asia", 1), ("parts.eu.depth.deeper", 1), ("z.0", 1), ("", 1)],
)
def test_a_key_that_is_not_there_is_refused(key, before):
    with pytest.raises(InputError, match=f"^params.yaml: {key}: no such key"):
        edited(TEXT, (key, before, 2))


@pytest.mark.parametrize("before", [4, None, "3", {"until": 1}])
def test_a_value_that_has_changed_since_the_plan_is_refused(before):
    with pytest.raises(InputError) as caught:
        edited(TEXT, ("parts.eu.depth", before, 5))

    assert caught.value.message == (
        f"params.yaml: parts.eu.depth: is 3, but the plan was made from {before!r}."
    )
    assert caught.value.hint


SHARED = "base: &b {k: 1, l: 2}\nalias: *b\nmerged:\n  <<: *b\n  own: 1\n"


@pytest.mark.parametrize("key", ["base.k", "alias.k", "merged.k"])
def test_a_value_that_several_keys_share_is_not_edited(key):
    with pytest.raises(InputError, match=rf"{key}: cannot be edited alone"):
        edited(SHARED, (key, 1, 2))


def test_what_stands_beside_a_merge_is_edited():
    assert edited(SHARED, ("merged.own", 1, 2)) == SHARED.replace("own: 1", "own: 2")


def test_a_file_of_another_kind_is_refused():
    with pytest.raises(InputError, match=r"p\.toml: only YAML and JSON"):
        edited("a = 1", ("a", 1, 2), file="p.toml")


@pytest.mark.parametrize(
    ("file", "text"), [("p.yaml", "k: 1\n---\nk: 1\n"), ("p.yaml", "k: 1\nk: 1\n"), ("p.json", "{")]
)
def test_a_file_that_is_broken_by_now_is_refused(file, text):
    with pytest.raises(InputError, match=rf"^{file}: cannot be parsed: "):
        edited(text, ("k", 1, 2), file=file)


TEXTS = [
    "",
    "x",
    "2013-01-01",
    "a b",
    "it's",
    "yes",
    "- x",
    "#",
    "k: v",
    "é",
    "\n",
    "1_0",
    ":",
    "[",
]
NUMBERS = [0.1, 1e-7, 1e300, 2.0]
scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(TEXTS + NUMBERS)
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.sampled_from("ab"), scalars)
styles = st.sampled_from(["block", "flow", "json"])


def written(content, style):
    if style == "json":
        return json.dumps(content, indent=2)
    import yaml

    return yaml.safe_dump(content, default_flow_style=style == "flow", sort_keys=False)


def read(text, style):
    return json.loads(text) if style == "json" else YAML(typ="safe").load(text)


@FEW
@given(st.dictionaries(st.sampled_from("klmn"), values, min_size=1), styles, st.data())
def test_whatever_is_edited_reads_as_asked_and_nothing_else_changes(content, style, data):
    text = written(content, style)
    if data.draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    content = read(text, style)  # a date that was not quoted, or 1.0 for 1
    key = data.draw(st.sampled_from(sorted(content)))
    before = content[key]
    if isinstance(before, date):
        return
    after = data.draw(values)
    if isinstance(before, list) and data.draw(st.booleans()):
        after = [*before, data.draw(scalars)]
    file = "p.json" if style == "json" else "p.yaml"

    new = edited(text, (key, before, after), file=file)

    assert read(new, style) == content | {key: after}
    assert ("\r\n" in text) or "\r" not in new
    if "\r\n" in text:
        assert new.count("\n") == new.count("\r\n")
    untouched = {k: v for k, v in content.items() if k != key}
    for line in written(untouched, style).splitlines() if untouched and style == "block" else ():
        assert line in text.splitlines() and line in new.splitlines()


def test_files_are_read_and_each_edited_one_is_returned(tmp_path):
    (tmp_path / "params.yaml").write_text("a: 1\nb: 2\n")
    (tmp_path / "more.json").write_text('{"a": 1}\n')
    edits = [edit("a", 1, 2), edit("a", 1, 3, file="more.json"), edit("b", 2, 4)]

    found = apply_edits(tmp_path, edits)

    assert found == {"params.yaml": "a: 2\nb: 4\n", "more.json": '{"a": 3}\n'}
    assert (tmp_path / "params.yaml").read_text() == "a: 1\nb: 2\n"
    assert apply_edits(tmp_path, []) == {}


@pytest.mark.parametrize(
    ("name", "text", "content"),
    [
        ("p.yaml", "a: 1e-3\nb: 0o10\nc: yes\n", {"a": 0.001, "b": 8, "c": "yes"}),
        ("p.json", '{"a": [1]}', {"a": [1]}),
        ("p.toml", "a = 1\n[b]\nc = 2\n", {"a": 1, "b": {"c": 2}}),
    ],
)
def test_params_are_read_as_dvc_reads_them(tmp_path, name, text, content):
    (tmp_path / name).write_text(text)

    assert load_params(tmp_path / name, name) == content


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "p.yaml: there is no such params file"),
        ("a: [", "p.yaml: cannot be parsed"),
        ("- 1\n", "p.yaml: must hold keys and values, not a list"),
    ],
)
def test_a_broken_params_file_is_refused(tmp_path, text, message):
    if text is not None:
        (tmp_path / "p.yaml").write_text(text)

    with pytest.raises(InputError) as caught:
        load_params(tmp_path / "p.yaml", "p.yaml")

    assert caught.value.message.startswith(message)


def test_a_text_is_read_at_a_dotted_key_of_json(tmp_path):
    path = tmp_path / "m.json"
    path.write_text('{"seen": {"until": "2013-01-01", "days": 3}}')

    assert read_json_key(path, "seen.until") == "2013-01-01"
    assert read_json_key(path, "seen.days") is None
    assert read_json_key(path, "seen.until.more") is None
    assert read_json_key(path, "other") is None
    assert read_json_key(tmp_path / "none.json", "seen") is None
