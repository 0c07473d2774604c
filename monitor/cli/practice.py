"""`margincall practice`: the practice exchange, to try a configuration, channels and rules on; and its remote control.

What happens in the life of a position there has its verbs in ``practice_life``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from monitor.cli import AsJson, practice_life
from monitor.cli.practice_words import PORT, Port, number, tell

SCENARIO_HELP = "calm, crash, whipsaw or gap."
FAULT_HELP = (
    "KIND[,name=value...], such as hang,exchange=okx,call=*positions*,after=10,lasts=20. Names: exchange, account, call, "
    "method, contract, after, lasts (seconds), times, amount, executes."
)

group = typer.Typer(
    help="Serve the practice exchange on loopback, or control the one that runs.",
    invoke_without_command=True,
    no_args_is_help=False,
    rich_markup_mode=None,
)


@group.callback()
def practice(
    context: typer.Context,
    scenario: Annotated[str | None, typer.Option("--scenario", help=f"Play {SCENARIO_HELP}")] = None,
    prices: Annotated[Path | None, typer.Option("--prices", help="Play a CSV with ts_ms and close.")] = None,
    speed: Annotated[str, typer.Option("--speed", help="Times real speed.")] = "1",
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same prices.")] = 0,
    replay: Annotated[Path | None, typer.Option("--replay", help="Recorded replies (JSON) instead of the engine.")] = None,
    world: Annotated[Path | None, typer.Option("--world", help="Accounts and positions (JSON); default: the demo's.")] = None,
    fault: Annotated[list[str] | None, typer.Option("--fault", help=FAULT_HELP)] = None,
    port: Port = PORT,
) -> None:
    """Serve the practice exchange on loopback until stopped, and print the configuration to use with it.

    With one of the commands below: control the practice exchange that runs.
    """
    if context.invoked_subcommand is not None:
        return
    if sum(given is not None for given in (scenario, prices, replay)) > 1:
        raise typer.BadParameter("only one of --scenario, --prices and --replay", param_hint="--scenario")
    if world is not None and replay is not None:
        raise typer.BadParameter("a replay has no engine to put a world into", param_hint="--world")
    from monitor.cli.practice_serve import Served, serve

    serve(
        Served(
            scenario=scenario,
            prices=prices,
            speed=number(speed, "--speed", positive=True),
            seed=seed,
            replay=replay,
            world=world,
            faults=[read_fault(text) for text in fault or ()],
            port=port,
        )
    )


@group.command()
def status(port: Port = PORT, as_json: AsJson = False) -> None:
    """Show accounts, positions, prices, what is played and which faults are in."""
    from monitor.cli.practice_status import show_status

    show_status(tell(port, "GET", "state"), tell(port, "GET", "faults"), as_json=as_json)


@group.command()
def play(
    scenario: Annotated[str, typer.Argument(help=SCENARIO_HELP)],
    speed: Annotated[str, typer.Option("--speed", help="Times real speed.")] = "1",
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same prices.")] = 0,
    port: Port = PORT,
) -> None:
    """Play a scenario from its beginning; what was playing ends."""
    times = number(speed, "--speed", positive=True)
    tell(port, "POST", "play", {"scenario": scenario, "speed": str(times), "seed": seed})
    typer.echo(f"Playing {scenario} at {times:f} times real speed.")


@group.command()
def stop(port: Port = PORT) -> None:
    """Let the prices stand still."""
    tell(port, "POST", "stop", {})
    typer.echo("Prices stand still.")


@group.command()
def mark(exchange: str, contract: str, price: str, port: Port = PORT) -> None:
    """Move a mark price: `mark binance BTCUSDT 100000`."""
    told = tell(port, "POST", "marks", {f"{exchange} {contract}": str(number(price, "PRICE", positive=True))})
    steps = told["liquidations"]
    typer.echo(f"{contract} on {exchange} is at {price}; {steps} liquidation{'' if steps == 1 else 's'}.")


@group.command()
def funding(exchange: str, contract: str, rate: str, port: Port = PORT) -> None:
    """Settle funding now: `funding binance BTCUSDT 0.0001`; above 0 longs pay, below 0 shorts (write `-- -0.0001`)."""
    tell(port, "POST", "funding", {"exchange": exchange, "contract": contract, "rate": str(number(rate, "RATE"))})
    typer.echo(f"Funding of {contract} on {exchange} is settled at {rate}.")


@group.command()
def tiers(exchange: str, contract: str, factor: str, port: Port = PORT) -> None:
    """Change a tier table: every tier asks FACTOR times as much."""
    body = {"exchange": exchange, "contract": contract, "factor": str(number(factor, "FACTOR", positive=True))}
    tell(port, "POST", "tiers", body)
    typer.echo(f"Every tier of {contract} on {exchange} asks {factor} times as much.")


@group.command("open")
def open_position(
    account: str,
    contract: str,
    side: Annotated[str, typer.Argument(help="long or short.")],
    contracts: Annotated[str, typer.Argument(help="How many contracts.")],
    leverage: Annotated[str, typer.Option("--leverage")] = "10",
    entry: Annotated[str | None, typer.Option("--entry", help="Default: the mark.")] = None,
    margin: Annotated[str | None, typer.Option("--margin", help="Default: what the leverage asks.")] = None,
    cross: Annotated[bool, typer.Option("--cross", help="Cross instead of isolated.")] = False,
    port: Port = PORT,
) -> None:
    """Open a position: `open alpha ETHUSDT long 2 --leverage 20`."""
    body = {
        "account": account,
        "contract": contract,
        "side": side,
        "quantity": str(number(contracts, "CONTRACTS", positive=True)),
        "leverage": str(number(leverage, "--leverage", positive=True)),
        "mode": "cross" if cross else "isolated",
    }
    body |= {} if entry is None else {"entry": str(number(entry, "--entry", positive=True))}
    body |= {} if margin is None else {"margin": str(number(margin, "--margin", positive=True))}
    tell(port, "POST", "positions", body)
    typer.echo(f"{account} is {side} {contracts} {contract}.")


@group.command()
def fault(what: Annotated[str, typer.Argument(help=FAULT_HELP, metavar="KIND[,NAME=VALUE...]")], port: Port = PORT) -> None:
    """Let something go wrong: `fault hang,exchange=okx,lasts=20`; `status` shows what is in, `lift` takes it out."""
    told = tell(port, "POST", "faults", read_fault(what))
    typer.echo(f"Fault {told['number']} is in." if "number" in told else "The port is closed for that time.")


@group.command()
def lift(
    fault_number: Annotated[int | None, typer.Argument(help="Its number; default: all.", metavar="[NUMBER]")] = None,
    port: Port = PORT,
) -> None:
    """Take faults out."""
    tell(port, "DELETE", "faults" if fault_number is None else f"faults/{fault_number}")
    typer.echo("All faults are out." if fault_number is None else f"Fault {fault_number} is out.")


def read_fault(text: str) -> dict[str, Any]:
    """``hang,exchange=okx,lasts=20`` as the body of a fault."""
    from monitor.cli.practice_serve import FAULT_NAMES, fault_kinds

    kind, *rest = text.split(",")
    body: dict[str, Any] = {"kind": kind.strip()}
    if body["kind"] not in fault_kinds():
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(fault_kinds())}", param_hint="fault")
    for part in rest:
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in FAULT_NAMES or not value:
            raise typer.BadParameter(f"{part!r} should be name=value, name one of {', '.join(FAULT_NAMES)}", param_hint="fault")
        numeric = FAULT_NAMES[name]
        body[name] = str(number(value.removesuffix("s"), name)) if numeric else value
    if body["kind"] == "refuse" and "lasts" not in body:
        raise typer.BadParameter("refuse closes the whole port and needs lasts=SECONDS", param_hint="fault")
    return body


practice_life.add_verbs(group)


def register(cli: typer.Typer) -> None:
    """Add the group of verbs."""
    cli.add_typer(group, name="practice")
