"""`margincall positions`: what is guarded, worst first; from the store at once, or read live."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli import AsJson, Config
from monitor.cli.columns import Column

if TYPE_CHECKING:
    from rich.text import Text

    from monitor.cli.view import Row, View
    from monitor.memory import FamilyMemory

COLOURS = {"ok": "green", "warning": "yellow", "critical": "red", "emergency": "bold white on red", "stale": "magenta"}
FRESH = {"ok": "green", "starting": "cyan"}
COLUMNS = (
    Column(name="state", right=False),
    Column(name="account", right=False, rank=1),
    Column(name="position", right=False),
    Column(name="cushion"),
    Column(name="liq away"),
    Column(name="mark"),
    Column(name="liquidation"),
    Column(name="usage", rank=2),
    Column(name="equity", rank=3),
    Column(name="contracts", rank=4),
)
"""What fits 80 columns, and what a wider terminal shows besides."""


def positions(
    config: Config = None,
    as_json: AsJson = False,
    live: Annotated[bool, typer.Option("--live", help="Read the exchanges now instead of the store.")] = False,
) -> None:
    """Show every position with its margin, worst first, and every account's freshness."""
    view = _live(config) if live else _stored(config)
    if as_json:
        typer.echo(json.dumps(view.document(), indent=2))
        return
    _print(view)
    if view.watched and not live:
        _print_last_stands(config)


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
    from monitor.cli.columns import print_rows
    from monitor.cli.screen import console

    screen = console()
    if view.rows:
        alike = Counter((row.seen.key.symbol, row.seen.key.side) for row in view.rows)
        print_rows(screen, COLUMNS, [_cells(row, named=alike[row.seen.key.symbol, row.seen.key.side] > 1) for row in view.rows])
        if any(row.seen.assessment.diverges for row in view.rows):
            screen.print("≠ differs from the exchange's own figure: the worse is shown", style="dim")
        if any(row.seen.assessment.degraded for row in view.rows):
            screen.print("! something was missing: worst-case or inferred figures", style="dim")
    else:
        screen.print("No open isolated position.")
    for account in view.document()["accounts"]:
        for line in _account_lines(account, view.families):
            screen.print(line, soft_wrap=True)
    if not view.watched:
        screen.print("No margincall is running on this store: nobody watches these positions.", style="bold red", soft_wrap=True)


def _print_last_stands(config: Config) -> None:
    """How far the policies of automatic margin could still reach, as the daemon knows the balances."""
    import asyncio

    from monitor.alerts.rounding import money_down
    from monitor.alerts.wording import short_symbol
    from monitor.config.find import locate
    from monitor.daemon.control import call, socket_path
    from monitor.margin.quantities import dec
    from monitor.topups.wording import price

    told = asyncio.run(call(socket_path(locate(config).store), "topups.last_stands"))
    for one in (told or {}).get("positions", ()):
        at = "none" if one["liquidation_price"] is None else price(dec(one["liquidation_price"]))
        name = f"{short_symbol(one['symbol'])} {one['side']} on {one['account']}"
        if one["held"]:
            typer.echo(f"last stand of {name}: NOTHING will be added ({one['held']}), liquidation at {at}")
            continue
        typer.echo(f"last stand of {name}: with all {money_down(dec(one['budget']), one['currency'])} left, liquidation at {at}")


def _cells(row: Row, *, named: bool) -> list[Text]:
    """The row's text in each of COLUMNS; figures are the judged ones, rounded so that none looks safer than it is.

    ``named``: another account holds the like, so that the account stands beside the position where its own column has no room.
    """
    from rich.text import Text

    from monitor.alerts.rounding import liquidation_price, mark_price, money_down, share_down, share_up
    from monitor.alerts.wording import exchange_name, short_symbol
    from monitor.margin.quantities import plain

    key, assessment = row.seen.key, row.seen.assessment
    position, judged = assessment.position, assessment.judged
    past = judged.headroom <= 0
    away = judged.liquidation_distance
    marks = f"{'≠' if assessment.diverges else ''}{'!' if assessment.degraded else ''}"
    whose = f"({key.account})" if named else ""
    name = " ".join(part for part in (short_symbol(key.symbol), key.side.value, whose, row.seen.mode, marks) if part)
    return [
        Text(row.state, style=COLOURS[row.state]),
        Text(f"{key.account} ({exchange_name(key.exchange)})"),
        Text(name),
        Text("-" if judged.cushion is None else share_down(judged.cushion)),
        Text("past" if past else "-" if away is None else share_down(away)),
        Text(mark_price(position)),
        Text("-" if judged.liquidation_price is None else liquidation_price(judged.liquidation_price, position)),
        Text("over 100 %" if judged.margin_usage is None else share_up(judged.margin_usage)),
        Text(money_down(judged.equity, position.instrument.settle_currency)),
        Text(plain(position.contracts)),
    ]


def _account_lines(account: dict[str, Any], families: Iterable[FamilyMemory]) -> list[Text]:
    """The account in one line; where not all of it is well, a line for each of its families."""
    from monitor.alerts.notices import family_name, unguarded_in_words
    from monitor.alerts.wording import exchange_name

    modes = Counter(other.mode for one in families if one.key.account == account["name"] for other in one.unguarded)
    others = f", NOT guarded: {unguarded_in_words(modes)}" if modes else ""
    name = f"{account['name']} ({exchange_name(account['exchange'])})"
    if account["state"] == "ok":
        return [_freshness("", account, name, others)]
    parts = [_freshness("  ", one, family_name(one["name"])) for one in account["families"] if one["state"] != "not_opened"]
    return [_coloured(account["state"], f" {name}{others}"), *parts]


def _freshness(indent: str, about: dict[str, Any], name: str, more: str = "") -> Text:
    from monitor.alerts.rounding import span

    age = about["age_seconds"]
    read = "never read" if age is None else f"read {span(timedelta(seconds=age))} ago"
    error = f" - {about['error']}" if about["error"] else ""
    return _coloured(about["state"], f" {name}, {read}{more}{error}", indent)


def _coloured(state: str, rest: str, indent: str = "") -> Text:
    from rich.text import Text

    return Text(indent).append(state, style=FRESH.get(state, "magenta")).append(rest)


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command(name="positions")(positions)
