"""`margincall positions`: what is guarded, worst first; from the store at once, or read live."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli import AsJson, Config

if TYPE_CHECKING:
    from rich.console import Console

    from monitor.cli.view import Row, View

COLOURS = {"ok": "green", "warning": "yellow", "critical": "red", "emergency": "bold white on red", "stale": "magenta"}


def positions(
    config: Config = None,
    as_json: AsJson = False,
    live: Annotated[bool, typer.Option("--live", help="Read the exchanges now instead of the store.")] = False,
) -> None:
    """Show every position with its margin, worst first, and every account's freshness."""
    view = _live(config) if live else _stored(config)
    if as_json:
        typer.echo(json.dumps(view.document(), indent=2))
    else:
        _print(view)


def _stored(config: Config) -> View:
    from monitor.cli.view import from_store
    from monitor.config.find import locate

    return from_store(locate(config).store, datetime.now(UTC))


def _live(config: Config) -> View:
    import asyncio

    from monitor.cli.live import read_now
    from monitor.config import load

    return asyncio.run(read_now(load(config)))


def _print(view: View) -> None:
    from rich.console import Console
    from rich.table import Table

    from monitor.alerts.rounding import liquidation_price, mark_price, money_down, share_down, share_up
    from monitor.alerts.wording import exchange_name

    console = Console()
    table = Table(title=None, box=None, header_style="bold", pad_edge=False)
    for name in ("state", "account", "position", "cushion", "liq away", "mark", "liquidation", "usage", "equity", "size"):
        right = name not in {"state", "account", "position"}
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for row in view.rows:
        position, judged = row.seen.assessment.position, row.seen.assessment.judged
        coin = position.instrument.settle_currency
        away = judged.liquidation_distance
        table.add_row(
            f"[{COLOURS[row.state]}]{row.state}[/]",
            f"{row.seen.key.account} ({exchange_name(row.seen.key.exchange)})",
            f"{row.seen.key.symbol} {row.seen.key.side.value}{_marks(row)}",
            "-" if judged.cushion is None else share_down(judged.cushion),
            "past" if judged.headroom <= 0 else "-" if away is None else share_down(away),
            mark_price(position),
            "-" if judged.liquidation_price is None else liquidation_price(judged.liquidation_price, position),
            "over 100 %" if judged.margin_usage is None else share_up(judged.margin_usage),
            money_down(judged.equity, coin),
            f"{position.contracts.normalize():f}",
        )
    if view.rows:
        console.print(table)
        if any(_marks(row) for row in view.rows):
            console.print(
                "≠ differs from the exchange's own figure (the worse is shown)   ! worst-case or inferred figure", style="dim"
            )
    else:
        console.print("No open isolated position.")
    for account in view.document()["accounts"]:
        _print_account(console, account)


def _print_account(console: Console, account: dict[str, Any]) -> None:
    colour = {"ok": "green", "starting": "cyan"}.get(account["state"], "magenta")
    age = account["age_seconds"]
    read = "never read" if age is None else f"read {age:.0f} s ago"
    cross = f", NOT guarded: {account['not_guarded']} cross" if account["not_guarded"] else ""
    error = f" - {account['error']}" if account["error"] else ""
    console.print(
        f"[{colour}]{account['state']}[/] {account['name']} ({account['exchange']}), {read}{cross}{error}", highlight=False
    )


def _marks(row: Row) -> str:
    assessment = row.seen.assessment
    return f"{' ≠' if assessment.diverges else ''}{' !' if assessment.degraded else ''}{' cross' if row.seen.mode else ''}"


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command(name="positions")(positions)
