"""`margincall history`: what a position's margin was, reading by reading."""

from __future__ import annotations

import csv
import json
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from monitor.cli import AsJson, Config

FIELDS = (
    "as_of",
    "account",
    "exchange",
    "symbol",
    "side",
    "mark_price",
    "contracts",
    "isolated_margin",
    "equity",
    "requirement",
    "cushion",
    "margin_usage",
    "liquidation_price",
    "liquidation_distance",
)


def history(
    symbol: Annotated[str | None, typer.Argument(help="Only this symbol, such as BTC/USDT:USDT.")] = None,
    config: Config = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many readings, the newest.")] = 200,
) -> None:
    """Show the kept readings of every position, or of one symbol, oldest first."""
    from monitor.config.find import locate
    from monitor.store.reader import StoreReader

    with StoreReader(locate(config).store) as reader:
        rows = [_row(stored) for stored in reader.history(symbol or "", limit=limit)]
    if as_json:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        typer.echo(json.dumps({"schema": 1, "as_of": now, "readings": rows}, indent=2))
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    else:
        _print(rows)


def _row(stored: Any) -> dict[str, str | None]:
    from monitor.cli.documents import iso, position_document
    from monitor.memory import PositionMemory

    seen = PositionMemory(
        key=stored.assessment.position.key,
        family=stored.assessment.position.family,
        epoch=stored.epoch,
        first_seen=stored.at,
        last_seen=stored.at,
        assessment=stored.assessment,
    )
    document = position_document(seen, "")
    return {"as_of": iso(stored.at), **{field: document[field] for field in FIELDS if field != "as_of"}}


def _print(rows: list[dict[str, str | None]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not rows:
        console.print("No reading is kept.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    shown = (
        "as_of",
        "account",
        "symbol",
        "side",
        "mark_price",
        "equity",
        "requirement",
        "cushion",
        "margin_usage",
        "liquidation_price",
    )
    for name in shown:
        table.add_column(name.replace("_", " "), no_wrap=True)
    for row in rows:
        table.add_row(*(_short(row[name]) for name in shown))
    console.print(table)


def _short(value: str | None) -> str:
    return "-" if value is None else value[:24] if "T" in value else value[:12]


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command(name="history")(history)
