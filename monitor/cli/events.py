"""`margincall events`: what happened to positions, each with how exactly that is known."""

from __future__ import annotations

import csv
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli import AsJson, Config
from monitor.cli.columns import Column
from monitor.cli.history import moment
from monitor.cli.symbols import unified

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.lives.event import LifeEvent

FEW = 100
COLUMNS = (
    Column(name="when", right=False),
    Column(name="known", right=False, rank=3),
    Column(name="account", right=False, rank=1),
    Column(name="position", right=False),
    Column(name="what", right=False),
    Column(name="before -> after", rank=2),
    Column(name="amount"),
    Column(name="by", right=False, rank=4),
)


def events(
    symbol: Annotated[str, typer.Argument(help="Only of this symbol, such as BTC/USDT.")] = "",
    config: Config = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    since: Annotated[str | None, typer.Option("--since", help="From then on: 2h, 7d, 2026-11-22 or 2026-11-22T21:00Z.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many, the newest; 100 by default.")] = None,
) -> None:
    """Show what happened to positions, oldest first: opened, sizes, margins, liquidated, closed; when, how, by whom."""
    if as_json and as_csv:
        raise typer.BadParameter("give --json or --csv, not both")
    begins = moment(since, datetime.now(UTC))
    from monitor.cli.documents import SCHEMA, iso
    from monitor.cli.life_documents import FIELDS, event_document
    from monitor.config.find import locate
    from monitor.store.reader import StoreReader

    with StoreReader(locate(config).store) as reader:
        found = reader.events(symbol=unified(symbol), since=begins, limit=limit or (None if begins else FEW))
    if as_json:
        rows = [event_document(one) for one in found]
        typer.echo(json.dumps({"schema": SCHEMA, "as_of": iso(datetime.now(UTC)), "events": rows}, indent=2))
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, FIELDS, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(event_document(one) for one in found)
    else:
        _print(found, symbol)


def _print(found: Sequence[LifeEvent], symbol: str) -> None:
    from rich.text import Text

    from monitor.cli.columns import print_rows
    from monitor.cli.life_documents import event_cells
    from monitor.cli.screen import console

    if found:
        print_rows(console(), COLUMNS, [[Text(cell) for cell in event_cells(one)] for one in found])
    elif symbol:
        console().print(f"No event of {symbol} is kept. Symbols are written like BTC/USDT or BTC/USD:BTC.", markup=False)
    else:
        console().print("No event is kept.")


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command(name="events")(events)
