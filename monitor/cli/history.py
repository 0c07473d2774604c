"""`margincall history`: what a position's margin was, reading by reading."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli import AsJson, Config
from monitor.cli.columns import Column
from monitor.cli.symbols import unified

if TYPE_CHECKING:
    from rich.text import Text

    from monitor.ports import StoredReading

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
"""The keys of a reading in CSV and JSON, as in `positions --json`."""
FEW = 200
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = (
    Column(name="read at", right=False),
    Column(name="account", right=False),
    Column(name="position", right=False),
    Column(name="cushion"),
    Column(name="mark"),
    Column(name="liquidation", rank=1),
    Column(name="usage", rank=2),
    Column(name="equity", rank=3),
    Column(name="requirement", rank=4),
)


def history(
    symbol: Annotated[str | None, typer.Argument(help="Only this symbol, such as BTC/USDT.")] = None,
    config: Config = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    since: Annotated[str | None, typer.Option("--since", help="From then on: 2h, 7d, 2026-11-22 or 2026-11-22T21:00Z.")] = None,
    every: Annotated[str | None, typer.Option("--every", help="One reading for each such span, the worst: 1m, 1h.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many, the newest; 200 by default.")] = None,
) -> None:
    """Show the kept readings of every position, or of one symbol, oldest first."""
    if as_json and as_csv:
        raise typer.BadParameter("give --json or --csv, not both")
    begins, span = moment(since, datetime.now(UTC)), width(every)
    from monitor.cli.documents import SCHEMA, iso
    from monitor.config.find import locate
    from monitor.store.reader import StoreReader

    with StoreReader(locate(config).store) as reader:
        readings = reader.history(unified(symbol or ""), since=begins, limit=None if begins or span else limit or FEW)
    readings = worst_of_each(readings, span)[-(limit or len(readings) or 1) :]
    if as_json:
        typer.echo(json.dumps({"schema": SCHEMA, "as_of": iso(datetime.now(UTC)), "readings": _rows(readings)}, indent=2))
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_rows(readings))
    else:
        _print(readings, symbol)


def moment(text: str | None, now: datetime) -> datetime | None:
    """When ``--since`` says; a date or time without a zone is UTC. Raises typer.BadParameter."""
    if text is None:
        return None
    try:
        named = datetime.fromisoformat(text)
    except ValueError:
        return now - _span(text, "--since")
    return named if named.tzinfo else named.replace(tzinfo=UTC)


def width(text: str | None) -> timedelta | None:
    """What ``--every`` says. Raises typer.BadParameter."""
    return None if text is None else _span(text, "--every")


def _span(text: str, option: str) -> timedelta:
    from monitor.config.units import parse_time_span

    try:
        return parse_time_span(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error} (or a date such as 2026-11-22)" if option == "--since" else str(error)) from None


def worst_of_each(readings: Sequence[StoredReading], span: timedelta | None) -> Sequence[StoredReading]:
    """Of each position, the reading with the least headroom for its requirement in each ``span``; all without a span."""
    if span is None:
        return readings
    chosen: dict[tuple[object, ...], StoredReading] = {}
    for stored in readings:
        bucket = (stored.assessment.position.key, stored.epoch, (stored.at - _BEGINNING) // span)
        known = chosen.get(bucket)
        if known is None or _safety(stored) <= _safety(known):
            chosen[bucket] = stored
    return sorted(chosen.values(), key=lambda stored: stored.at)


def _safety(stored: StoredReading) -> Decimal:
    judged = stored.assessment.judged
    return judged.headroom / judged.requirement if judged.requirement > 0 else judged.headroom


def _rows(readings: Iterable[StoredReading]) -> list[dict[str, str | None]]:
    return [_row(stored) for stored in readings]


def _row(stored: StoredReading) -> dict[str, str | None]:
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


def _print(readings: Sequence[StoredReading], symbol: str | None) -> None:
    from monitor.cli.columns import print_rows
    from monitor.cli.screen import console

    if readings:
        print_rows(console(), COLUMNS, [_cells(stored) for stored in readings])
    elif symbol:
        console().print(f"No reading of {symbol} is kept. Symbols are written like BTC/USDT or BTC/USD:BTC.", markup=False)
    else:
        console().print("No reading is kept.")


def _cells(stored: StoredReading) -> list[Text]:
    """The reading's text in each of COLUMNS; figures as the rules saw them, rounded so that none looks safer than it was."""
    from rich.text import Text

    from monitor.alerts.rounding import liquidation_price, mark_price, money_down, money_up, share_down, share_up
    from monitor.alerts.wording import short_symbol

    position, judged = stored.assessment.position, stored.assessment.judged
    coin = position.instrument.settle_currency
    cells = (
        f"{stored.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z",
        position.key.account,
        f"{short_symbol(position.key.symbol)} {position.key.side.value}",
        "-" if judged.cushion is None else share_down(judged.cushion),
        mark_price(position),
        "-" if judged.liquidation_price is None else liquidation_price(judged.liquidation_price, position),
        "over 100 %" if judged.margin_usage is None else share_up(judged.margin_usage),
        money_down(judged.equity, coin),
        money_up(judged.requirement, coin),
    )
    return [Text(cell) for cell in cells]


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command(name="history")(history)
