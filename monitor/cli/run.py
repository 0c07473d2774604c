"""`margincall run`: the daemon, or one single cycle."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
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
        done = _logged(loaded, once=once, hide=partial(_hide, log_level))
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
    # Whoever asks so early for the configuration to be read again gets what is being read just now.
    hang_up = signal.SIG_DFL if once or sys.stderr.isatty() else signal.SIG_IGN
    before_hang_up = signal.signal(signal.SIGHUP, hang_up)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGHUP, before_hang_up)


def _hide(log_level: str, secrets: Iterable[str]) -> None:
    """These must not be logged either."""
    from monitor.daemon import logs

    logs.configure(log_level, secrets=secrets)


def _logged(loaded: Loaded, *, once: bool, hide: Callable[[Iterable[str]], None]) -> bool:
    """Run; a bug of ours ends in the log, where secrets are hidden, and not as a bare traceback."""
    import structlog

    from monitor.errors import MargincallError

    log = structlog.get_logger("daemon")
    try:
        return asyncio.run(_run(loaded, once=once, hide=hide))
    except MargincallError:
        raise
    except Exception:
        log.exception("daemon.died", advice="nobody guards until margincall runs again; this is a mistake in it: report it")
        return False


async def _run(loaded: Loaded, *, once: bool, hide: Callable[[Iterable[str]], None]) -> bool:
    from monitor import app
    from monitor.daemon.run import run_forever, run_once

    async with app.build_daemon(loaded, once=once, hide=hide) as parts:
        if once:
            return await run_once(parts)
        await run_forever(parts)
        return True


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command(name="run")(run)
