"""`margincall test-alert`: does a message really reach you?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli import Config

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.alerts.model import Message
    from monitor.config import Loaded
    from monitor.rules.base import Level


def try_channels(
    channels: Annotated[list[str] | None, typer.Argument(help="Channels to try; default: all, or those of --level.")] = None,
    level: Annotated[str | None, typer.Option("--level", help="As loud as info, warning, critical or emergency is.")] = None,
    config: Config = None,
) -> None:
    """Send a test message to each channel; exit 0 only if every one accepted it.

    With --level it goes where such an alert goes, and as loud: an emergency should wake you. Without: to all, as a warning.
    """
    from monitor import app
    from monitor.config import load
    from monitor.daemon import logs
    from monitor.rules.base import Level

    labels = {one.label: one for one in Level}
    if level is not None and level not in labels:
        raise typer.BadParameter(f"must be one of {', '.join(labels)}", param_hint="--level")
    loaded = load(config)
    logs.configure("warning", secrets=app.secrets_of(loaded))
    known = loaded.settings.channels
    for name in channels or ():
        if name not in known:
            raise typer.BadParameter(f"no channel named {name}; there are: {', '.join(known)}", param_hint="CHANNEL")
    loud = labels[level] if level is not None else Level.WARNING
    names = channels or (known if level is None else _channels_of(loaded, loud))
    results = asyncio.run(send_test(loaded, list(dict.fromkeys(names)), loud))
    for name, problem in results.items():
        typer.echo(f"{name}: {'accepted' if problem is None else f'NOT accepted: {problem}'}")
    if any(problem is not None for problem in results.values()):
        raise typer.Exit(1)


def _channels_of(loaded: Loaded, level: Level) -> tuple[str, ...]:
    """Where an alert of this level goes that no route sends elsewhere."""
    from monitor.config.discipline import routing

    return routing(loaded.settings).levels[level].channels


def _test_message(level: Level, now: datetime) -> Message:
    """``now``: in the time zone of messages."""
    from monitor.alerts.model import Message, NotifyReason, Subject, SubjectKind

    return Message(
        id=f"TEST-{int(now.timestamp() * 1000)}",
        code="TEST",
        level=level,
        why=NotifyReason.EVENT,
        subject=Subject(SubjectKind.DAEMON),
        title=f"TEST {level.label}: margincall reaches you",
        body=f"Nothing is wrong: this is a test, sent at {now:%H:%M:%S %Z}.\nA real {level.label} sounds like this one.\n#TEST",
        at=now,
        codes=("TEST",),
    )


async def send_test(loaded: Loaded, names: list[str], level: Level) -> dict[str, str | None]:
    """Send a test message to the channels of these names; by name, None where it was accepted, else why not."""
    from monitor import app
    from monitor.clock import SystemClock
    from monitor.errors import NotifyFault

    message = _test_message(level, SystemClock().now().astimezone(loaded.settings.timezone))

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
