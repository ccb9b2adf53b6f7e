"""Whoever opens a pull request writes its branch as they like; none of it helps a forged alert."""

from __future__ import annotations

import os

import pytest

from retouch.alerts.receipt import Receipt
from retouch.engine.base_branch import base_commit
from retouch.errors import InputError
from retouch.git import git
from tests.provenance.conftest import MONITORS, shell

LONG_AGO = {"emitted_at": "2019-06-01T05:00:00Z"}


def expired(checkout, name="daily"):
    return f'{name} valid-before="20200101Z" {checkout.public(name)}\n'


def received_in_2019(checkout, alert, **provenance):
    """Rewrite an alert's receipt: it came in, by dispatch, when its key was valid."""
    receipt = checkout.receipt(alert).model_dump(mode="json")
    receipt |= {"received_at": "2019-06-01T06:00:00Z", "channel": "dispatch", "sender": "relay"}
    receipt["provenance"] |= provenance
    checkout.receipt_path(alert).write_text(Receipt.model_validate(receipt).to_json())
    return checkout.receipt_path(alert).relative_to(checkout.root).as_posix()


def test_a_key_that_comes_with_the_alert_is_not_believed(checkout):
    alert = checkout.signed(key="stranger")
    signers = checkout.root / "policies/allowed_signers"
    signers.write_text(f"daily {checkout.public('stranger')}\n")
    checkout.git("add", "--all")
    checkout.git("commit", "--quiet", "-m", "An alert, and a key for it")

    assert "is not known: policies/allowed_signers of the base branch" in checkout.refusal(alert)


def test_a_permission_that_comes_with_the_alert_is_not_believed(checkout):
    alert = checkout.alert(monitor="weekly")
    registry = checkout.root / "policies/monitors.yaml"
    registry.write_text(f"{MONITORS}    unsigned: retrain\n")
    checkout.git("commit", "--quiet", "--all", "-m", "An alert, and leave for it")

    checkout.verify(alert)

    assert not checkout.receipt(alert).provenance.may_retrain


def test_a_receipt_that_comes_with_the_alert_is_not_believed(checkout):
    checkout.review(allowed_signers=expired(checkout))
    alert = checkout.signed(**LONG_AGO)
    checkout.verify(alert)
    provenance = {"verdict": "verified", "may_retrain": True, "reasons": ()}
    received_in_2019(checkout, alert, **provenance)
    checkout.git("add", "--all")
    checkout.git("commit", "--quiet", "-m", "An alert, and a receipt for it")

    assert "expired on 2020-01-01T00:00:00Z" in checkout.refusal(alert)


def test_a_receipt_on_the_base_branch_says_when_and_how_the_alert_first_came_in(checkout):
    alert = checkout.signed(**LONG_AGO)
    checkout.verify(alert)
    checkout.merge(received_in_2019(checkout, alert))
    checkout.review(allowed_signers=expired(checkout))

    told = checkout.verify(alert, "--channel", "commit", "--sender", "mallory")

    assert told.out.startswith("verified: ")
    receipt = checkout.receipt(alert)
    assert f"{receipt.received_at}" == "2019-06-01 06:00:00+00:00"
    assert (receipt.channel, receipt.sender) == ("dispatch", "relay")


@pytest.mark.parametrize("verdict", ["unsigned", "refused", "not_checked"])
def test_an_old_key_cannot_sign_what_came_in_without_its_signature(checkout, verdict):
    alert = checkout.signed(**LONG_AGO)
    checkout.verify(alert)  # the receipt then names the key, which anybody may claim
    checkout.merge(alert, received_in_2019(checkout, alert, verdict=verdict))
    checkout.review(allowed_signers=expired(checkout))

    assert "expired on 2020-01-01T00:00:00Z" in checkout.refusal(alert)


def test_an_old_key_cannot_take_over_an_alert_that_another_key_signed(checkout):
    alert = checkout.signed(**LONG_AGO)
    checkout.verify(alert)
    checkout.merge(alert, received_in_2019(checkout, alert, key_fingerprint="SHA256:other"))
    checkout.review(allowed_signers=expired(checkout))

    assert "expired on 2020-01-01T00:00:00Z" in checkout.refusal(alert)


def test_a_broken_receipt_on_the_base_branch_is_named(checkout):
    alert = checkout.signed()
    checkout.receipt_path(alert).write_text("{}")
    path = checkout.receipt_path(alert).relative_to(checkout.root).as_posix()
    checkout.merge(path)

    other = checkout.signed(2)

    told = checkout.verify(alert, other)

    assert told.code == 2
    assert told.out.startswith(f"verified: {other}")  # the fault of one stops no other
    assert told.err.startswith(f"{path}: on the base branch, is not a receipt of this alert.")


@pytest.mark.parametrize("bad_id", ["../../policies/allowed_signers", "a/b", "01M", ".", ""])
def test_an_id_that_is_a_path_is_refused_and_writes_nothing(checkout, bad_id):
    alert = checkout.signed()
    stem = alert.split("/")[1].removesuffix(".json")
    checkout.change(alert, stem, bad_id)
    before = sorted(checkout.root.rglob("*"))

    told = checkout.verify(alert)

    assert told.code == 2
    assert told.err.startswith(f"{alert}: alert_id: ")
    assert sorted(checkout.root.rglob("*")) == before


def test_an_alert_that_is_not_named_after_its_id_is_refused(checkout):
    alert = checkout.signed()
    (checkout.root / alert).rename(checkout.root / "alerts/another.json")

    told = checkout.verify("alerts/another.json")

    assert "is not the file's name" in told.err
    assert not list((checkout.root / "alerts").glob("*.receipt.json"))


def test_a_signature_of_ten_megabytes_is_not_read(checkout):
    alert = checkout.alert()
    (checkout.root / f"{alert}.sig").write_bytes(b"A" * 10_000_000)

    message = f"{alert}.sig: is larger than the 16,384 bytes allowed."
    assert checkout.refusal(alert) == message


@pytest.mark.parametrize("rubbish", [b"", b"\x00\xff\xfe" * 500, b"\x1b[2J\n"])
def test_binary_rubbish_is_no_signature(checkout, rubbish):
    alert = checkout.alert()
    (checkout.root / f"{alert}.sig").write_bytes(rubbish)

    assert checkout.refusal(alert).startswith(f"{alert}.sig: is not an ssh signature: there is no")


def test_binary_rubbish_is_no_alert(checkout):
    alert = checkout.signed()
    (checkout.root / alert).write_bytes(b"\x00\xff\xfe" * 500)

    told = checkout.verify(alert)

    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(f"{alert}: not UTF-8")


def linked(path, target):
    """Put the file elsewhere and a link in its place, as a pull request can."""
    path.replace(target)
    path.symlink_to(target)


def test_an_alert_that_is_a_link_is_not_followed(checkout):
    alert = checkout.signed()
    linked(checkout.root / alert, checkout.root.parent / "elsewhere")

    told = checkout.verify(alert)

    assert told.code == 2
    assert told.err == f"{alert}: is a symbolic link, which is not followed. Remove it.\n"


@pytest.mark.parametrize("dangling", [False, True])
def test_a_signature_that_is_a_link_is_not_followed(checkout, dangling):
    alert = checkout.signed()
    linked(checkout.root / f"{alert}.sig", checkout.root.parent / "elsewhere")
    if dangling:
        (checkout.root.parent / "elsewhere").unlink()

    message = f"{alert}.sig: is a symbolic link, which is not followed. Remove it."
    assert checkout.refusal(alert) == message


def test_a_receipt_that_is_a_link_is_not_written_through(checkout):
    alert = checkout.signed()
    target = checkout.root.parent / "precious"
    target.write_text("mine")
    checkout.receipt_path(alert).symlink_to(target)

    told = checkout.verify(alert)

    assert told.code == 2
    assert ".receipt.json: is a symbolic link, which is not followed. Remove it." in told.err
    assert target.read_text() == "mine"


@pytest.mark.parametrize("inside", [False, True])
def test_a_folder_of_alerts_that_is_a_link_is_not_followed(checkout, inside):
    alert = checkout.signed()
    target = checkout.root if inside else checkout.root.parent / "elsewhere"
    if inside:
        for path in (checkout.root / "alerts").iterdir():
            path.rename(checkout.root / path.name)
        (checkout.root / "alerts").rmdir()
    else:
        (checkout.root / "alerts").rename(target)
    (checkout.root / "alerts").symlink_to(target)

    told = checkout.verify(alert)

    assert (told.code, told.out) == (2, "")
    assert "alerts: is a symbolic link, which is not followed." in told.err


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
@pytest.mark.parametrize("ending", ["", ".sig"])
def test_what_is_no_plain_file_is_refused_without_waiting(checkout, make, ending):
    alert = checkout.alert()
    (checkout.root / f"{alert}{ending}").unlink(missing_ok=True)
    make(checkout.root / f"{alert}{ending}")

    told = checkout.verify(alert)

    assert told.code == 2
    assert f"{alert}{ending}: " in told.out + told.err


def test_a_registry_that_is_a_link_is_refused(checkout):
    alert = checkout.signed()
    signers = checkout.upstream / "policies/allowed_signers"
    signers.unlink()
    signers.symlink_to("monitors.yaml")
    checkout.merge()

    assert "policies/allowed_signers: is not a plain file at commit " in checkout.verify(alert).err


@pytest.mark.parametrize("kind", ["tag", "branch"])
def test_a_tag_or_branch_with_the_name_of_the_base_branch_is_not_believed(checkout, kind):
    alert = checkout.signed(key="stranger")
    signers = checkout.root / "policies/allowed_signers"
    signers.write_text(f"daily {checkout.public('stranger')}\n")
    checkout.git("commit", "--quiet", "--all", "-m", "A key of mine")
    checkout.git(kind, "origin/main")

    assert "is not known" in checkout.refusal(alert)
    assert "is not known" in checkout.refusal(alert, GITHUB_BASE_REF="main")
    assert "is not known" in checkout.refusal(alert, "--base", "origin/main")


def test_the_base_is_the_one_named_then_githubs_then_the_remotes_then_ours(checkout):
    checkout.git("commit", "--quiet", "--allow-empty", "-m", "Mine")
    checkout.git("push", "--quiet", "origin", "HEAD:release")
    upstream, mine = (checkout.git("rev-parse", name).strip() for name in ("origin/main", "HEAD"))

    def base(name=None, **environment):
        found = base_commit(checkout.root, name, environment)
        return found.name, found.commit

    assert base("HEAD", GITHUB_BASE_REF="release") == ("HEAD", mine)
    assert base(upstream) == (upstream, upstream)
    assert base(GITHUB_BASE_REF="release") == ("origin/release", mine)
    assert base(GITHUB_BASE_REF="") == ("origin/HEAD", upstream)
    checkout.git("remote", "remove", "origin")
    assert base() == ("HEAD", mine)


@pytest.mark.parametrize("name", ["nope", "--all", "origin/nope", "HEAD:policies", ""])
def test_a_base_that_is_not_there_is_never_replaced_by_another(checkout, name):
    environment = {} if name else {"GITHUB_BASE_REF": "nope"}

    with pytest.raises(InputError, match="is not in this clone"):
        base_commit(checkout.root, name or None, environment)


def test_a_repository_without_a_commit_says_so(tmp_path):
    shell("git", "init", "--quiet", cwd=tmp_path)

    with pytest.raises(InputError, match="The repository has no commit yet"):
        base_commit(tmp_path, None, {})


def test_files_at_a_commit_are_read_byte_for_byte_from_a_folder_below(checkout):
    odd = b"\x00\xff\r\nblob 3\n\n"
    for name, content in {"sub/alerts/a b": odd, "sub/alerts/é": b"", "sub/alerts/c": b"c"}.items():
        (checkout.root / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout.root / name).write_bytes(content)
    checkout.git("add", "--all")
    checkout.git("commit", "--quiet", "-m", "Files")
    wanted = {"alerts/a b", "alerts/é", "alerts/none"}

    found = git.files_at(checkout.root / "sub", "HEAD", ("policies", "alerts"), wanted)

    assert found == {"alerts/a b": odd, "alerts/é": b""}
