"""Statuses, deployments and releases through the API."""

from __future__ import annotations

import pytest

from retouch.errors import InputError
from retouch.github.client import Transport
from retouch.github.records import (
    Release,
    create_deployment,
    create_release,
    deployment_states,
    latest_status,
    set_deployment_status,
    set_status,
    upload_asset,
)
from tests.github.fake import TOKEN, Drop, Status

TAG = "m@v1.0.0"


@pytest.fixture
def main(github):
    return github.git.head("main")


@pytest.fixture
def tagged(github):
    github.git.git("-c", "user.name=a", "-c", "user.email=a@b", "tag", "-am", "-", TAG, "main")
    return github


@pytest.fixture
def release(tagged, site):
    return create_release(site, tag=TAG, name="m 1.0.0", body="Notes")


def test_the_newest_status_of_a_context_counts(github, site, main):
    assert latest_status(site, main) is None
    set_status(site, main, "pending", "retraining")
    set_status(site, main, "success", "kept: 1.2 minutes better", "https://example.org/1")
    set_status(site, main, "failure", "other", context="ci")

    assert latest_status(site, main) == ("success", "kept: 1.2 minutes better")
    assert latest_status(site, main, "ci") == ("failure", "other")
    assert github.statuses[1]["target_url"] == "https://example.org/1"


def test_a_long_description_is_cut_short(github, site, main):
    set_status(site, main, "error", "é\n" * 100)

    state, description = latest_status(site, main) or ("", "")
    assert (state, len(description), description[-1]) == ("error", 140, "…")
    set_status(site, main, "error", "x" * 140)
    assert latest_status(site, main) == ("error", "x" * 140)


def test_a_status_is_found_behind_many_others(github, site, main):
    github.page_limit = 2
    set_status(site, main, "success", "ours")
    for n in range(5):
        set_status(site, main, "pending", "-", context=f"ci/{n}")

    assert latest_status(site, main) == ("success", "ours")


def test_a_commit_nobody_has_bears_no_status(github, site):
    with pytest.raises(InputError, match="No commit found for SHA"):
        set_status(site, "0" * 40, "success", "-")


def deployed(site, ref=TAG, environment="canary"):
    return create_deployment(
        site, ref=ref, environment=environment, description="d" * 200, payload={"a": [1]}
    )


def test_a_deployment_is_recorded_once_for_a_tag_and_an_environment(tagged, site):
    tagged.git.git("tag", "m@v1.0.1", "main")
    first = deployed(site)

    assert deployed(site) == first
    assert deployed(site, environment="production") != first
    assert deployed(site, ref="m@v1.0.1") != first
    made = tagged.deployments[0]
    assert (made["sha"], made["payload"]) == (tagged.git.head("main"), {"a": [1]})
    assert (made["transient_environment"], len(made["description"])) == (True, 140)


def test_a_failing_check_does_not_keep_a_deployment_away(tagged, site, main):
    set_status(site, main, "failure", "-", context="ci")

    assert deployed(site)


def test_a_deployment_of_nothing_is_refused(site):
    with pytest.raises(InputError, match="No ref found for: m@v9"):
        deployed(site, ref="m@v9")


def test_how_a_deployment_goes_is_kept(tagged, site):
    made = deployed(site)
    set_deployment_status(site, made, "in_progress", "on trial")
    set_deployment_status(site, made, "success", "x" * 200, "https://example.org")

    assert [s["state"] for s in tagged.deployments[0]["statuses"]] == ["in_progress", "success"]
    state, description = deployment_states(site, TAG)["canary"]
    assert (state, description[:3]) == ("success", "xxx")
    deployed(site, environment="production")  # died before its first status
    assert deployment_states(site, TAG)["production"] == ("pending", "")
    assert deployment_states(site, "main") == {}
    assert len(tagged.deployments[0]["statuses"][1]["description"]) == 140


def test_a_release_wants_its_tag_to_be_there(github, site):
    with pytest.raises(
        InputError, match=r"GitHub has no tag m@v1\.0\.0 to make a release of\. Push"
    ):
        create_release(site, tag=TAG, name="m", body="-")
    assert github.git.tag(TAG) is None


def test_a_release_that_came_in_between_is_found(tagged, site, release):
    # The first look misses it, and GitHub then says that it exists.
    tagged.fails("GET releases/tags/{tag}", Status(404, {"message": "Not Found"}))

    assert create_release(site, tag=TAG, name="other", body="-") == release
    assert len(tagged.releases) == 1


def test_a_file_is_hung_on_a_release_as_it_is(tagged, site, release):
    raw = bytes(range(256)) * 400
    made = upload_asset(site, release, "m@v1.0.0 (all).tar.gz", raw, "application/gzip")

    (asset,) = tagged.releases[0]["assets"]
    assert (asset["content"], asset["content_type"]) == (raw, "application/gzip")
    assert made.name == asset["name"] == "m.v1.0.0.all.tar.gz"
    assert made.digest == asset["digest"]


def test_what_was_published_is_not_replaced(tagged, site, release):
    first = upload_asset(site, release, "a.txt", b"one", "text/plain")

    assert upload_asset(site, release, "a.txt", b"two", "text/plain") == first
    assert tagged.releases[0]["assets"][0]["content"] == b"one"


def test_the_rest_of_an_upload_that_broke_off_makes_way(tagged, site, release):
    rest = {"id": 7, "name": "a.txt", "state": "open", "content_type": "-", "size": 0}
    tagged.releases[0]["assets"].append({**rest, "digest": None, "content": b""})

    upload_asset(site, release, "a.txt", b"one", "text/plain")

    assert [a["content"] for a in tagged.releases[0]["assets"]] == [b"one"]


def test_a_lost_answer_of_an_upload_is_looked_up(tagged, site, release):
    tagged.fails("POST releases/{release_id}/assets", Drop(after=True))

    made = upload_asset(site, release, "a.txt", b"one", "text/plain")

    assert [a["id"] for a in tagged.releases[0]["assets"]] == [made.id]
    assert tagged.calls.count("POST releases/{release_id}/assets") == 1


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "https://uploads.example.org/x", "ftp://x", "", "//x/y"]
)
def test_a_file_is_sent_to_no_other_server(github, site, url):
    odd = Release(id=1, html_url="-", upload_url=url)
    github.fails("GET releases/{release_id}/assets", Status(200, []))

    with pytest.raises(InputError, match="it points to another server"):
        upload_asset(site, odd, "a.txt", b"one", "text/plain")


@pytest.mark.parametrize(
    ("api", "uploads"),
    [
        ("https://api.github.com", "https://uploads.github.com/repos/a/b/releases/1/assets"),
        ("https://api.acme.ghe.com", "https://uploads.acme.ghe.com/repos/a/b/releases/1/assets"),
        ("https://ghe.acme.org/api/v3", "https://ghe.acme.org/api/uploads/repos/a/b/x"),
    ],
)
def test_githubs_own_host_for_uploads_is_trusted(api, uploads):
    transport = Transport(TOKEN, api, (1.0, 1.0))

    assert transport.upload_address(uploads) == uploads
    with pytest.raises(InputError):
        transport.upload_address(uploads.replace("https", "http"))
    with pytest.raises(InputError):
        transport.upload_address(uploads.replace("//", "//evil."))
