"""`margincall run`: the daemon, or one single cycle."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from monitor.cli import Config

if TYPE_CHECKING:
    from monitor.config import Loaded

LEVELS = ("debug", "info", "warning", "error")
TERMINATED = 128 + signal.SIGTERM
"""The exit code of a program that SIGTERM ended."""


def run(
    config: Config = None,
    once: Annotated[bool, typer.Option("--once", help="One full cycle of every account, deliver, then end.")] = False,
    log_level: Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")] = "info",
) -> None:
    """Guard the positions of every configured account until stopped.

    With --once: exit 0 when every account was read, 1 otherwise.
    """
    if log_level not in LEVELS:
        raise typer.BadParameter(f"must be one of {', '.join(LEVELS)}", param_hint="--log-level")
    from monitor import app
    from monitor.config import load
    from monitor.daemon import logs

    with _stoppable(once=once):
        loaded = load(config)
        logs.configure(log_level, secrets=app.secrets_of(loaded))
        done = _logged(loaded, once=once)
    if not done:
        raise typer.Exit(1)


@contextmanager
def _stoppable(*, once: bool) -> Iterator[None]:
    """SIGTERM ends the program in good order also while it is still being put together, before the daemon listens itself.

    Nothing was guarded yet, so that a daemon has nothing to say; a single run that was cut off has not done its work.
    """

    def leave(*_: object) -> NoReturn:
        raise SystemExit(TERMINATED if once else 0)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _logged(loaded: Loaded, *, once: bool) -> bool:
    """Run; a bug of ours ends in the log, where secrets are hidden, and not as a bare traceback."""
    import structlog

    from monitor.errors import MargincallError

    log = structlog.get_logger("daemon")
    try:
        return asyncio.run(_run(loaded, once=once))
    except MargincallError:
        raise
    except Exception:
        log.exception("daemon.died")
        return False


async def _run(loaded: Loaded, *, once: bool) -> bool:
    from monitor import app
    from monitor.daemon.run import run_forever, run_once

    async with app.build_daemon(loaded, once=once) as parts:
        if once:
            return await run_once(parts)
        await run_forever(parts)
        return True


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command(name="run")(run)
