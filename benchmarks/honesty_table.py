"""The honesty benchmark's figures as a table for people."""

from __future__ import annotations

from typing import Any


def as_markdown(found: dict[str, Any]) -> str:
    """Return the shares of every trial with their exact intervals."""
    rows = [
        "| planted | gate | promoted | alerted slice alone | row-wise test |",
        "|:--|:--|--:|--:|--:|",
    ]
    for one in found["results"]:
        shares = [
            f"{100 * part['share']:.1f} % [{100 * part['low']:.1f}, {100 * part['high']:.1f}]"
            for part in (
                one["promoted"],
                one["alerted_slice_passes"],
                one["row_wise_test_passes"],
            )
        ]
        rows.append(f"| {one['message']} | {one['setting']} | {' | '.join(shares)} |")
    shipped = found["as_shipped"]
    return "\n".join(
        [
            "# Is the gate honest?",
            "",
            f"{found['hold_outs']:,} hold-outs of {found['days_per_hold_out']} days, drawn from "
            f"{found['days'][0]} to {found['days'][1]} (half-open); alerted slice "
            f"`{found['alerted']}`; seed {found['seed']}. Shares with exact 95 % intervals. "
            "Made by `python -m benchmarks honesty`, whose text says how.",
            "",
            *rows,
            "",
            "*One test at 95 %*: each bound at 95 %, nothing shared out. *As shipped*: confidence "
            f"{shipped['confidence']:g}, shared out over {shipped['candidates_per_hold_out']} "
            "candidates per hold-out, here the first.",
            "",
        ]
    )
