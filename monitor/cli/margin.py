"""`margincall margin`: change a position's margin by hand, the same safe way; and the log of every change."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli import AsJson, Config
from monitor.cli.columns import Column

if TYPE_CHECKING:
    from monitor.topups.changes import MarginChange

margin = typer.Typer(help="Add margin to a position or take some out, and see every change.", no_args_is_help=True)

WAIT_SECONDS = 30.0
"""How long the outcome is waited for here; the daemon goes on without us."""
LOOK_SECONDS = 0.3
FIGURES = ("isolated_margin", "equity", "margin_usage", "cushion", "liquidation_price", "free")
GOOD = ("VERIFIED", "RECONCILED_APPLIED")
CHANGES = (
    Column(name="when", right=False),
    Column(name="known", right=False, rank=2),
    Column(name="account", right=False, rank=4),
    Column(name="position", right=False),
    Column(name="amount"),
    Column(name="by", right=False),
    Column(name="equity", rank=5),
    Column(name="usage", rank=3),
    Column(name="liquidation", rank=1),
)

Symbol = Annotated[str, typer.Argument(help="Such as BTC/USDT:USDT, or BTC/USDT.")]
Amount = Annotated[str, typer.Argument(help="In the position's own currency.")]
Account = Annotated[str, typer.Option("--account", help="Which account, where several hold it.")]
Side = Annotated[str, typer.Option("--side", help="long or short, where both are open.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@margin.command("add")
def add(
    symbol: Symbol, amount: Amount, config: Config = None, account: Account = "", side: Side = "", yes: Yes = False
) -> None:  # fmt: skip
    """Put more margin behind a position, through the running daemon: once, and noted."""
    _change(config, symbol, _positive(amount), account, side, yes=yes)


@margin.command("reduce")
def reduce(
    symbol: Symbol, amount: Amount, config: Config = None, account: Account = "", side: Side = "", yes: Yes = False
) -> None:  # fmt: skip
    """Take margin out of a position; refused where that would liquidate it."""
    _change(config, symbol, -_positive(amount), account, side, yes=yes)


@margin.command("log")
def log(
    symbol: Annotated[str, typer.Argument(help="Only of this symbol, such as BTC/USDT:USDT.")] = "",
    config: Config = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest.")] = 100,
) -> None:
    """Show every change of a margin, ours and those seen from outside, newest last; then what is not settled.

    recorded: the exchange's own record confirms it, at its time; seen: it lies between two readings so far apart.
    """
    if as_json and as_csv:
        raise typer.BadParameter("give --json or --csv, not both")
    from monitor.cli.documents import SCHEMA, iso
    from monitor.cli.symbols import unified
    from monitor.cli.topup_documents import CHANGE_FIELDS, change_document, change_row, intent_document, intent_line
    from monitor.config.find import locate
    from monitor.store.reader import StoreReader

    with StoreReader(locate(config).store) as reader:
        wanted = unified(symbol)
        changes, intents = reader.margin_changes(wanted, limit=limit), reader.intents(wanted, limit=limit)
    if as_json:
        parts = {"changes": [change_document(one) for one in changes], "intents": [intent_document(one) for one in intents]}
        typer.echo(json.dumps({"schema": SCHEMA, "as_of": iso(datetime.now(UTC)), **parts}, indent=2))
        return
    if as_csv:
        writer = csv.DictWriter(sys.stdout, CHANGE_FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(change_row, changes))
        return
    _print_changes(changes)
    for intent in intents:
        if intent.is_open:
            typer.echo(f"not settled: {intent_line(intent)}")
    if not changes and not intents:
        typer.echo("No margin was changed yet.")


def _print_changes(changes: Sequence[MarginChange]) -> None:
    from rich.text import Text

    from monitor.cli.columns import print_rows
    from monitor.cli.screen import console
    from monitor.cli.topup_documents import change_cells

    if changes:
        print_rows(console(), CHANGES, [[Text(cell) for cell in change_cells(one)] for one in changes])


def _positive(text: str) -> Decimal:
    from monitor.errors import BadQuantity
    from monitor.margin.quantities import dec

    try:
        value = dec(text)
    except BadQuantity as error:
        raise typer.BadParameter("write a number such as 25.5", param_hint="AMOUNT") from error
    if value <= 0:
        raise typer.BadParameter("must be above 0", param_hint="AMOUNT")
    return value


def _change(config: Config, symbol: str, amount: Decimal, account: str, side: str, *, yes: bool) -> None:
    from monitor.cli.asking import ask
    from monitor.margin.quantities import plain

    call = {"symbol": symbol, "amount": plain(amount), "account": account, "side": side}
    proposal = asyncio.run(ask(config, "margin.propose", alone=False, **call))
    _print_proposal(proposal)
    if not yes:
        typer.confirm("Do it?", abort=True)
    exactly = {name: proposal[name] for name in ("symbol", "account", "side", "amount", "epoch", "contracts")}
    ordered = asyncio.run(ask(config, "margin.order", alone=False, **exactly))
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        told = asyncio.run(ask(config, "margin.intent", alone=False, intent=ordered["intent"]))
        if not told["open"] or told["state"] == "UNKNOWN" or time.monotonic() > deadline:
            break
        time.sleep(LOOK_SECONDS)
    typer.echo(f"{told['state']}: {told['detail'] or 'not settled yet; `margincall margin log` tells'}")
    if told["state"] not in GOOD:
        raise typer.Exit(1)


def _print_proposal(proposal: dict[str, Any]) -> None:
    amount = Decimal(proposal["amount"])
    verb = "add to" if amount > 0 else "take out of"
    where = f"{proposal['symbol']} {proposal['side']} on {proposal['account']}"
    typer.echo(f"{verb} {where}: {abs(amount):f} {proposal['currency']}")
    for name in FIGURES:
        was, then = _short(proposal["before"][name]), _short(proposal["after"][name])
        typer.echo(f"  {name.replace('_', ' '):<18} {was:>14} -> {then:>14}")
    for warning in proposal["warnings"]:
        typer.echo(f"  ! {warning}")


def _short(figure: str | None) -> str:
    return "-" if figure is None else f"{Decimal(figure):.6g}" if abs(Decimal(figure)) < 1 else f"{Decimal(figure):,.2f}"


def register(cli: typer.Typer) -> None:
    """Add the group."""
    cli.add_typer(margin, name="margin")
