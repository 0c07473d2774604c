"""`margincall calc`: figures for planned or hypothetical positions, without any account."""

from __future__ import annotations

from typing import Annotated

import typer


def calc(
    file: Annotated[str, typer.Argument(help="A JSON array of positions; - for standard input.")],
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Print null for positions with bad input instead of nothing at all.")
    ] = False,
) -> None:
    """Compute margin figures from a file: no account, no network, no configuration."""
    from monitor.cli.calc import calc as run_calc

    raise typer.Exit(run_calc(file, keep_going))


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command(name="calc")(calc)
