"""`margincall topups`: what automatic margin may do, does, and would do; its switches."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli import AsJson, Config
from monitor.cli.columns import Column

if TYPE_CHECKING:
    from monitor.memory import Memory
    from monitor.policy import Policy
    from monitor.topups.policy import TopUpPolicy

topups = typer.Typer(help="Automatic margin: show it, try it out, pause it, stop it.", no_args_is_help=True)

LIST = (
    Column(name="policy", right=False),
    Column(name="state", right=False),
    Column(name="trigger", right=False),
    Column(name="lands at", right=False),
    Column(name="added today", right=False, rank=1),
    Column(name="kept from acting by", right=False, rank=2),
)
Name = Annotated[str, typer.Argument(help="The policy's name.")]


@topups.command("list")
def list_policies(config: Config = None, as_json: AsJson = False) -> None:
    """Show every policy: what it may do now, where it acts, and what keeps it from acting."""
    from monitor.cli.topup_documents import policy_document

    policy, memory, now = _read(config)
    documents = [policy_document(one, memory.top_ups, now) for one in policy.top_ups.policies]
    if as_json:
        _print_json(stopped=memory.top_ups.stopped_at is not None, policies=documents)
        return
    if memory.top_ups.stopped_at is not None:
        typer.echo("STOPPED: nothing is added anywhere. `margincall topups start` releases it.")
    if not documents:
        typer.echo("No policy is configured: no margin is ever added.")
        return
    _print_rows(documents)


@topups.command("show")
def show(name: Name, config: Config = None, as_json: AsJson = False) -> None:
    """Show one policy in full, with the changes of margin that it planned."""
    from monitor.cli.topup_documents import intent_document, intent_line, policy_document

    policy, memory, now = _read(config)
    found = _policy(policy, name)
    intents = [one for one in memory.top_ups.intents.values() if one.policy == name]
    document = policy_document(found, memory.top_ups, now)
    if as_json:
        _print_json(policy=document, intents=[intent_document(one) for one in intents])
        return
    for key, value in document.items():
        typer.echo(f"{key.replace('_', ' ')}: {_in_words(value)}")
    for intent in intents:
        typer.echo(intent_line(intent))


@topups.command("preview")
def preview(
    config: Config = None,
    drop: Annotated[str, typer.Option("--drop", help="How far the price goes against the positions, such as 20%.")] = "20%",
) -> None:
    """Read the exchanges now and say what the policies would do, and cost, if the price went against each position."""
    from monitor.cli.forecasts import forecast_lines
    from monitor.config import load
    from monitor.config.units import parse_share

    try:
        share = parse_share(drop)
    except ValueError as error:
        raise typer.BadParameter("write a share such as 20%", param_hint="--drop") from error
    for line in asyncio.run(forecast_lines(load(config), share)):
        typer.echo(line)


@topups.command("pause")
def pause(name: Name, config: Config = None) -> None:
    """Let one policy add nothing until it is resumed; survives a restart."""
    _ask(config, "topups.pause", alone=False, name=name)
    typer.echo(f"{name} is paused; go on: margincall topups resume {name}")


@topups.command("resume")
def resume(name: Name, config: Config = None) -> None:
    """Let a paused policy act again, also where its circuit breaker had opened."""
    _ask(config, "topups.resume", alone=False, name=name)
    typer.echo(f"{name} may act again")


@topups.command("stop")
def stop(config: Config = None) -> None:
    """The kill switch: no margin is changed by anybody here until `topups start`; survives a restart."""
    _ask(config, "topups.stop")
    typer.echo("STOPPED: no margin is changed; release it: margincall topups start")


@topups.command("start")
def start(config: Config = None) -> None:
    """Release the kill switch."""
    _ask(config, "topups.start")
    typer.echo("automatic margin may act again, as far as its policies say so")


def _ask(config: Config, verb: str, *, alone: bool = True, **fields: Any) -> dict[str, Any]:
    from monitor.cli.asking import ask

    return asyncio.run(ask(config, verb, alone=alone, **fields))


def _read(config: Config) -> tuple[Policy, Memory, datetime]:
    """What the configuration allows, and what the store knows."""
    from monitor import app
    from monitor.config import load
    from monitor.store.reader import StoreReader

    loaded, now = load(config, read_secrets=False), datetime.now(UTC)
    with StoreReader(loaded.store) as reader:
        return app.build_policy(loaded, since=now), reader.memory(), now


def _policy(policy: Policy, name: str) -> TopUpPolicy:
    from monitor.errors import TopUpRefused

    for one in policy.top_ups.policies:
        if one.name == name:
            return one
    raise TopUpRefused(f"no policy is called {name}")


def _print_rows(documents: list[dict[str, Any]]) -> None:
    from rich.text import Text

    from monitor.cli.columns import print_rows
    from monitor.cli.screen import console

    names = ("name", "state", "trigger", "lands_at", "added_today", "refusals")
    print_rows(console(), LIST, [[Text(_in_words(one[name])) for name in names] for one in documents])


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{amount} {coin}" for coin, amount in value.items()) or "-"
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "-"
    return "-" if value is None or value == "" else str(value)


def _print_json(**parts: Any) -> None:
    from monitor.cli.documents import SCHEMA, iso

    typer.echo(json.dumps({"schema": SCHEMA, "as_of": iso(datetime.now(UTC)), **parts}, indent=2))


def register(cli: typer.Typer) -> None:
    """Add the group."""
    cli.add_typer(topups, name="topups")
