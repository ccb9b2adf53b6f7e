"""The entry point: the command group, and errors as messages and exit codes."""

from __future__ import annotations

import errno
import os
import traceback
from collections.abc import Sequence

import click

from retouch.cli import (
    alert,
    alert_intake,  # noqa: F401 (it adds its commands to the group of `alert`)
    checks,
    ci,
    policy,
    release,
    run,
    store,
)
from retouch.cli.console import harmless_log
from retouch.errors import InputError, RetouchError
from retouch.system.processes import terminate_as_interrupt


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="retouch")
def cli() -> None:
    """Retrain only what an alert touched.

    An alert is a JSON file that says which slice of the data went wrong. Retouch finds the stages
    of the DVC pipeline that the slice affects, runs only those, compares the result with the model
    in production, and writes a report.

    \b
      retouch demo                   replay a real alert, from start to report
      retouch plan alerts/ID.json    show what would run, and why
      retouch run alerts/ID.json     run it

    Exit codes: 0 worked (also: nothing to do), 1 a stage or check failed, 2 bad input, 3 internal
    error, 130 interrupted.
    """


COMMANDS = (
    *(run.build, run.demo, run.explain, run.plan, run.report, run.run, run.status),
    *(alert.alert, policy.policy, store.store, ci.ci),
    *(checks.doctor, checks.merge_lock, checks.verify),
    *(
        release.bundle,
        release.canary,
        release.promote,
        release.reconcile,
        release.rollback,
        release.shadow,
    ),
)
for command in COMMANDS:
    cli.add_command(command)


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_OF_THE_SYSTEM = {*_FULL, errno.EACCES, errno.EPERM, errno.EROFS}
"""What no code of ours can mend: a full disk, a quota, a folder that may not be written."""


def _system_error(error: OSError) -> InputError:
    where = f"{error.filename}: " if error.filename else ""
    hint = "Let this user read and write there, then do it again."
    if error.errno in _FULL:
        hint = "Free some space, or raise the quota, then do it again: what is finished is kept."
    return InputError(f"{where}{error.strerror}.", hint=hint)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; the console script's entry."""
    with harmless_log(os.environ):
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    try:
        with terminate_as_interrupt():
            # Commands return nothing; a code is what `ctx.exit` gave.
            args = list(argv) if argv is not None else None
            code = cli.main(args=args, prog_name="retouch", standalone_mode=False)
    except RetouchError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return InputError.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted; changes were rolled back.", err=True)
        return 130
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_SYSTEM:
            click.echo(f"Error: {_system_error(error)}", err=True)
            return InputError.exit_code
        traceback.print_exc()
        click.echo("Internal error. Please report it with the lines above.", err=True)
        return RetouchError.exit_code
    return int(code or 0)
