"""`margincall credentials`: put secrets where margincall and its unit read them, and see which are there; never a value."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from getpass import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli import AsJson, Config

if TYPE_CHECKING:
    from monitor.config.credentials import Installation

STDIN = "-"

MOST = 1 << 20
"""Characters that are read at most: what is longer than a secret may be is refused, not waited for."""

commands = typer.Typer(
    no_args_is_help=True, help="The secrets that the configuration names: put them in place, see what is there."
)


@commands.command(name="set")
def put(
    name: Annotated[str, typer.Argument(help="The secret's name, such as main_api_key; `list` shows them.")],
    source: Annotated[str | None, typer.Argument(metavar="[-]", help="- reads the value from standard input.")] = None,
    config: Config = None,
) -> None:
    """Ask for one secret and keep it in a file for your eyes only. It is not echoed, and never an argument.

    With - it is read from standard input, to its end: for scripts, and for keys of several lines.
    """
    from monitor.config.credentials import installation
    from monitor.config.find import find_config

    if source not in {None, STDIN}:
        raise typer.BadParameter("a secret is never an argument: others can see those. Leave it out, or give - and pipe it in")
    there = installation(find_config(config))
    _require_known(there, name)
    keep_one(there, name, sys.stdin.read(MOST) if source == STDIN else ask_for(name))
    _tell_service(there, name)


def _tell_service(there: Installation, name: str) -> None:
    """How a service gets it: systemd hands secrets out at the start, and only those that the unit names."""
    from monitor.cli.unit import Scope

    unit = Scope(user=False).path
    if not unit.exists() or str(there.config) not in (text := unit.read_text(encoding="utf-8")):
        return
    if f"LoadCredential={name}:" not in text:
        typer.echo("the unit does not hand it to the service yet: margincall service install, then systemctl daemon-reload")
    typer.echo("the service gets it when it starts: systemctl restart margincall")


def ask_for(name: str) -> str:
    """The value, typed or pasted at a terminal without being shown."""
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask at: give - and pipe the value in")
    return getpass(f"{name} (not shown): ")


def keep_one(there: Installation, name: str, value: str) -> None:
    """Write it and say where; raises BadParameter for what cannot be meant."""
    from monitor.config.credentials import keep
    from monitor.config.secret_names import wrong_secret

    wrong = wrong_secret(there.names[name], value.strip()) if value.strip() else None
    if wrong is not None:
        raise typer.BadParameter(f"{name} is not {wrong}; nothing was written")
    typer.echo(f"{name}: kept in {keep(there, name, value)}")


def _require_known(there: Installation, name: str) -> None:
    from monitor.config.suggest import NAME, did_you_mean, looks_like_a_key

    if name in there.names:
        return
    if looks_like_a_key(name) or not NAME.fullmatch(name):
        raise typer.BadParameter("that is no name, perhaps the secret itself: here stands its name, such as main_api_key")
    known = ", ".join(there.names) or "none"
    raise typer.BadParameter(f"{there.config} names no secret {name}{did_you_mean(name, tuple(there.names))}; it names: {known}")


@commands.command(name="list")
def show(config: Config = None, as_json: AsJson = False) -> None:
    """Show each secret that the configuration names, where it was found and with what mode; exit 1 if one is missing or open."""
    from monitor.cli.documents import SCHEMA
    from monitor.config.credentials import installation, look
    from monitor.config.find import find_config

    there = installation(find_config(config))
    found = list(look(there))
    if as_json:
        typer.echo(
            json.dumps({"schema": SCHEMA, "folder": str(there.folder), "secrets": [asdict(one) for one in found]}, indent=2)
        )
    else:
        width = max((len(one.name) for one in found), default=0)
        for one in found:
            place = "  ".join(part for part in (one.where, one.mode, one.problem) if part)
            typer.echo(f"{one.name:<{width}}  {place}  (for {one.asked})")
    if any(one.problem for one in found):
        raise typer.Exit(1)


def register(cli: typer.Typer) -> None:
    """Add the verb group."""
    cli.add_typer(commands, name="credentials")
