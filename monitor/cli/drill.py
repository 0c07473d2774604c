"""`margincall drill`: one marked alert through the whole pipe, as if a position's cushion had fallen."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

import typer

from monitor.cli import Config
from monitor.cli.symbols import unified

SHARE = re.compile(r"(\d{1,2}(?:\.\d+)?)%")


def drill(
    symbol: Annotated[str, typer.Argument(help="An open position's symbol, such as BTC/USDT.")],
    cushion: Annotated[str, typer.Option("--cushion", help="The cushion to rehearse, such as 8%.")] = "8%",
    config: Config = None,
) -> None:
    """Send the alert that this position would raise at such a cushion, marked as a DRILL. Needs the daemon."""
    from monitor.cli.asking import ask

    written = SHARE.fullmatch(cushion.replace(" ", ""))
    if written is None:
        raise typer.BadParameter("write a share such as 8%", param_hint="--cushion")
    number = written[1].replace(".", "")
    digits = len(written[1].partition(".")[2])
    answer = asyncio.run(ask(config, "drill", alone=False, symbol=unified(symbol), cushion=f"{number}e-{digits + 2}"))
    for title in answer["titles"]:
        typer.echo(f"sent: {title}")


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command()(drill)
