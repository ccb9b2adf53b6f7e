"""How responses are read, from recorded ones."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.github.client import NotGitHubApi, Success, one_line, read_response
from retouch.github.errors import Failure

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
def test_a_success_is_its_json(status):
    assert read_response(status, JSON, b'{"a": [1]}') == Success({"a": [1]})


def test_no_content_is_none():
    assert read_response(204, {}, b"") == Success(None)


def test_a_list_has_the_address_of_its_next_page():
    link = '<https://h/x?page=1>; rel="prev", <https://h/x?page=3>; rel="next"'

    assert read_response(200, {**JSON, "link": link}, b"[]").next_page == "https://h/x?page=3"


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, {"message": "Bad credentials"}, "Bad credentials"),
        (404, {"message": "Not Found"}, "Not Found"),
        (409, {"message": "Git Repository is empty."}, "Git Repository is empty"),
        (422, {"message": "Reference already exists"}, "Reference already exists"),
        (422, EXISTS, "Validation Failed: A pull request already exists for a:b"),
        (422, {"message": "Bad", "errors": "all of it"}, "Bad: all of it"),
        (422, {"message": "Bad", "errors": [{"code": "missing", "field": "x"}]}, "Bad: x missing"),
        (422, {"message": "Bad", "errors": ["one", None, 7]}, "Bad: one, None, 7"),
        (422, {}, ""),
        (404, {"message": None}, ""),
        (499, {"message": "Odd"}, "Odd"),
        (422, {"message": "a\nb\u202ec\x1b[1m"}, "a b c [1m"),
    ],
)
def test_a_refusal_keeps_githubs_message_on_one_line(status, body, message):
    response = read_response(status, JSON, json.dumps(body).encode())

    assert response == Failure(status, message, JSON)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 599])
@pytest.mark.parametrize("body", [b"<html>Unicorn</html>", b"", b"{broken"])
def test_a_server_error_needs_no_json(status, body):
    assert read_response(status, {"content-type": "text/html"}, body) == Failure(
        status, headers={"content-type": "text/html"}
    )


@pytest.mark.parametrize(
    ("status", "headers", "body", "message"),
    [
        (200, {"content-type": "text/html"}, b"<html>", "200 with text/html instead of JSON"),
        (407, {"content-type": "text/html"}, b"<html>", "407 with text/html instead of JSON"),
        (200, {}, b"hello", "200 with no content type instead of JSON"),
        (200, JSON, b"{broken", "200 with invalid JSON"),
        (200, JSON, b"\xff\xfe", "200 with invalid JSON"),
        (200, JSON, b"[" * 100_000, "200 with invalid JSON"),
        (422, JSON, b"[]", "422 with JSON that is no error of GitHub's"),
        (404, JSON, b"{broken", "404 with invalid JSON"),
    ],
)
def test_what_is_not_githubs_api_is_reported(status, headers, body, message):
    with pytest.raises(NotGitHubApi, match=message):
        read_response(status, headers, body)


@given(st.integers(200, 599), st.sampled_from(["application/json", "text/html", ""]), st.binary())
def test_any_response_is_read_or_reported(status, kind, body):
    try:
        response = read_response(status, {"content-type": kind}, body)
    except NotGitHubApi:
        return
    assert isinstance(response, Success) == (status < 300)


@given(st.text())
def test_a_servers_text_is_one_printable_line(text):
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= 300
