"""What answers mean, from recorded forms of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.github.answer import Answer, NotTheApi, decipher, one_line
from retouch.github.retry import Failed

JSON = {"content-type": "application/json; charset=utf-8"}
EXISTS = {
    "message": "Validation Failed",
    "errors": [
        {
            "resource": "PullRequest",
            "code": "custom",
            "message": "A pull request already exists for a:b.",
        }
    ],
}


@pytest.mark.parametrize("status", [200, 201, 202])
def test_success_is_its_json(status):
    assert decipher(status, JSON, b'{"a": [1]}') == Answer({"a": [1]})


def test_no_content_is_none():
    assert decipher(204, {}, b"") == Answer(None)


def test_a_list_says_where_it_goes_on():
    link = '<https://h/x?page=1>; rel="prev", <https://h/x?page=3>; rel="next"'

    assert decipher(200, {**JSON, "link": link}, b"[]").next_page == "https://h/x?page=3"


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, {"message": "Bad credentials"}, "Bad credentials"),
        (404, {"message": "Not Found"}, "Not Found"),
        (409, {"message": "Git Repository is empty."}, "Git Repository is empty"),
        (422, {"message": "Reference already exists"}, "Reference already exists"),
        (422, EXISTS, "Validation Failed: 'A pull request already exists for a:b.'"),
        (422, {"message": "Bad", "errors": "all of it"}, "Bad: all of it"),
        (422, {"message": "Bad", "errors": [{"code": "missing", "field": "x"}]}, "Bad for 'x'"),
        (499, {"message": "Odd"}, "Odd"),
        (422, {"message": "a\nb\u202ec\x1b[1m"}, "a b c [1m"),
    ],
)
def test_a_refusal_keeps_the_words_of_the_api_on_one_line(status, body, message):
    answer = decipher(status, JSON, json.dumps(body).encode())

    assert answer == Failed(status, message, JSON)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 599])
@pytest.mark.parametrize("body", [b"<html>Unicorn</html>", b"", b"{broken"])
def test_a_broken_server_may_say_what_it_likes(status, body):
    assert decipher(status, {"content-type": "text/html"}, body) == Failed(
        status, headers={"content-type": "text/html"}
    )


@pytest.mark.parametrize(
    ("status", "headers", "body", "message"),
    [
        (200, {"content-type": "text/html"}, b"<html>", "200 with text/html instead of JSON"),
        (407, {"content-type": "text/html"}, b"<html>", "407 with text/html instead of JSON"),
        (200, {}, b"hello", "200 with no content type instead of JSON"),
        (200, JSON, b"{broken", "200 with JSON that cannot be read"),
        (200, JSON, b"\xff\xfe", "200 with JSON that cannot be read"),
        (200, {"content-type": "application/json; charset=moon"}, b"{}", "cannot be read"),
        (422, JSON, b"{}", "422 with JSON that cannot be read"),
        (404, JSON, b"{broken", "404 with JSON that cannot be read"),
    ],
)
def test_what_is_not_the_api_is_said_to_be_so(status, headers, body, message):
    with pytest.raises(NotTheApi, match=message):
        decipher(status, headers, body)


@given(st.integers(200, 599), st.sampled_from(["application/json", "text/html", ""]), st.binary())
def test_no_answer_is_too_odd(status, kind, body):
    try:
        answer = decipher(status, {"content-type": kind}, body)
    except NotTheApi:
        return
    assert isinstance(answer, Answer) == (status < 300)


@given(st.text())
def test_words_of_a_server_are_one_printable_line(text):
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= 300
