"""The command line: one file for each group of verbs. Every verb ends with 0, or says in words what is wrong.

Exit codes: 0 done; 1 it could not be done, or not all of it; 2 bad input or nothing there to read; 78 the configuration
cannot be used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from monitor.errors import ConfigError, MargincallError, StoreMissing

app = typer.Typer(
    name="margincall",
    help="The margin call that the exchange never makes.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Config = Annotated[Path | None, typer.Option("--config", help="The configuration file; default: the first that is found.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def _version(value: bool) -> None:  # noqa: FBT001 - typer's callback
    if value:
        from monitor import __version__

        typer.echo(f"margincall {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    del version


VERBS = {
    "init": "init",
    "run": "run",
    "reload": "reload",
    "check": "check",
    "positions": "positions",
    "history": "history",
    "events": "events",
    "postmortem": "postmortem",
    "alerts": "alerts",
    "test-alert": "trial",
    "drill": "drill",
    "topups": "topups",
    "margin": "margin",
    "credentials": "credentials",
    "service": "service",
    "calc": "plan",
    "demo": "demo",
    "practice": "practice",
}
"""Every verb, in the order of the help, and the module here that has it."""
COMPLETION = "_MARGINCALL_COMPLETE"
"""Set by a shell that asks what could come next."""
INTERRUPTED = 130


def register_all() -> None:
    """Give ``app`` every verb, once."""
    _register(VERBS)


def main() -> None:
    """The command `margincall`."""
    try:
        _register(wanted(sys.argv[1:], asked_by_shell=COMPLETION in os.environ))
        app()
    except ConfigError as error:
        _end(error.exit_code, error.message)
    except StoreMissing as error:
        _end(error.exit_code, error.message, error.advice)
    except MargincallError as error:
        _end(1, error.message, error.advice)
    except KeyboardInterrupt:
        _end(INTERRUPTED)


def wanted(arguments: Sequence[str], *, asked_by_shell: bool) -> Iterable[str]:
    """The verbs that this command line needs: the one that it names, all of them where it names none (help, a slip).

    Each verb costs its imports and a validator for each of its parameters, which together double the time to the first word.
    """
    named = arguments[0] if arguments else ""
    return [named] if named in VERBS and not asked_by_shell else VERBS


def _register(verbs: Iterable[str]) -> None:
    there = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    for verb in verbs:
        if verb not in there:
            import_module(f"monitor.cli.{VERBS[verb]}").register(app)


def _end(code: int, *lines: str) -> NoReturn:
    """End with ``code``, and say why on standard error."""
    for line in lines:
        if line:
            sys.stderr.write(f"{line}\n")
    sys.exit(code)
