"""The command line: one file for each group of verbs. Every verb ends with 0, or says in words what is wrong.

Exit codes: 0 done; 1 it could not be done, or not all of it; 2 bad input or nothing there to read; 78 the configuration
cannot be used.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

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


def register_all() -> None:
    """Give ``app`` every verb, once."""
    from monitor.cli import check, history, plan, positions, run, trial

    if not app.registered_commands:
        for group in (run, check, positions, history, trial, plan):
            group.register(app)


def main() -> None:
    """The command `margincall`."""
    register_all()
    try:
        app()
    except ConfigError as error:
        _say(error.message)
        sys.exit(error.exit_code)
    except StoreMissing as error:
        _say(error.message, error.advice)
        sys.exit(error.exit_code)
    except MargincallError as error:
        _say(error.message, error.advice)
        sys.exit(1)


def _say(*lines: str) -> None:
    for line in lines:
        if line:
            sys.stderr.write(f"{line}\n")
