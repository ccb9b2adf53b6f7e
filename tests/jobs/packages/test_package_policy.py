"""What a package may hold: a good one passes, and anything changed in it refuses all of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.alerts.new import alert_json, new_alert
from retouch.alerts.receipt import Provenance, Receipt
from retouch.errors import InputError
from retouch.gate.model import Override, Overrides
from retouch.jobs.packages.base_facts import BaseFacts
from retouch.jobs.packages.package_policy import CheckedDocuments, check_contents
from retouch.jobs.packages.proposal import Proposal
from retouch.lockfile import entries
from retouch.pipeline.model import Output, Pipeline, Stage
from retouch.policy.edits import ParamEdit
from tests.reporting import documents as made

NOW = datetime(2024, 3, 1, 6, tzinfo=UTC)
RAW = alert_json(
    new_alert(
        {"kind": "performance", "model": "means", "monitor": "daily", "dataset": "rows"},
        now=NOW,
        randomness=bytes(10),
    )
).encode()
ID = json.loads(RAW)["alert_id"]
BASE = "b" * 40
REPORT = f"reports/{ID}"
EDIT = ParamEdit(file="params.yaml", key="fit.until", before=1, after=2)


def md5(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()


def entry(name: str, out: str, digest: str, until: int = 1) -> str:
    return (
        f"  {name}:\n    cmd: make {out}\n    params:\n      params.yaml:\n"
        f"        fit.until: {until}\n    outs:\n    - path: {out}\n      hash: md5\n"
        f"      md5: {digest}\n      size: 3\n"
    )


MODEL, PART, METRICS = b"new", b"part", b'{"error": 1}\n'
LISTING = json.dumps([{"md5": md5(PART), "relpath": "part"}]).encode()
BUNDLE = f"{md5(LISTING)}.dir"
OLD = md5(b"old")
HEAD = "schema: '2.0'\nstages:\n"
KEPT_ENTRY = entry("clean", "data/clean", OLD)
LOCK = HEAD + KEPT_ENTRY + entry("fit", "model", OLD) + entry("score", "metrics.json", OLD)
NEW_FIT, NEW_SCORE = entry("fit", "model", BUNDLE, 2), entry("score", "metrics.json", md5(METRICS))
NEW_LOCK = HEAD + KEPT_ENTRY + NEW_FIT + NEW_SCORE


def stage(name: str, out: str, *, cached: bool = True) -> Stage:
    return Stage(name=name, cmd="make", outputs=(Output(path=out, recorded=OLD, cached=cached),))


PIPELINE = Pipeline(
    stages=(
        stage("clean", "data/clean"),
        stage("fit", "model"),
        stage("score", "metrics.json", cached=False),
    ),
    params={"params.yaml": {"fit": {"until": 1}}},
)


def plan(**changed: Any):
    param = made.Because(reason="param", subject=EDIT.key, before=1, after=2)
    tier = made.refit(
        edits=(EDIT,),
        stages=(
            made.StagePlan(stage="clean", decision="reuse", because=(param,)),
            made.StagePlan(stage="fit", decision="run", because=(param,), wave=0),
            made.StagePlan(stage="score", decision="may_run", because=(param,), wave=1),
        ),
    )
    said = {"alerts": (made.alert(alert_id=ID),), "base_commit": BASE, **changed}
    return made.plan(tier, **said)


def run(**changed: Any):
    digest = entries.entry_digest
    receipts = (
        made.ran("fit", 1.0, outputs={"model": BUNDLE}, entry=digest(NEW_FIT)),
        made.ran("score", 1.0, outputs={"metrics.json": md5(METRICS)}, entry=digest(NEW_SCORE)),
    )
    attempt = made.attempt(plan().tiers[0], *receipts)
    told = made.run(attempt)
    return told.model_copy(update={"alert_ids": (ID,), "base_commit": BASE, **changed})


def judgement(**changed: Any):
    return made.judgement("refit", "promote", "It helps.", candidate_model=BUNDLE).model_copy(
        update=changed
    )


def verdict(one=None, **changed: Any):
    told = made.verdict(one or judgement())
    return told.model_copy(update={"alert_ids": (ID,), **changed})


RECEIPT = Receipt(
    alert_id=ID,
    sha256=hashlib.sha256(RAW).hexdigest(),
    received_at=NOW,
    channel="commit",
    provenance=Provenance(verdict="unsigned", may_retrain=True),
)


@dataclass(frozen=True)
class Box:
    """A package, and what it is held against."""

    proposal: Proposal
    files: dict[str, bytes]
    objects: dict[str, bytes | None]
    base: BaseFacts

    def check(self) -> CheckedDocuments:
        return check_contents(self.proposal, self.files, self.objects, self.base)

    def having(self, **files: object) -> Box:
        return self.put({f"{REPORT}/{name}.json": doc for name, doc in files.items()})

    def put(self, files: dict[str, Any]) -> Box:
        texts = {
            path: doc if isinstance(doc, bytes) else doc.to_json().encode()
            for path, doc in files.items()
        }
        return replace(self, files={**self.files, **texts})

    def without(self, *names: str) -> Box:
        return replace(self, files={p: raw for p, raw in self.files.items() if p not in names})

    def claiming(self, **changed: object) -> Box:
        return replace(self, proposal=self.proposal.model_copy(update=changed))


def box() -> Box:
    facts = BaseFacts(
        commit=BASE,
        pipeline=PIPELINE,
        texts={"params.yaml": "fit:\n  until: 1  # a day\n", "dvc.lock": LOCK},
        known={f"alerts/{ID}.json": RAW},
    )
    proposal = Proposal(
        branch=f"retouch/alert/{ID}", base=BASE, pull=1, alert_ids=(ID,), report_id=ID
    )
    files = {
        f"alerts/{ID}.json": RAW,
        f"alerts/{ID}.receipt.json": RECEIPT.to_json().encode(),
        "params.yaml": b"fit:\n  until: 2  # a day\n",
        "dvc.lock": NEW_LOCK.encode(),
        "metrics.json": METRICS,
    }
    objects = {BUNDLE: LISTING, md5(PART): None}
    full = Box(proposal, files, objects, facts)
    return full.having(plan=plan(), run=run(), verdict=verdict())


def test_a_package_that_keeps_to_its_plan_passes():
    found = box().check()
    assert found.plan == plan()
    assert found.run == run()
    assert found.verdict == verdict()
    assert found.receipts == (RECEIPT,)


def test_receipts_alone_pass_too():
    paths = [f"{REPORT}/{name}.json" for name in ("plan", "run", "verdict")]
    only = box().without(*paths, "params.yaml", "dvc.lock", "metrics.json")
    recorded = replace(only, objects={}).claiming(report_id=None)
    assert recorded.check().receipts == (RECEIPT,)


def no_candidate(full: Box) -> Box:
    attempt = run().attempts[0].model_copy(update={"kept": False})
    told = verdict(judgement(outcome="reject"), outcome="reject")
    return full.having(run=run(attempts=(attempt,)), verdict=told)


def failing(name: str):
    checks = made.good_checks()
    bad = checks[0].model_copy(update={"name": name, "result": "not_enough_data"})
    return judgement(checks=(bad, *checks[1:]))


def attempt(**changed: object):
    return run(attempts=(run().attempts[0].model_copy(update=changed),))


def receipts(**changed: object):
    first, *rest = run().attempts[0].receipts
    return attempt(receipts=(first.model_copy(update=changed), *rest))


CHANGES: dict[str, tuple[Callable[[Box], Box], str]] = {
    "code": (lambda b: b.put({"fit.py": b"pass"}), "touches 'fit.py'"),
    "a policy": (lambda b: b.put({"policies/promotion.yaml": b"x"}), "touches 'policies"),
    "a workflow": (lambda b: b.put({".github/workflows/x.yml": b"x"}), "touches '.github"),
    "a way out": (lambda b: b.put({"reports/../x": b"x"}), "touches 'reports/../x'"),
    "dvc.yaml": (lambda b: b.put({"dvc.yaml": b"x"}), "touches 'dvc.yaml'"),
    "another report": (lambda b: b.put({f"reports/{'0' * 26}/plan.json": b"x"}), "touches"),
    "another alert": (lambda b: b.put({f"alerts/{'0' * 26}.json": b"x"}), "touches"),
    "an altered alert": (
        lambda b: b.put({f"alerts/{ID}.json": RAW + b" "}),
        "differs from the one on its branch",
    ),
    "another's receipt": (
        lambda b: b.put({f"alerts/{ID}.receipt.json": _receipt(sha256="0" * 64)}),
        "is not the receipt of that alert",
    ),
    "a receipt that says more": (
        lambda b: b.put(
            {f"alerts/{ID}.receipt.json": _receipt(provenance=Provenance(verdict="verified"))}
        ),
        "but the alert has no signature",
    ),
    "no plan": (lambda b: b.without(f"{REPORT}/plan.json"), "plan.json: is missing"),
    "a broken plan": (lambda b: b.put({f"{REPORT}/plan.json": b"{}"}), "is not a valid plan"),
    "another base": (lambda b: b.having(plan=plan(base_commit="c" * 40)), "was made on"),
    "another key": (lambda b: b.having(run=run(plan_key="x")), "is the run of another plan"),
    "other alerts": (lambda b: b.having(run=run(alert_ids=("x",))), "about other alerts"),
    "a held plan that ran": (lambda b: b.having(plan=plan(action="hold")), "its plan holds"),
    "no approval": (
        lambda b: b.having(plan=plan(provenance=(_unproven(),))),
        "have none",
    ),
    "one that should have waited": (lambda b: b.claiming(waits_for=(3,)), "it waits"),
    "other edits": (lambda b: b.having(run=attempt(edits=())), "not the tier that the plan has"),
    "a failed stage": (lambda b: b.having(run=receipts(outcome="failed")), "a stage failed"),
    "an unplanned stage": (lambda b: b.having(run=receipts(stage="clean")), "not planned"),
    "no verdict": (lambda b: b.without(f"{REPORT}/verdict.json"), "without a verdict"),
    "a rejection": (
        lambda b: b.having(verdict=verdict(judgement(outcome="reject"), outcome="reject")),
        "the outcome is reject",
    ),
    "a halted one": (
        lambda b: b.having(verdict=verdict(judgement(halted_by="latency"))),
        "stopped by guardrail",
    ),
    "a missing number": (lambda b: b.having(verdict=verdict(failing("overall"))), "did not pass"),
    "no check at all": (
        lambda b: b.having(verdict=verdict(judgement(checks=()))),
        "nothing was checked",
    ),
    "an outcome of its own": (
        lambda b: b.having(verdict=verdict(outcome="invalid")),
        "not that of its last judgement",
    ),
    "an override by nobody": (
        lambda b: b.having(verdict=verdict(failing("overall").model_copy(update=_overridden()))),
        "an override that is not on record",
    ),
    "overrides of its own": (
        lambda b: b.having(overrides=Overrides(overrides=_overridden()["overridden"])),
        "differs from the one on its branch",
    ),
    "another model": (
        lambda b: b.having(verdict=verdict(judgement(candidate_model="0" * 32))),
        "a model that the run did not make",
    ),
    "a promotion that was not kept": (
        lambda b: b.having(run=attempt(kept=False)),
        "no candidate was kept",
    ),
    "params of a refused candidate": (no_candidate, "params.yaml: differs from the base branch"),
    "one param more": (
        lambda b: b.put({"params.yaml": b"fit:\n  until: 2  # a day\nevil: 1\n"}),
        "by more than the plan's edits",
    ),
    "params left out": (lambda b: b.without("params.yaml"), "differs from the base branch"),
    "an entry nobody made": (
        lambda b: b.put({"dvc.lock": NEW_LOCK.replace(KEPT_ENTRY, _clean()).encode()}),
        "no receipt records that",
    ),
    "an entry of no stage": (
        lambda b: b.put({"dvc.lock": (NEW_LOCK + entry("evil", "x", OLD)).encode()}),
        "no receipt records that",
    ),
    "an entry removed": (
        lambda b: b.put({"dvc.lock": NEW_LOCK.replace(KEPT_ENTRY, "").encode()}),
        "was removed",
    ),
    "another entry than made": (
        lambda b: b.put({"dvc.lock": NEW_LOCK.replace("make model", "make it").encode()}),
        "not the one its receipt records",
    ),
    "other outputs than made": (
        lambda b: b.having(run=receipts(outputs={"model": md5(b"x")})),
        "did not make",
    ),
    "the lock left out": (lambda b: b.without("dvc.lock"), "not the one its receipt records"),
    "a comment in the lock": (
        lambda b: b.put({"dvc.lock": NEW_LOCK.replace(HEAD, "# x\n" + HEAD).encode()}),
        "more than its entries",
    ),
    "conflict marks": (
        lambda b: b.put({"dvc.lock": b"<<<<<<< ours\n" + NEW_LOCK.encode()}),
        "dvc.lock",
    ),
    "other metrics": (
        lambda b: b.put({"metrics.json": b'{"error": 0}\n'}),
        "not what a stage of this run recorded",
    ),
    "an object too many": (
        lambda b: replace(b, objects={**b.objects, md5(b"x"): None}),
        "no stage of this run recorded it",
    ),
    "an object missing": (
        lambda b: replace(b, objects={md5(PART): None}),
        "is missing",
    ),
    "a part missing": (lambda b: replace(b, objects={BUNDLE: LISTING}), "lists it"),
}


def _receipt(**changed: object) -> Receipt:
    return RECEIPT.model_copy(update=changed)


def _clean() -> str:
    return entry("clean", "data/clean", md5(b"x"))


def _overridden() -> dict[str, Any]:
    one = Override(check="overall", reason="I looked.", by="alice", at=NOW)
    return {"overridden": (one,)}


def _unproven():
    from retouch.planning.model import AlertProvenance

    unsigned = Provenance(verdict="unsigned", reasons=("Nobody signed it.",))
    return AlertProvenance(alert_id=ID, provenance=unsigned)


@pytest.mark.parametrize("name", CHANGES)
def test_one_thing_changed_refuses_all_of_it(name):
    change, message = CHANGES[name]
    with pytest.raises(InputError) as refused:
        change(box()).check()
    assert message in str(refused.value)


def test_an_override_that_a_person_made_lets_its_check_pass():
    said = Overrides(overrides=_overridden()["overridden"])
    path = f"{REPORT}/overrides.json"
    full = box().having(
        overrides=said, verdict=verdict(failing("overall").model_copy(update=_overridden()))
    )
    known = {**full.base.known, path: said.to_json().encode()}
    replace(full, base=replace(full.base, known=known)).check()


FULL = box()
PASSING = frozenset(FULL.files)
QUICK = settings(deadline=None, max_examples=50)


@QUICK
@given(path=st.text(max_size=60) | st.sampled_from(["dvc.lock/x", "metrics.json/x", "CON"]))
def test_no_path_but_an_answers_ever_passes(path):
    if path in PASSING or path.startswith("metrics.json/"):
        return
    with pytest.raises(InputError):
        FULL.put({path: b"x"}).check()


@QUICK
@given(at=st.integers(0, len(NEW_LOCK) - 1), char=st.characters(codec="utf-8"))
def test_no_character_of_the_lock_can_be_changed(at, char):
    changed = NEW_LOCK[:at] + char + NEW_LOCK[at + 1 :]
    if changed == NEW_LOCK:
        return
    with pytest.raises(InputError):
        FULL.put({"dvc.lock": changed.encode()}).check()


@QUICK
@given(
    path=st.sampled_from(sorted(PASSING)),
    at=st.integers(0, 10_000),
    byte=st.integers(0, 255),
)
def test_no_byte_can_be_changed_into_a_traceback(path, at, byte):
    raw = bytearray(FULL.files[path])
    raw[at % len(raw)] = byte
    try:
        FULL.put({path: bytes(raw)}).check()
    except InputError as error:
        assert str(error)
