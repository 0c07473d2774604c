"""`margincall practice`: what happens in the life of a position, by its owner or by the exchange."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from monitor.cli.practice_words import PORT, Port, number, tell

Slot = Annotated[str, typer.Option("--slot", help="net, or in hedge mode long or short.")]
Contracts = Annotated[str, typer.Argument(help="How many contracts.")]
Some = Annotated[str | None, typer.Option("--contracts", help="How many; default: all.")]
Price = Annotated[str | None, typer.Option("--price", help="Default: the mark.")]


def close(
    account: str, contract: str, slot: Slot = "net", contracts: Some = None, price: Price = None, port: Port = PORT
) -> None:
    """Close a position, or so many contracts of it, as its owner would."""
    _tell(port, "close", account, contract, slot, quantity=contracts, price=price)
    typer.echo(f"{contract} of {account} is closed{_so_many(contracts)}.")


def grow(account: str, contract: str, contracts: Contracts, slot: Slot = "net", price: Price = None, port: Port = PORT) -> None:
    """Buy more into an open position, as its owner would."""
    _tell(port, "grow", account, contract, slot, quantity=contracts, price=price)
    typer.echo(f"{contract} of {account} is larger by {contracts}.")


def flip(
    account: str,
    contract: str,
    contracts: Contracts,
    leverage: Annotated[str | None, typer.Option("--leverage", help="Default: as before.")] = None,
    price: Price = None,
    port: Port = PORT,
) -> None:
    """Go through zero with one fill: close all and open so many CONTRACTS of the other side (one-way mode)."""
    _tell(port, "flip", account, contract, "net", quantity=contracts, leverage=leverage, price=price)
    typer.echo(f"{contract} of {account} is flipped, with {contracts} contracts.")


def margin(account: str, contract: str, amount: str, slot: Slot = "net", port: Port = PORT) -> None:
    """Add margin, or take it out: `margin alpha BTCUSDT 100`, `margin alpha BTCUSDT -- -100`."""
    body = {"account": account, "contract": contract, "slot": slot, "amount": str(number(amount, "AMOUNT"))}
    tell(port, "POST", "margin", body)
    typer.echo(f"The margin of {contract} of {account} is changed by {amount}.")


def leverage(
    account: str,
    contract: str,
    new: Annotated[str, typer.Argument(metavar="LEVERAGE")],
    slot: Slot = "net",
    port: Port = PORT,
) -> None:
    """Change the leverage of an open position; on OKX and Bybit that moves margin."""
    _tell(port, "leverage", account, contract, slot, leverage=new)
    typer.echo(f"{contract} of {account} has leverage {new}.")


def auto_margin(
    account: str,
    contract: str,
    slot: Slot = "net",
    off: Annotated[bool, typer.Option("--off", help="Switch it off.")] = False,
    port: Port = PORT,
) -> None:
    """Let the exchange add margin by itself before it liquidates (Binance, Bybit linear)."""
    tell(port, "POST", "auto-margin", {"account": account, "contract": contract, "slot": slot, "on": not off})
    typer.echo(f"The exchange adds {'no ' if off else ''}margin to {contract} of {account} by itself.")


def cross(account: str, contract: str, slot: Slot = "net", port: Port = PORT) -> None:
    """Make an open position cross; on Bybit the whole account, the others refuse."""
    _tell(port, "cross", account, contract, slot)
    typer.echo(f"{contract} of {account} is cross.")


def deleverage(
    account: str, contract: str, slot: Slot = "net", contracts: Some = None, price: Price = None, port: Port = PORT
) -> None:
    """Auto-deleverage a position, or so many contracts of it, as the exchange would."""
    _tell(port, "deleverage", account, contract, slot, quantity=contracts, price=price)
    typer.echo(f"{contract} of {account} is auto-deleveraged{_so_many(contracts)}.")


def deliver(exchange: str, contract: str, price: Price = None, port: Port = PORT) -> None:
    """End a contract: all its positions close at the settlement price."""
    body = {"exchange": exchange, "contract": contract} | _numbers({"price": price})
    closed = tell(port, "POST", "deliver", body)["closed"]
    typer.echo(f"{contract} on {exchange} is delivered; {closed} position{'' if closed == 1 else 's'} closed.")


def add_verbs(group: typer.Typer) -> None:
    """Put these verbs into the group."""
    for verb in (close, grow, flip, margin, leverage, cross, deleverage, deliver):
        group.command()(verb)
    group.command("auto-margin")(auto_margin)


def _tell(port: int, what: str, account: str, contract: str, slot: str, **given: str | None) -> None:
    body: dict[str, Any] = {"account": account, "contract": contract, "slot": slot}
    tell(port, "POST", what, body | _numbers(given))


def _numbers(given: dict[str, str | None]) -> dict[str, str]:
    """Those that were given, as numbers above 0."""
    return {name: str(number(text, name, positive=True)) for name, text in given.items() if text is not None}


def _so_many(contracts: str | None) -> str:
    return "" if contracts is None else f" by {contracts} contracts"
