"""`retouch alert`: write alerts, import them from a monitor's output, check and deliver them."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from inspect import cleandoc
from pathlib import Path
from textwrap import wrap
from typing import Any, get_args

import click

from retouch.adapters.base.context import Context
from retouch.adapters.registry import ADAPTERS
from retouch.alerts.model import FAMILY_OF, SEVERITIES, Alert, Status
from retouch.alerts.new import alert_json, new_alert
from retouch.cli.options import (
    FILES,
    JSON,
    PATH,
    REPO,
    current_project,
    echo_outcomes,
    exit_with,
    now,
    repository_from_environment,
)
from retouch.engine import import_alerts, submit_alerts
from retouch.engine.project import Project
from retouch.errors import InputError
from retouch.reporting.escape import plain
from retouch.schema_errors import near
from retouch.storage import documents
from retouch.storage.alert_files import read_alert

_FINDING = re.compile(
    r"(?P<metric>[a-z][a-z0-9_]*)(:(?P<column>[^=<>]+?))?\s*=\s*(?P<value>[-+.\deE]+)"
    r"(\s*(?P<op>[<>]=?)\s*(?P<limit>[-+.\deE]+))?"
)
_CONDITION = re.compile(r"(?P<column>[^=<>!]+)(?P<op>!=|<=|>=|=|<|>)(?P<value>.+)", re.DOTALL)
_OPS = {"=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d+)?", re.ASCII)
_BREACH = {">": "gt", ">=": "ge", "<": "lt", "<=": "le"}

AUDIENCE = click.option(
    "--audience",
    envvar="GITHUB_REPOSITORY",
    metavar="OWNER/NAME",
    help="The repository it is for [default: the one in policies/monitors.yaml].",
)


@click.group()
def alert() -> None:
    """Create, sign, verify and track alerts."""


@alert.command("new")
@click.option("--kind", required=True, type=click.Choice(sorted(FAMILY_OF)), metavar="KIND")
@click.option("--dataset", required=True, help="The dataset that was judged.")
@click.option("--path", help="Its path in DVC; the digest is then read from dvc.lock.")
@click.option("--digest", help="Its digest: md5:... as in dvc.lock, or sha256:...")
@click.option("--model", help="The model concerned [default: the policy's].")
@click.option("--model-version", help="The version that was judged.")
@click.option("--monitor", default="by-hand", show_default=True, help="The id of the monitor.")
@click.option("--column", "columns", multiple=True, help="An affected column; repeatable.")
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="All affected rows have COLUMN=VALUE (or =A,B; also !=, <, <=, >, >=); repeatable.",
)
@click.option("--window", nargs=2, metavar="START END", help="Days, or times with a UTC offset.")
@click.option("--rows", type=click.IntRange(0), help="The number of rows judged.")
@click.option(
    "--finding",
    "findings",
    multiple=True,
    metavar="FINDING",
    help="METRIC[:COLUMN]=VALUE[>LIMIT]; repeatable.",
)
@click.option("--status", type=click.Choice(get_args(Status)), help="[default: firing]")
@click.option("--severity", type=click.Choice(SEVERITIES), help="[default: warning]")
@click.option("--confidence", type=float, help="0 to 1, as stated by the monitor.")
@click.option("--expires-at", metavar="TIME", help="The alert is ignored after this time.")
@click.option("--message", help="What a person should know.")
@click.option("--hypothesis", help="The suspected cause.")
@AUDIENCE
@click.option(
    "--print", "only_print", is_flag=True, help="Print the alert instead of writing a file."
)
def alert_new(
    where: Sequence[str], findings: Sequence[str], only_print: bool, **flags: Any
) -> None:
    """Write a new alert to alerts/.

    \b
    KIND is one of: data_quality schema_change volume freshness data_drift prediction_drift
    target_drift attribution_drift label_quality performance estimated_performance concept_drift
    system_health policy_change manual
    """
    project = current_project()
    flags["model"] = flags["model"] or project.policy.model
    flags["audience"] = flags["audience"] or project.monitors.repository
    if flags["path"] and not flags["digest"]:
        flags["digest"] = _recorded_digest(project, flags["path"])
    fields = fields_of_flags(flags, where=where, findings=findings)
    made = new_alert(fields, now=now(), randomness=secrets.token_bytes(10))
    if only_print:
        click.echo(alert_json(made), nl=False)
        return
    (written,) = import_alerts.write_alerts([made], project.root / documents.ALERTS)
    click.echo(written.path.relative_to(project.root))


@alert.command("check")
@FILES
def alert_check(paths: Sequence[Path]) -> None:
    """Check alert files, with one message per error.

    Receipts and signatures are skipped, so that alerts/* can be given.
    """
    faults, root = 0, _root_or_none()
    for path in paths:
        try:
            click.echo(f"{path}: {_checked(path, root)}")
        except InputError as error:
            faults += 1
            click.echo(plain(str(error), 1000), err=True)
    exit_with(InputError.exit_code if faults else 0)


@alert.command("import")
@click.argument("native", type=click.Path(path_type=Path, allow_dash=True), metavar="FILE")
@click.option("--from", "tool", required=True, metavar="TOOL", help="The tool that wrote FILE.")
@click.option("--context", type=PATH, help="A file with what the output does not contain.")
@click.option("--mapping", type=PATH, help="The mapping file, for --from mapping.")
@AUDIENCE
@click.option(
    "--resolved",
    is_flag=True,
    help="Also write `resolved` alerts for what passed, so that incidents can close.",
)
@click.option("--out", type=PATH, help="The folder to write to [default: alerts/].")
@click.option(
    "--print", "only_print", is_flag=True, help="Print the alerts instead of writing files."
)
def alert_import(
    native: Path,
    tool: str,
    context: Path | None,
    mapping: Path | None,
    audience: str | None,
    resolved: bool,
    out: Path | None,
    only_print: bool,
) -> None:
    """Convert a monitor's own output into alerts.

    FILE is the output, or - for standard input. The verdicts are the monitor's. What its output
    does not contain, such as the digest of the data, comes from the context file and is never
    guessed. docs/monitors.md has an example for each TOOL:

    \b
    """
    project = _project_or_none()
    if project is None and out is None and not only_print:
        raise InputError(
            "This folder is not in a DVC project, so there is no alerts/.",
            hint="Give --out FOLDER.",
        )
    made = import_alerts.alerts_from(
        tool,
        native,
        context=context,
        mapping=mapping,
        defaults=_known(project, audience),
        now=now(),
        include_resolved=resolved,
    )
    if not made:
        click.echo(f"{native}: no alert to raise.", err=only_print)
    elif only_print:
        click.echo("".join(map(alert_json, made)), nl=False)
    else:
        _write(made, out or Path(project.root if project else "") / documents.ALERTS)


_TOOLS = wrap(" ".join([*ADAPTERS, import_alerts.MAPPING]), width=72, break_on_hyphens=False)
# Cleaned before anything is appended: click removes the indentation that all lines share.
alert_import.help = "\n".join([cleandoc(alert_import.help or ""), *_TOOLS])


@alert.command("open")
@FILES
@REPO
@click.option("--base", metavar="BRANCH", help="The target branch [default: the default branch].")
@click.option("--dispatch", is_flag=True, help="Send a repository_dispatch event instead.")
@JSON
def alert_open(
    paths: Sequence[Path], repo: str | None, base: str | None, dispatch: bool, as_json: bool
) -> None:
    """Open a pull request on GitHub for each alert.

    Its signature FILE.sig is added, if there is one. An alert that was delivered before keeps its
    pull request. GITHUB_TOKEN holds the token (Contents: write, Pull requests: write),
    GITHUB_API_URL the address where it is not github.com.
    """
    target = repository_from_environment(repo)
    if dispatch and base is not None:
        raise InputError(
            "--base: cannot be combined with --dispatch, which has no target branch.",
            hint="Omit one of them.",
        )
    if dispatch:
        outcomes = submit_alerts.dispatch(paths, target)
    else:
        outcomes = submit_alerts.open_pull_requests(
            paths, target, base and submit_alerts.checked_branch(base)
        )
    seen = []
    for outcome in outcomes:
        seen.append(outcome)
        if as_json:
            continue
        if outcome.exit_code:
            click.echo(outcome.message, err=True)
        else:
            click.echo(f"{outcome.file}: {outcome.message}")
    if as_json:
        echo_outcomes(seen)
    exit_with(max(outcome.exit_code for outcome in seen))


def _checked(path: Path, root: Path | None) -> str:
    """Return the result for a file without errors. Raises InputError."""
    if what := documents.lies_beside(path):
        return f"{what}, not an alert"
    read_alert(path, root)
    return "ok"


def _recorded_digest(project: Project, path: str) -> str:
    digest = project.digest_of(path)
    if digest is None:
        raise InputError(
            f"--path {path!r}: dvc.lock records no such data{near(path, project.paths)}",
            hint="Give its --digest, or omit --path.",
        )
    return digest


def _write(made: Sequence[Alert], folder: Path) -> None:
    for written in import_alerts.write_alerts(made, folder):
        raised = written.alert
        note = "" if written.new else "  (already exists)"
        path = os.path.relpath(written.path)
        click.echo(f"{path}  {raised.kind} {raised.status} {raised.severity}{note}")


def _known(project: Project | None, audience: str | None) -> Context:
    """Return what every alert of this repository has in common: the model, and the audience."""
    if project is None:
        return Context(audience=audience)
    name = audience or project.monitors.repository
    return Context(model=project.policy.model, audience=name)


def _project_or_none() -> Project | None:
    try:
        return current_project()
    except InputError:
        return None


def _root_or_none() -> Path | None:
    """Return the project's root; a file may be checked outside of one as well."""
    project = _project_or_none()
    return None if project is None else project.root


def finding(text: str) -> dict[str, Any]:
    """Return the finding in `METRIC[:COLUMN]=VALUE[>LIMIT]`. Raises InputError.

    `psi:temp=0.31>0.2` means that the PSI of `temp` is 0.31, and that above 0.2 is a breach.
    """
    match = _FINDING.fullmatch(text.strip())
    if match is None:
        raise InputError(
            f"--finding {text!r}: must be METRIC[:COLUMN]=VALUE[>LIMIT].",
            hint="For example: `--finding psi:temp=0.31>0.2`.",
        )
    found: dict[str, Any] = {"metric": match["metric"], "value": _number(match["value"], text)}
    if match["column"]:
        found["column"] = match["column"]
    if match["op"]:
        found["breach_when"] = _BREACH[match["op"]]
        bound = "upper" if match["op"].startswith(">") else "lower"
        found[bound] = _number(match["limit"], text)
    return found


def condition(text: str) -> dict[str, Any]:
    """Return the predicate in `COLUMN=VALUE`, `COLUMN=A,B` or `COLUMN>=VALUE`. Raises InputError.

    Values are numbers and booleans where they look like them, as in the policies; quoted, text.
    """
    match = _CONDITION.fullmatch(text)
    values = [one.strip() for one in match["value"].split(",")] if match else []
    column, op = (match["column"].strip(), _OPS[match["op"]]) if match else ("", "")
    if not column or not all(values) or (op != "eq" and len(values) > 1):
        raise InputError(
            f"--where {text!r}: must be COLUMN=VALUE, COLUMN=A,B or COLUMN>=VALUE.",
            hint="For example: `--where origin=JFK`.",
        )
    if len(values) > 1:
        return {"column": column, "op": "in", "value": [_scalar(one) for one in values]}
    predicate: dict[str, Any] = {"column": column, "value": _scalar(values[0])}
    return predicate if op == "eq" else {**predicate, "op": op}


def fields_of_flags(
    flags: dict[str, Any], *, where: Sequence[str], findings: Sequence[str]
) -> dict[str, Any]:
    """Return the fields of an alert in short form, without the flags that were not given."""
    fields = {name: value for name, value in flags.items() if value not in (None, (), "")}
    if where:
        fields["where"] = [condition(text) for text in where]
    if findings:
        fields["findings"] = [finding(text) for text in findings]
    return fields


def _scalar(text: str) -> str | int | float | bool:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    if _NUMBER.fullmatch(text) is None:
        return text
    return float(text) if "." in text else int(text)


def _number(digits: str, text: str) -> float:
    try:
        return float(digits)
    except ValueError:
        raise InputError(
            f"--finding {text!r}: {digits!r} is not a number.",
            hint="For example: `--finding psi:temp=0.31>0.2`.",
        ) from None
