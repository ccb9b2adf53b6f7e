"""The client against a GitHub that fails in every way it can."""

from __future__ import annotations

import io
import logging
import traceback

import pytest

from retouch.errors import CheckFailed, InputError, RetouchError
from retouch.github.client import Client, Timing
from retouch.github.errors import OutcomeUnknown
from retouch.github.pulls import find_pull_request
from retouch.github.repository import repository_facts
from tests.github.clock import NOW
from tests.github.fake import HTML, TOKEN, Drop, Hang, Status

HERE = "repos/acme/site"
SPENT = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW) + 7200)}
EVENT = {"event_type": "model-alert", "client_payload": {"v": 1}}
SSO = {"X-GitHub-SSO": "required; url=https://github.com/orgs/acme/sso?authorization_request=ABC"}


def refused_with(status, message):
    return Status(status, {"message": message, "documentation_url": "-"})


def test_the_fake_and_the_client_agree(site):
    assert repository_facts(site).full_name == "acme/site"


@pytest.mark.parametrize("fault", [Status(500), Status(502, HTML.body), Drop(), Drop(after=True)])
def test_a_question_is_asked_again_until_it_is_answered(github, client, clock, fault):
    github.fails("GET repo", fault, fault, fault, fault)

    assert client.get(HERE)["full_name"] == "acme/site"
    assert clock.pauses == [0.5, 1.0, 2.0, 4.0]


def test_a_question_is_asked_five_times_at_most(github, client, clock):
    github.fails("GET repo", *[Status(502)] * 9)

    with pytest.raises(
        CheckFailed, match=r"^acme/site: 127\.0\.0\.1:\d+ returned 502; tried 5 times\."
    ):
        client.get(HERE)
    assert github.calls == ["GET repo"] * 5


def test_a_server_that_says_nothing_is_not_waited_for(github, clock):
    client = Client(TOKEN, github.url, clock.waiting(read_timeout=0.05))
    github.fails("GET repo", Hang())

    assert client.get(HERE)["full_name"] == "acme/site"
    github.fails("GET repo", *[Hang()] * 5)
    with pytest.raises(CheckFailed, match="did not respond in time; tried 5 times"):
        client.get(HERE)


def test_a_server_that_is_not_there_is_said_to_be_so(clock):
    client = Client(TOKEN, "http://127.0.0.1:9", clock.waiting())

    with pytest.raises(CheckFailed, match=r"127\.0\.0\.1:9 could not be reached; tried 5 times"):
        client.get(HERE)
    with pytest.raises(CheckFailed, match=r"127\.0\.0\.1:9 could not be reached; tried 5 times"):
        client.post(f"{HERE}/dispatches", EVENT)


def test_a_rate_limit_that_ends_soon_is_waited_for(github, client, clock):
    soon = {**SPENT, "X-RateLimit-Reset": str(int(NOW) + 30)}
    github.fails("POST dispatches", Status(403, {"message": "API rate limit exceeded"}, soon))
    github.fails("POST dispatches", Status(429, {"message": "Slow down"}, {"Retry-After": "7"}))

    client.post(f"{HERE}/dispatches", EVENT)

    assert clock.pauses == [31.0, 7.0]
    assert len(github.events) == 1


def test_a_rate_limit_that_ends_late_is_said_with_its_time(github, client, clock):
    github.fails("GET repo", Status(403, {"message": "API rate limit exceeded"}, SPENT))

    with pytest.raises(CheckFailed) as refused:
        client.get(HERE)

    assert str(refused.value) == (
        "acme/site: GitHub's rate limit for this token is exhausted until 2023-11-15 00:13:21 UTC. "
        "Run the same command again then."
    )
    assert clock.pauses == []


def test_a_limit_without_a_time_is_waited_out_for_a_while(github, client, clock):
    secondary = refused_with(403, "You have exceeded a secondary rate limit.")
    github.fails("GET repo", *[secondary] * 9)

    with pytest.raises(CheckFailed) as refused:
        client.get(HERE)

    assert str(refused.value) == (
        "acme/site: GitHub is limiting the requests of this token. Run the same command again "
        "later."
    )
    assert clock.pauses == [60.0, 120.0]


@pytest.mark.parametrize("fault", [Drop(), Drop(after=True), Status(500), Status(502), Status(504)])
def test_an_event_that_may_have_been_sent_is_not_sent_again(github, client, clock, fault):
    github.fails("POST dispatches", fault)

    with pytest.raises(OutcomeUnknown, match="it is unknown whether the request took effect"):
        client.post(f"{HERE}/dispatches", EVENT)

    assert github.calls == ["POST dispatches"]
    assert clock.pauses == []


def test_an_event_that_was_turned_away_is_sent_again(github, client):
    github.fails("POST dispatches", Status(503), Status(429, {}, {"Retry-After": "1"}))

    client.post(f"{HERE}/dispatches", EVENT)

    assert github.events == [EVENT]


@pytest.mark.parametrize(
    ("there", "calls"), [({"id": 1}, ["POST dispatches"]), (None, ["POST dispatches"] * 2)]
)
def test_what_may_have_been_made_is_looked_for_before_it_is_made_again(
    github, client, there, calls
):
    github.fails("POST dispatches", Drop(after=True))

    assert client.post(f"{HERE}/dispatches", EVENT, found=lambda: there) == there
    assert github.calls == calls


def test_a_last_look_is_taken_before_giving_up(github, client):
    github.fails("POST dispatches", *[Drop()] * 5)
    looks = iter([None, None, None, None, {"id": 1}])

    assert client.post(f"{HERE}/dispatches", EVENT, found=lambda: next(looks)) == {"id": 1}


@pytest.mark.parametrize(
    ("fault", "path", "message"),
    [
        (
            refused_with(401, "Bad credentials"),
            HERE,
            "GITHUB_TOKEN: HOST does not accept this token: it is wrong, expired or revoked. "
            "Create a new token and set GITHUB_TOKEN to it.",
        ),
        (
            refused_with(403, "Resource not accessible by integration"),
            HERE,
            "acme/site: forbidden: the token may not do this: Resource not accessible by "
            "integration. Give it the permission Contents: read.",
        ),
        (
            refused_with(403, "Repository was archived so is read-only."),
            HERE,
            "acme/site: forbidden: Repository was archived so is read-only.",
        ),
        (
            Status(403, {"message": "Resource protected by organization SAML"}, SSO),
            HERE,
            "acme/site: forbidden: the token is not authorised for the organisation's single "
            "sign-on. Authorise the organisation under Configure SSO in the token's settings.",
        ),
        (
            refused_with(404, "Not Found"),
            HERE,
            "acme/site: not found on HOST, or the token may not read it. Check the name, and "
            "that GITHUB_TOKEN has access to this repository.",
        ),
        (refused_with(410, "Gone."), HERE, "acme/site: GitHub returned 410: Gone."),
        (
            refused_with(422, "Bad\n\x1b[31m<b>\u202eone</b>"),
            HERE,
            "acme/site: GitHub returned 422: Bad [31m<b> one</b>.",
        ),
        (
            HTML,
            HERE,
            "acme/site: HOST does not respond like GitHub's API: 200 with text/html instead of "
            "JSON. Check GITHUB_API_URL, and whether a proxy is in between.",
        ),
        (
            Status(200, b'{"full_na'),
            HERE,
            "acme/site: HOST does not respond like GitHub's API: 200 with invalid JSON. "
            "Check GITHUB_API_URL, and whether a proxy is in between.",
        ),
        (
            Status(301, {}, {"Location": "https://evil.example/repos/acme/site"}),
            HERE,
            "acme/site: HOST does not respond like GitHub's API: it points to another server. "
            "Check GITHUB_API_URL, and whether a proxy is in between.",
        ),
    ],
    ids=lambda value: str(getattr(value, "code", "")),
)
def test_each_refusal_has_its_sentence(github, client, fault, path, message):
    github.fails("GET repo", fault)

    with pytest.raises(InputError) as refused:
        client.get(path)

    host = github.url.removeprefix("http://")
    assert str(refused.value).replace(host, "HOST") == message
    assert github.calls == ["GET repo"]


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("GET", "pulls", "Pull requests: read"),
        ("POST", "pulls", "Pull requests: write"),
        ("POST", "dispatches", "Contents: write"),
        ("GET", "git/ref/heads/main", "Contents: read"),
    ],
)
def test_the_permission_that_is_missing_is_named(github, client, method, path, permission):
    github.permissions = {"metadata": "read"}
    body = {"head": "a", "base": "b"} if path == "pulls" else EVENT
    ask = client.get if method == "GET" else lambda path: client.post(path, body)

    with pytest.raises(InputError) as refused:
        ask(f"{HERE}/{path}")

    assert str(refused.value).endswith(f"Give it the permission {permission}.")


def test_a_question_follows_a_renamed_repository_and_a_change_does_not(github, client):
    github.moved = {"acme/old": "acme/site"}

    assert client.get("repos/acme/old")["full_name"] == "acme/site"
    with pytest.raises(InputError) as refused:
        client.post("repos/acme/old/dispatches", EVENT)
    assert str(refused.value) == (
        "acme/old: POST dispatches: GitHub returned 307: the repository has a new name, and a POST "
        f"is not redirected to {github.url}/repos/acme/site/dispatches. Give the repository's new "
        "name with --repo."
    )


def test_a_circle_of_redirections_ends(github, client):
    github.fails("GET repo", *[Status(302, {}, {"Location": "/repos/acme/site"})] * 9)

    with pytest.raises(InputError, match="too many redirects"):
        client.get(HERE)


def test_a_list_is_read_to_its_last_page(github, client):
    github.page_limit = 2
    for number in range(5):
        branch = f"b{number}"
        github.git.point(branch, github.git.head("main"))
        github.git.commit_on(branch, {f"{number}.txt": b"x"})
        client.post(f"{HERE}/pulls", {"head": branch, "base": "main", "title": "x"})

    found = list(client.pages(f"{HERE}/pulls", state="open"))

    assert [pull["number"] for pull in found] == [5, 4, 3, 2, 1]
    assert github.calls.count("GET pulls") == 3


@pytest.mark.parametrize("body", [b"{}", b"null", b'"text"'])
def test_a_list_that_is_none_is_said_to_be_so(github, client, body):
    github.fails("GET pulls", Status(200, body))

    with pytest.raises(InputError, match="expected a list"):
        list(client.pages(f"{HERE}/pulls"))


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "full_name"),
        ({"full_name": 1, "default_branch": "x"}, "full_name"),
        ([], "the whole response"),
    ],
)
def test_an_answer_of_another_shape_is_said_to_be_so(github, site, body, place):
    github.fails("GET repo", Status(200, body))

    with pytest.raises(InputError, match=f"GitHub's response does not match .*: {place}"):
        repository_facts(site)


def test_only_a_pull_request_from_the_repositorys_own_branch_is_ours(github, site):
    def listed(number, ref, repository, state="open"):
        head = {"ref": ref, "sha": "0", "repo": repository and {"full_name": repository}}
        url = "https://github.com/acme/site/pull/1"
        return {
            "number": number,
            "html_url": url,
            "state": state,
            "head": head,
            "base": {"ref": "main"},
            "title": "A change",
            "user": None,
        }

    # GitHub leaves a filter out that it does not understand, and then lists everybody's.
    others = [listed(1, "x", "mallory/site"), listed(2, "y", "acme/site"), listed(3, "x", None)]
    github.fails("GET pulls", Status(200, others))
    assert find_pull_request(site, "x") is None
    ours = [listed(4, "x", "acme/site"), listed(5, "x", "Acme/Site", "closed")]
    github.fails("GET pulls", Status(200, [*others, *ours]))
    found = find_pull_request(site, "x")
    assert found is not None
    assert found.number == 4


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("api.github.com", "is not the address of an API"),
        ("ftp://api.github.com", "is not the address of an API"),
        ("https://", "is not the address of an API"),
        ("https://[::1", "is not the address of an API"),
        ("https://h:99999", "is not the address of an API"),
        ("https://h/x y", "is not the address of an API"),
        ("https://h/\nx", "is not the address of an API"),
        ("https://h/?a=b", "is not the address of an API"),
        ("https://me:secret@h/", "contains a user or a password"),
        ("http://api.github.com", "the token would be sent unencrypted"),
        ("http://127.0.0.1.evil.example", "the token would be sent unencrypted"),
        ("http://localhost@evil.example", "contains a user or a password"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused(url, message):
    with pytest.raises(InputError, match=message) as refused:
        Client(TOKEN, url)
    assert "GITHUB_API_URL" in str(refused.value)
    assert "secret@" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://api.github.com", "https://h/api/v3/", "http://localhost:1", "http://[::1]:2/x"]
)
def test_an_address_of_an_api_is_taken(url):
    Client(TOKEN, url)


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("", "GITHUB_TOKEN is not set."),
        (" \n", "GITHUB_TOKEN is not set."),
        ("a\nb-secret", "contains characters that no token has"),
        ("é-secret", "contains characters that no token has"),
    ],
)
def test_a_token_that_cannot_be_one_is_refused_and_not_shown(token, message):
    with pytest.raises(InputError, match=message) as refused:
        Client(token, "https://api.github.com")
    assert "secret" not in str(refused.value)


def test_the_white_space_around_a_token_is_left_out(github):
    assert Client(f"{TOKEN}\n", github.url).get(HERE)["full_name"] == "acme/site"


def test_a_netrc_file_does_not_take_the_tokens_place(github, client, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    assert client.get(HERE)["full_name"] == "acme/site"


@pytest.mark.parametrize(
    "fault",
    [
        refused_with(401, f"Bad token {TOKEN}"),
        refused_with(403, f"No: token {TOKEN}"),
        refused_with(404, TOKEN),
        refused_with(422, f"{TOKEN} is odd"),
        refused_with(422, f"{'x' * 285} {TOKEN} is odd"),
        Status(301, {}, {"Location": f"https://evil.example/{TOKEN}"}),
        Status(200, TOKEN.encode(), {"Content-Type": f"text/{TOKEN}"}),
        Status(500, TOKEN.encode()),
        Status(429, {"message": TOKEN}, {"Retry-After": "99999"}),
        Drop(),
        Drop(after=True),
        Hang(),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_token_is_in_no_text_and_in_no_log(github, clock, fault, method):
    client = Client(TOKEN, github.url, clock.waiting(read_timeout=0.05))
    route = "GET repo" if method == "get" else "POST dispatches"
    github.fails(route, *[fault] * 5)
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with pytest.raises(RetouchError) as refused:
            if method == "get":
                client.get(HERE)
            else:
                client.post(f"{HERE}/dispatches", EVENT)
    finally:
        root.setLevel(level)
        root.removeHandler(handler)

    whole = "".join(traceback.format_exception(refused.value))
    for text in (str(refused.value), whole, repr(refused.value), repr(client), log.getvalue()):
        assert TOKEN[:8] not in text
    assert "127.0.0.1" in log.getvalue()  # it would have been in there


def test_the_clocks_of_the_system_are_the_default():
    waiting = Timing()
    assert waiting.now() > NOW
    assert 0 <= waiting.jitter() < 1
