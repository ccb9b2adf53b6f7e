"""The fake GitHub is as strict as GitHub's own description of its API."""

from __future__ import annotations

import pytest
import requests

from tests.github.contract import (
    example_of,
    problems_of_answer,
    problems_of_request,
    successes,
    templates,
)
from tests.github.fake import TOKEN, FakeGitHub
from tests.github.routes import ROUTES

REPOSITORY = "/repos/{owner}/{repo}"
PULL = {"head": "a", "base": "b"}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_is_an_operation_of_the_description(route):
    assert (route.method, route.template) in templates()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_an_answer_that_says_nothing_does_not_fit(route):
    for status in successes(route.method, route.template):
        if status != 202:  # of deployments: a merge that we never ask for
            assert problems_of_answer(route.method, route.template, status, {"odd": 1})
    assert problems_of_answer(route.method, route.template, 299, {})


@pytest.mark.parametrize(
    ("rest", "body", "message"),
    [
        ("pulls", {"head": "a"}, "'base' is a required property"),
        ("pulls", {**PULL, "draft": "yes"}, "'yes' is not of type 'boolean'"),
        ("git/refs", {"ref": "x"}, "'sha' is a required property"),
        ("git/trees", {"tree": [{"mode": "777"}]}, "'777' is not one of"),
        ("dispatches", {"event_type": "x" * 101}, "is too long"),
        ("dispatches", {"event_type": "x", "client_payload": dict.fromkeys("abcdefghijk")}, "many"),
    ],
)
def test_a_request_github_would_refuse_is_noticed(rest, body, message):
    (problem,) = problems_of_request("POST", f"{REPOSITORY}/{rest}", {}, body)
    assert message in problem


@pytest.mark.parametrize("query", [{"sate": "all"}, {"state": "merged"}])
def test_a_query_github_does_not_know_is_noticed(query):
    assert problems_of_request("GET", f"{REPOSITORY}/pulls", query, None)


@pytest.mark.parametrize("rest", ["git/refs", "git/commits", "pulls", "git/trees"])
def test_the_least_answer_fits_and_lacks_nothing(rest):
    template = f"{REPOSITORY}/{rest}"
    example = example_of("POST", template, 201)

    assert problems_of_answer("POST", template, 201, example) == []
    lacking = [{k: v for k, v in example.items() if k != name} for name in example]
    assert lacking
    assert all(problems_of_answer("POST", template, 201, less) for less in lacking)


def test_what_does_not_fit_is_kept(bare):
    with FakeGitHub(bare) as github:
        headers = {"Authorization": f"token {TOKEN}"}
        for method, path, body in (
            ("POST", "/repos/acme/site/pulls", {"head": "a"}),
            ("GET", "/repos/acme/site/nowhere", None),
        ):
            requests.request(method, github.url + path, json=body, headers=headers, timeout=5)

        assert github.violations == [
            "POST pulls: $: 'base' is a required property",
            "no route for GET /repos/acme/site/nowhere",
        ]
