"""Tables of scored rows and policies for the tests of guardrails."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retouch.gate.guardrails import evaluate_guardrails
from retouch.gate.pairing import Paired
from retouch.policy.promotion import Promotion
from tests.gate.conftest import POLICY

WHY = {"name": "It holds", "why": "It must."}


def make_policy(*guardrails, **limits):
    """Make a policy of these guardrails, with an interval and a probe."""
    return Promotion.model_validate(
        POLICY
        | {"limits": POLICY["limits"] | limits}
        | {"score": POLICY["score"] | {"lower": "lower", "upper": "upper"}}
        | {"guardrails": [WHY | {"name": f"No. {n}"} | g for n, g in enumerate(guardrails)]}
        | {"probe": {"rows_cmd": "rows {out}", "score_cmd": "score {model} {rows} {out}"}}
    )


def make_paired(label, production, candidate, *, days=15, slices=None, width=None):
    """Make paired rows; each of `days` has its turn, row by row. `width`: half an interval."""
    label = np.asarray(label, dtype=float)
    day = np.arange(len(label)) % days
    rows = pd.DataFrame(
        {
            "id": [f"{n:06d}" for n in range(len(label))],
            "day": [f"2013-11-{d + 1:02d}" for d in day],
            "label": label,
            "production_score": np.broadcast_to(production, label.shape).astype(float),
            "candidate_score": np.broadcast_to(candidate, label.shape).astype(float),
        }
    )
    for side in ("production", "candidate") if width is not None else ():
        rows[f"{side}_lower"] = rows[f"{side}_score"] - width
        rows[f"{side}_upper"] = rows[f"{side}_score"] + width
    return Paired(rows, pd.DataFrame(slices if slices is not None else {}, index=rows.index))


def ask(paired, guardrail, measured=None, **limits):
    """Ask one guardrail."""
    (found,) = evaluate_guardrails(paired, make_policy(guardrail, **limits), measured)
    return found
