"""Why GitHub refuses a tag that a job pushes, in its words, and what to do about it. Pure."""

from __future__ import annotations

import re
import shlex
from datetime import datetime

from retouch.errors import CheckFailed

_RULESET = re.compile(r"GH013|repository rule violations", re.IGNORECASE)
_WORKFLOW = re.compile(
    r"create or update workflow `?(?P<path>[^`\s]+)`? without `?workflows?`? (?:permission|scope)"
)


def refused_tag(
    output: str, name: str, commit: str, message: str, at: datetime
) -> CheckFailed | None:
    """Return why a tag was refused, by what git printed; None where that is no rule of GitHub's.

    The hint has the command by which a person pushes the same tag.
    """
    by_hand = (
        f"GIT_COMMITTER_DATE={shlex.quote(f'@{int(at.timestamp())} +0000')}"
        f" git tag --annotate --message={shlex.quote(message)} {shlex.quote(name)} {commit}"
        f" && git push origin {shlex.quote(f'refs/tags/{name}')}"
    )
    workflow = _WORKFLOW.search(output)
    if workflow is not None:
        return CheckFailed(
            f"GitHub refuses the tag {name}: {workflow['path']} of commit {commit[:10]} is not as"
            " the branches have it now, and a token without the permission `workflows`, which"
            " GITHUB_TOKEN cannot have, may tag no such commit.",
            hint="Let an App with Workflows: write do it (docs/workflows.md), or push the tag by"
            f" hand: {by_hand}",
        )
    if _RULESET.search(output):
        rules = re.findall(r"^(?:remote: )?\s*- (.+?)\s*$", output, re.MULTILINE)
        said = f" ({' '.join(rules)[:300]})" if rules else ""
        return CheckFailed(
            f"A ruleset of the repository refuses the tag {name}{said}. GITHUB_TOKEN can be on no"
            " ruleset's bypass list.",
            hint="Put an App on the bypass list and let the jobs use it (docs/release.md), or push"
            f" the tag by hand: {by_hand}",
        )
    return None
