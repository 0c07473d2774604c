"""`margincall init`: a first configuration, and the secrets that it names. Overwrites nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.errors import ConfigError, MargincallError

if TYPE_CHECKING:
    from monitor.config.credentials import Installation

READ_ONLY = {
    "binance": 'Binance: a key with "Enable Reading" only',
    "bybit": "Bybit: a read-only key with Contract and Account",
    "okx": "OKX: a key with Read only",
}
CHANNELS = "ntfys://ntfy.sh/TOPIC, tgram://TOKEN/CHAT, pover://USER@TOKEN and a hundred more: the wiki of apprise lists them"


def init(
    config: Annotated[
        Path | None, typer.Option("--config", help="The file to write; default: your own, as root /etc/margincall/config.yaml.")
    ] = None,
    exchange: Annotated[str | None, typer.Option("--exchange", help="binance, bybit or okx.")] = None,
    account: Annotated[str | None, typer.Option("--account", help="A name of your own for it; default main.")] = None,
    channel: Annotated[str | None, typer.Option("--channel", help="A name of your own for it; default phone.")] = None,
    region: Annotated[str | None, typer.Option("--region", help="The exchange's regional site, where it has some.")] = None,
) -> None:
    """Write a first configuration and ask for the secrets that it names. Nothing is overwritten.

    What is not given is asked for at a terminal; without one, --exchange must be given and the secrets are set afterwards.
    """
    from monitor.config.credentials import installation

    path = (config or _default_path()).absolute()
    if os.path.lexists(path):
        raise MargincallError(f"{path} is there already, and nothing is overwritten", hint="Edit it, or give another --config.")
    asks = sys.stdin.isatty()
    if exchange is None and not asks:
        raise typer.BadParameter("there is no terminal to ask at: give --exchange binance, bybit or okx")
    exchange = exchange or _asked_exchange()
    account = account or (typer.prompt("A name for the account", default="main") if asks else "main")
    channel = channel or (typer.prompt("A name for the channel that alerts go to", default="phone") if asks else "phone")
    _write(path, _text(exchange, account, channel, region))
    typer.echo(f"wrote {path}")
    there = installation(path)
    if asks:
        _ask_for_secrets(there, exchange)
    _tell_next(there)


def _asked_exchange() -> str:
    """Asked until it is one."""
    while True:
        answer = str(typer.prompt("Exchange (binance, bybit or okx)", default="binance")).strip().lower()
        if answer in READ_ONLY:
            return answer
        typer.echo(f"{answer} is none of them.")


def _default_path() -> Path:
    """Root's is the machine's, anybody else's their own."""
    if os.geteuid() == 0:
        return Path("/etc/margincall/config.yaml")
    named = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".config") / "margincall" / "config.yaml"


def _text(exchange: str, account: str, channel: str, region: str | None) -> str:
    from monitor.config.starter import starter

    try:
        return starter(exchange=exchange, account=account, channel=channel, region=region)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _write(path: Path, text: str) -> None:
    """A new file; under /etc the service's own user must be able to read it, and it holds no secrets."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        path.chmod(0o644 if path.is_relative_to("/etc") else 0o600)
    except OSError as error:
        raise MargincallError(
            f"cannot write {path}: {error.strerror}", hint="Try it with sudo, or give another --config."
        ) from None


def _ask_for_secrets(there: Installation, exchange: str) -> None:
    """One after the other; Enter leaves one for later."""
    from monitor.cli.credentials import ask_for, keep_one

    typer.echo(
        f"The secrets are not shown; Enter alone leaves one for later.\n{READ_ONLY.get(exchange, '')}.\nA channel: {CHANNELS}."
    )
    for name in there.names:
        while True:
            value = ask_for(name)
            if not value.strip():
                break
            try:
                keep_one(there, name, value)
            except typer.BadParameter as error:
                typer.echo(str(error))
                continue
            break


def _tell_next(there: Installation) -> None:
    from monitor.config.credentials import look
    from monitor.config.find import find_config

    try:
        found = find_config(None).absolute() == there.config
    except ConfigError:
        found = False
    option = "" if found else f" --config {there.config}"
    typer.echo("next:")
    for one in look(there):
        if one.problem:
            typer.echo(f"  margincall credentials set {one.name}{option}")
    # Under /etc it is the machine's service that guards.
    last = "service install" if there.config.is_relative_to("/etc") else "run"
    for verb in ("check", "test-alert", last):
        typer.echo(f"  margincall {verb}{option}")


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command(name="init")(init)
