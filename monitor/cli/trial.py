"""`margincall test-alert`: does a message really reach you?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli import Config

if TYPE_CHECKING:
    from monitor.config import Loaded


def try_channels(
    channels: Annotated[list[str] | None, typer.Argument(help="Channels to try; default: all.")] = None,
    config: Config = None,
) -> None:
    """Send a test message to each channel; exit 0 only if every one accepted it."""
    from monitor import app
    from monitor.config import load
    from monitor.daemon import logs

    loaded = load(config)
    logs.configure("warning", secrets=app.secrets_of(loaded))
    known = loaded.settings.channels
    for name in channels or ():
        if name not in known:
            raise typer.BadParameter(f"no channel named {name}; there are: {', '.join(known)}", param_hint="CHANNEL")
    results = asyncio.run(_send(loaded, list(dict.fromkeys(channels or known))))
    for name, problem in results.items():
        typer.echo(f"{name}: {'accepted' if problem is None else f'NOT accepted: {problem}'}")
    if any(problem is not None for problem in results.values()):
        raise typer.Exit(1)


async def _send(loaded: Loaded, names: list[str]) -> dict[str, str | None]:
    from monitor import app
    from monitor.alerts.model import Message, NotifyReason, Subject, SubjectKind
    from monitor.clock import SystemClock
    from monitor.errors import NotifyFault
    from monitor.rules.base import Level

    now = SystemClock().now()
    message = Message(
        id=f"TEST-{int(now.timestamp() * 1000)}",
        code="TEST",
        level=Level.WARNING,
        why=NotifyReason.EVENT,
        subject=Subject(SubjectKind.DAEMON),
        title="TEST: margincall reaches you",
        body=f"This is a test of margincall at {now.astimezone(loaded.settings.timezone):%H:%M:%S %Z}. Nothing is wrong.\n#TEST",
        at=now,
        codes=("TEST",),
    )

    async def send(name: str) -> str | None:
        try:
            (channel,) = app.build_channels(loaded, [name])
        except NotifyFault as error:
            return error.message
        try:
            await channel.send(message)
        except NotifyFault as error:
            return f"{error.message} {error.advice}".strip()
        finally:
            await channel.close()
        return None

    return dict(zip(names, await asyncio.gather(*(send(name) for name in names)), strict=True))


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command(name="test-alert")(try_channels)
