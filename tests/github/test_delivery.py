"""Alerts reach a repository once, byte for byte, whatever fails on the way."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retouch.alerts.envelope import unseal
from retouch.alerts.new import alert_json, new_alert
from retouch.engine import submit_alerts
from retouch.errors import InputError
from retouch.github.client import Client, Timing
from retouch.github.repository import Repository
from tests.github.clock import Clock
from tests.github.fake import Drop, FakeGitHub, Status

WORDS = {"kind": "data_drift", "model": "means", "monitor": "daily", "dataset": "rows"}
SIGNATURE = b"-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"
OTHER_SIGNATURE = SIGNATURE.replace(b"U1NI", b"U1NJ")
STEPS = (
    "GET repo",
    "GET git/ref/{ref}",
    "GET contents/{path}",
    "GET pulls",
    "GET git/commits/{commit_sha}",
    "POST git/trees",
    "POST git/commits",
    "POST git/refs",
    "POST pulls",
)


@dataclass(frozen=True)
class Written:
    """An alert's file."""

    path: Path
    id: str

    @property
    def raw(self) -> bytes:
        return self.path.read_bytes()

    @property
    def branch(self) -> str:
        return f"retouch/alert/{self.id}"

    @property
    def there(self) -> str:
        return f"alerts/{self.id}.json"

    def sign(self, signature: bytes = SIGNATURE) -> Written:
        self.path.with_name(f"{self.path.name}.sig").write_bytes(signature)
        return self


@pytest.fixture
def write(tmp_path):
    def write(number=1, name=None, **said) -> Written:
        now = datetime(2024, 3, 1, 6, tzinfo=UTC)
        made = new_alert({**WORDS, **said}, now=now, randomness=number.to_bytes(10))
        path = tmp_path / (name or f"{made.alert_id}.json")
        path.write_text(alert_json(made))
        return Written(path, made.alert_id)

    return write


@pytest.fixture
def alert(write) -> Written:
    return write().sign()


def deliver(site, *alerts, base=None):
    outcomes = list(submit_alerts.open_pull_requests([alert.path for alert in alerts], site, base))
    assert [outcome.file for outcome in outcomes] == [str(alert.path) for alert in alerts]
    return outcomes


def assert_delivered(github: FakeGitHub, alert: Written, base: str = "main") -> None:
    """There is one branch, one commit with both files in it, and one pull request."""
    assert [pull["head"] for pull in github.pulls] == [alert.branch]
    assert set(github.git.branches()) == {"main", base, alert.branch}
    (commit,) = github.git.new_commits(base, alert.branch)
    assert github.git.parents(commit) == [github.git.head(base)]
    changed = github.git.git("diff", "--name-status", f"{base}..{commit}").decode()
    assert changed == f"A\t{alert.there}\nA\t{alert.there}.sig\n"
    assert github.git.file(commit, alert.there) == alert.raw
    assert github.git.file(commit, f"{alert.there}.sig") == SIGNATURE


def test_an_alert_and_its_signature_come_in_one_commit_of_one_pull_request(github, site, alert):
    (outcome,) = deliver(site, alert)

    assert (outcome.outcome, outcome.exit_code, outcome.alert_id) == ("opened", 0, alert.id)
    assert outcome.url == "https://github.com/acme/site/pull/1"
    assert outcome.message == f"opened: {outcome.url}"
    assert_delivered(github, alert)
    assert github.pulls[0]["title"] == "Alert: data drift in rows (warning)"
    assert github.git.message(alert.branch).startswith(f"Add alert {alert.id}\n")


def test_an_unsigned_alert_comes_alone(github, site, write):
    alert = write(name="from-elsewhere.txt")

    deliver(site, alert)

    (commit,) = github.git.new_commits("main", alert.branch)
    changed = github.git.git("diff", "--name-only", f"main..{commit}").decode()
    assert changed == f"{alert.there}\n"
    assert "unsigned" in github.pulls[0]["body"]


@pytest.mark.parametrize(
    "turned",
    [
        lambda raw: raw.replace(b"\n", b"\r\n"),
        lambda raw: raw.rstrip() + b"   \t",
        lambda raw: raw.replace(b'"kind"', b'  "kind" '),
        lambda raw: raw.replace(b"{", '{"message": "é\u2028\U0001f600\\u00e9",'.encode(), 1),
    ],
)
def test_the_bytes_arrive_as_they_were_signed(github, site, write, turned):
    alert = write()
    alert.path.write_bytes(turned(alert.raw))
    crlf = SIGNATURE.replace(b"\n", b"\r\n")
    alert.sign(crlf)

    deliver(site, alert)
    list(submit_alerts.dispatch([alert.path], site))

    assert github.git.file(alert.branch, alert.there) == alert.raw
    assert github.git.file(alert.branch, f"{alert.there}.sig") == crlf
    opened = unseal(github.events[0]["client_payload"], "event")
    assert opened.alert == alert.raw
    assert opened.signature == crlf.decode()


def test_the_same_alert_twice_finds_its_pull_request(github, site, alert):
    deliver(site, alert)
    calls = len(github.calls)

    (again,) = deliver(site, alert)

    assert (again.outcome, again.exit_code) == ("found", 0)
    assert again.message == f"its pull request is open already: {github_url(1)}"
    assert_delivered(github, alert)
    assert not [call for call in github.calls[calls:] if call.startswith("POST")]


@pytest.mark.parametrize("delete_branch", [True, False])
def test_a_closed_pull_request_is_found_and_not_opened_again(github, site, alert, delete_branch):
    deliver(site, alert)
    github.close(1, delete_branch=delete_branch)

    (again,) = deliver(site, alert)

    assert again.message == f"its pull request was closed, and is not opened again: {github_url(1)}"
    assert len(github.pulls) == 1
    assert (alert.branch in github.git.branches()) is not delete_branch


def test_a_merged_alert_lies_on_the_base(github, site, alert):
    deliver(site, alert)
    github.merge(1)

    (again,) = deliver(site, alert)

    assert (again.outcome, again.url) == ("on_base", None)
    assert again.message == "lies on main already; there is nothing to open"


def test_an_alert_merged_elsewhere_is_found(github, site, alert):
    main = github.git.head("main")
    deliver(site, alert)
    github.merge(1)
    github.git.point("main", main)  # the base was set back

    (again,) = deliver(site, alert)

    assert again.message == f"its pull request was merged: {github_url(1)}"


def test_it_goes_to_the_default_branch_or_to_the_one_that_is_named(github, site, alert):
    github.git.commit_on("release/1.0", {"x": b"x"})

    deliver(site, alert, base="release/1.0")

    assert github.pulls[0]["base"] == "release/1.0"
    assert_delivered(github, alert, "release/1.0")


def test_a_base_that_is_not_there_is_said_to_be_so(github, site, alert):
    (outcome,) = deliver(site, alert, base="mian")

    assert outcome.exit_code == 2
    assert outcome.message == "acme/site: there is no branch mian. Give one with --base."
    assert github.pulls == []


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", [Drop(), Drop(after=True), Status(502)], ids=str)
def test_one_lost_answer_is_not_noticed(github, site, alert, step, fault):
    github.fails(step, fault)

    assert deliver(site, alert)[0].exit_code == 0

    assert_delivered(github, alert)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", [Drop(), Drop(after=True)], ids=str)
def test_killed_at_any_step_it_is_finished_by_a_second_call(github, clock, alert, step, fault):
    def die(_seconds):
        raise KeyboardInterrupt

    dying = Client(github.token, github.url, Timing(sleep=die))
    github.fails(step, fault)
    with pytest.raises(KeyboardInterrupt):
        deliver(Repository(dying, "acme/site"), alert)

    after = Repository(Client(github.token, github.url, clock.waiting()), "acme/site")

    assert deliver(after, alert)[0].outcome in ("opened", "found")
    assert_delivered(github, alert)


@pytest.mark.parametrize("step", STEPS)
def test_a_server_that_stays_away_is_said_and_a_second_call_goes_on(github, site, alert, step):
    github.fails(step, *[Drop()] * 5)

    (outcome,) = deliver(site, alert)
    assert outcome.exit_code == 1
    assert "closed the connection; tried 5 times. Try again later" in outcome.message

    assert deliver(site, alert)[0].outcome == "opened"
    assert_delivered(github, alert)


def test_of_many_calls_at_once_one_opens_the_pull_request(github, alert):
    def call(_number):
        client = Client(github.token, github.url, Clock().waiting())
        return deliver(Repository(client, "acme/site"), alert)[0]

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(call, range(4)))

    assert {outcome.exit_code for outcome in outcomes} == {0}
    assert {outcome.url for outcome in outcomes} == {github_url(1)}
    assert_delivered(github, alert)


def test_a_pull_request_opened_meanwhile_is_taken(github, site, alert):
    deliver(site, alert)
    github.fails("GET pulls", Status(200, []))

    assert deliver(site, alert)[0].url == github_url(1)

    assert "POST pulls" in github.calls[-3:]
    assert_delivered(github, alert)


def test_a_branch_made_meanwhile_is_looked_at(github, site, alert):
    github.fails("POST git/refs", Status(422, {"message": "Reference already exists"}))
    (outcome,) = deliver(site, alert)
    # It is not there after all: the API's own words are passed on.
    assert outcome.message == (
        "acme/site: POST git/refs: GitHub returned 422: Reference already exists."
    )

    github.fails("GET git/ref/{ref}", Status(200, _reference(github)), Status(404, {}))
    github.git.commit_on(alert.branch, {alert.there: b"{}"})
    (outcome,) = deliver(site, alert)
    assert "exists with other content" in outcome.message


def _reference(github):
    head = {"sha": github.git.head("main"), "type": "commit", "url": "-"}
    return {"ref": "refs/heads/main", "node_id": "-", "url": "-", "object": head}


@pytest.mark.parametrize("where", ["main", "retouch/alert/{id}"])
@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"alerts/{id}.json": b"{}"}, "content"),
        ({"alerts/{id}.json": None, "alerts/{id}.json.sig": OTHER_SIGNATURE}, "signature"),
        ({"alerts/{id}.json": None}, "signature"),
        ({"alerts/{id}.json/x": b"a folder"}, "content"),
        ({"alerts/{id}.json": b"x" * 1_000_001}, "content"),
    ],
)
def test_an_id_that_exists_with_other_content_is_refused(github, site, alert, where, files, what):
    there = {
        path.format(id=alert.id): alert.raw if raw is None else raw for path, raw in files.items()
    }
    where = where.format(id=alert.id)
    github.git.point(where, github.git.head("main"))
    head = github.git.commit_on(where, there)

    (outcome,) = deliver(site, alert)

    place = where if where == "main" else f"the branch {where}"
    assert outcome.exit_code == 2
    assert outcome.message == (
        f"{alert.path}: alert id {alert.id} exists with other {what}: {place}. An alert is never "
        "changed: write a new one, with an id of its own."
    )
    assert github.git.head(where) == head
    assert github.pulls == []


def test_a_pull_request_of_the_id_with_other_content_is_refused(github, site, alert):
    deliver(site, alert)
    github.close(1, delete_branch=True)
    alert.path.write_bytes(alert.raw + b"\n")

    (outcome,) = deliver(site, alert)

    assert f"alert id {alert.id} exists with other content: pull request 1." in outcome.message
    assert outcome.exit_code == 2


def test_a_branch_of_the_id_without_the_alert_is_refused(github, site, alert):
    github.git.point(alert.branch, github.git.head("main"))

    (outcome,) = deliver(site, alert)

    assert outcome.message == (
        f"{alert.path}: the branch {alert.branch} exists without the alert {alert.id}. Delete "
        "that branch, or give the alert a new id."
    )
    assert github.pulls == []


def test_an_alert_already_there_with_a_signature_needs_none_to_be_found(github, site, alert):
    deliver(site, alert)
    alert.path.with_name(f"{alert.path.name}.sig").unlink()

    assert deliver(site, alert)[0].outcome == "found"


@pytest.mark.parametrize(
    ("raw", "signature", "message"),
    [
        (b"{", None, "line 1, column 2: not JSON"),
        (b"\xff", None, "not UTF-8"),
        (b"{}", None, "missing"),
        (b"x" * 45_001, None, "45,001 bytes; at most 45,000 are read"),
        (None, b"no signature", ".sig: is not an armored SSH signature."),
        (None, b"\xff" * 9, ".sig: is not an armored SSH signature."),
        (None, b"x" * 20_000, ".sig: is larger than the 16,000 bytes allowed."),
    ],
)
@pytest.mark.parametrize("way", [submit_alerts.open_pull_requests, submit_alerts.dispatch])
def test_what_is_no_alert_is_refused_before_anything_is_asked(
    github, site, write, raw, signature, message, way
):
    alert = write()
    if raw is not None:
        alert.path.write_bytes(raw)
    if signature is not None:
        alert.sign(signature)

    (outcome,) = way([alert.path], site)

    assert (outcome.outcome, outcome.exit_code) == ("failed", 2)
    assert message in outcome.message
    assert github.calls == []


@pytest.mark.parametrize("way", [submit_alerts.open_pull_requests, submit_alerts.dispatch])
def test_an_alert_for_another_repository_is_not_delivered_here(github, site, write, way):
    made_for_another, made_for_us = write(1, audience="acme/other"), write(2, audience="Acme/Site")

    refused, taken = way([made_for_another.path, made_for_us.path], site)

    assert refused.message == (
        f"{made_for_another.path}: audience: the alert was made for acme/other, not for acme/site."
    )
    assert taken.exit_code == 0


def test_one_bad_file_does_not_stop_the_others(github, site, write, tmp_path):
    good, other = write(1), write(2)
    bad = Written(tmp_path / "missing.json", "")

    outcomes = deliver(site, bad, good, other)

    assert [outcome.outcome for outcome in outcomes] == ["failed", "opened", "opened"]
    assert [outcome.exit_code for outcome in outcomes] == [2, 0, 0]
    assert [pull["head"] for pull in github.pulls] == [good.branch, other.branch]


def test_a_renamed_repository_is_said_to_be_renamed(github, client, alert):
    github.moved = {"acme/old": "acme/site"}

    (outcome,) = deliver(Repository(client, "acme/old"), alert)

    assert outcome.message == "acme/old: is called 'acme/site' now. Give --repo 'acme/site'."
    assert github.pulls == []


def test_workflows_that_may_not_open_pull_requests_are_told_where_to_allow_it(github, site, alert):
    github.actions_may_open_pull_requests = False

    (outcome,) = deliver(site, alert)

    assert outcome.exit_code == 2
    assert outcome.message == (
        "acme/site: POST pulls: forbidden: workflows may not open pull requests here. Turn on "
        '"Allow GitHub Actions to create and approve pull requests" in Settings, Actions, '
        "General; or use the token of a GitHub App."
    )
    github.actions_may_open_pull_requests = True
    assert deliver(site, alert)[0].outcome == "opened"
    assert_delivered(github, alert)


def test_a_signed_event_carries_what_intake_opens(github, site, alert):
    (outcome,) = submit_alerts.dispatch([alert.path], site)

    assert (outcome.outcome, outcome.exit_code) == ("dispatched", 0)
    assert outcome.message == "sent to acme/site as repository_dispatch model-alert"
    (event,) = github.events
    assert event["event_type"] == "model-alert"
    assert event["client_payload"] == {
        "v": 1,
        "alert_b64": base64.b64encode(alert.raw).decode(),
        "sig": SIGNATURE.decode(),
        "principal": "daily",
    }
    assert unseal(event["client_payload"], "event").alert == alert.raw
    assert github.calls == ["POST dispatches"]


def test_an_event_nobody_knows_of_may_be_sent_again(github, site, alert):
    github.fails("POST dispatches", Drop(after=True))

    (outcome,) = submit_alerts.dispatch([alert.path], site)

    assert outcome.exit_code == 1
    assert outcome.message.endswith(
        "so it is unknown whether the request took effect. Send it again: intake drops a "
        "second copy."
    )


@pytest.mark.parametrize(
    "name", ["", "acme", "acme/site/x", "/site", "acme/", "../site", "acme/..", "a b/c", "a/b?c"]
)
def test_a_name_that_no_repository_has_is_refused(name):
    with pytest.raises(InputError, match="is not the name of a repository: owner/name"):
        submit_alerts.checked_repository(name)


@pytest.mark.parametrize("name", ["acme/site", "a-b/c.d_e", ".github/.github", "a/..b"])
def test_a_name_that_a_repository_may_have_is_taken(name):
    assert submit_alerts.checked_repository(name) == name


@pytest.mark.parametrize("name", ["", "a b", "../../x", "a..b", "a/./b", "/a", "a/", "-x", "a?b"])
def test_a_name_that_no_branch_has_is_refused(name):
    with pytest.raises(InputError, match="is not the name of a branch"):
        submit_alerts.checked_branch(name)


@pytest.mark.parametrize("name", ["main", "release/1.0", "fix-#3", "größe"])
def test_a_name_that_a_branch_may_have_is_taken(name):
    assert submit_alerts.checked_branch(name) == name


def github_url(number):
    return f"https://github.com/acme/site/pull/{number}"
