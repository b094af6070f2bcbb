"""What all commands share: one-line errors, exit codes, which checkpoint is meant."""

from __future__ import annotations

import errno
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from creps_core.errors import CrepsError

if TYPE_CHECKING:
    from creps_core.session import Session

INTERRUPTED = 130
TERMINATED = 143  # what a shell reports for SIGTERM


def run_command(command: click.Command) -> NoReturn:
    """Run a click command and leave with the exit code of the contract in design.md.

    Bad usage or input leaves with 2, a failure at run time with 1, Ctrl-C with 130; each prints one
    line `name: error: …` on stderr. A traceback is shown only when `--debug` is given.
    """
    name = command.name or "creps"
    try:
        # Not command.main(): it answers Ctrl-C with an empty line of its own.
        with command.make_context(name, sys.argv[1:]) as context:
            result = command.invoke(context)
        sys.exit(result if isinstance(result, int) else 0)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except (KeyboardInterrupt, click.Abort) as error:
        _fail(name, str(error) or "interrupted; nothing was left half-written", INTERRUPTED)
    except click.ClickException as error:
        _fail(name, error.format_message(), error.exit_code)
    except CrepsError as error:
        _fail(name, str(error), error.exit_code)
    except OSError as error:
        _fail(name, describe_os_error(error), 1)
    except MemoryError:
        _fail(name, "out of memory; try a smaller --size", 1)


def terminate(_signal: int, _frame: object) -> NoReturn:
    """A handler for SIGTERM: an exception, so that temporary files are removed."""
    sys.exit(TERMINATED)


def checkpoint_path(ckpt: Path | None, session: Session | None, session_path: Path | None) -> Path:
    """The checkpoint that is named, else the session's, else the bundled one."""
    from creps_core.checkpoint import bundled_checkpoint
    from creps_core.session_checkpoint import find_checkpoint

    if ckpt is not None:
        return ckpt
    if session is not None and session_path is not None:
        return find_checkpoint(session.checkpoint, session_path, bundled_checkpoint())
    return bundled_checkpoint()


def describe_os_error(error: OSError) -> str:
    """One line for a failed file operation, with the advice that fits."""
    where = f"{error.filename}: " if error.filename else ""
    advice = {
        errno.ENOSPC: "; free some space or write elsewhere",
        errno.EACCES: "; choose a folder you may write to",
        errno.EROFS: "; choose a folder you may write to",
    }.get(error.errno or 0, "")
    return f"{where}{(error.strerror or str(error)).lower()}{advice}"


def _fail(name: str, message: str, exit_code: int) -> NoReturn:
    if "--debug" in sys.argv[1:]:
        traceback.print_exc()
    line = " ".join(message.split())
    click.echo(f"{name}: error: {line}", err=True)
    sys.exit(exit_code)
