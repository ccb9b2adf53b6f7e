"""The text of a release on GitHub. Pure."""

from __future__ import annotations

from retouch.reporting.escape import Markdown, code, join, write


def release_body(
    *,
    version: str,
    model: str,
    hash: str,
    commit: str,
    report: str | None,
    message: str | None,
    bundle: tuple[str, str, int],
) -> str:
    """Return the Markdown of a version's release.

    `report` and `says` are of the verdict that kept it; a baseline has none. `bundle`: the file's
    name, its sha256, its bytes.
    """
    name, digest, size = bundle
    why = (
        write("{} The report: {}.", message or "", code(f"reports/{report}/report.md", 200))
        if report
        else Markdown("The baseline: the model that was in production when versions began.")
    )
    lines = [
        why,
        Markdown("| | |\n|---|---|"),
        write("| model | {} {} |", code(model), code(version)),
        write("| hash in `dvc.lock` | {} |", code(hash)),
        write("| commit | {} |", code(commit)),
        write("| {} | {} bytes, sha256 {} |", code(name, 200), f"{size:,}", code(digest, 100)),
    ]
    checked = write(
        "The file holds the model, every digest it stands on, the metrics, the report and the"
        " environment lock. `retouch bundle {}` makes the same bytes anywhere.",
        version,
    )
    table = join("\n", lines[1:])
    return str(join("\n\n", [lines[0], table, checked])) + "\n"
