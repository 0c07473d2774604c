"""`margincall check`: will this work? The doctor's look at config, files, store, machine, each account and each channel."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli import AsJson, Config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.config import Loaded
    from monitor.daemon.findings import Section
    from monitor.ports import CheckLine

COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}
INDENT = 8
"""Columns before what a line goes on with."""


def check(
    config: Config = None,
    send: Annotated[bool, typer.Option("--send", help="Also send a test message to each channel, and a heartbeat.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check config, files, store, machine, channels, and each account's key, clock and modes. Sends nothing without --send.

    Exit 0 when nothing failed, 1 otherwise.
    """
    from monitor import app
    from monitor.app.doctor import local_sections
    from monitor.cli.documents import SCHEMA, iso
    from monitor.cli.live import inspect_all
    from monitor.config import load
    from monitor.daemon import logs

    loaded = load(config)
    logs.configure("error", secrets=app.secrets_of(loaded))
    told = local_sections(loaded, datetime.now(UTC))
    if send:
        told.append(("sent", asyncio.run(_sent(loaded))))
    told += asyncio.run(inspect_all(loaded)).items()
    if loaded.settings.top_ups or any(one.top_up_credentials for one in loaded.settings.accounts.values()):
        from monitor.cli.topup_checks import top_up_lines

        told.append(("automatic margin", asyncio.run(top_up_lines(loaded))))
    if as_json:
        checks = [{"about": about, **asdict(line)} for about, lines in told for line in lines]
        typer.echo(json.dumps({"schema": SCHEMA, "as_of": iso(datetime.now(UTC)), "checks": checks}, indent=2))
    else:
        _print(told)
    if any(line.status == "fail" for _, lines in told for line in lines):
        raise typer.Exit(1)


async def _sent(loaded: Loaded) -> list[CheckLine]:
    """A test message through each channel, and a beat to the watcher outside."""
    from monitor.cli.trial import send_test
    from monitor.daemon.heartbeat import ping
    from monitor.ports import CheckLine
    from monitor.rules.base import Level

    results = await send_test(loaded, list(loaded.settings.channels), Level.WARNING)
    if loaded.settings.heartbeat is not None:
        url = loaded.secrets[loaded.settings.heartbeat.url_from].get_secret_value()
        cause = await ping(url, "margincall check")
        results["heartbeat"] = None if cause is None else f"not reached: {cause}"
    return [
        CheckLine(status="ok", topic=name, text="accepted")
        if problem is None
        else CheckLine(status="fail", topic=name, text=problem, advice="Until this works, nobody is reached this way.")
        for name, problem in results.items()
    ]


def _print(told: list[Section]) -> None:
    from rich.text import Text

    from monitor.cli.screen import console
    from monitor.daemon.findings import summary

    screen = console()
    for about, lines in told:
        screen.print(Text(about, style="bold"))
        for line in lines:
            first, *rest = _wrapped(f"{line.topic}: {line.text}", screen.width)
            mark = Text(f"  {line.status:<5}", style=COLOURS[line.status])
            screen.print(mark.append(first, style="default"), soft_wrap=True)
            for more in rest:
                screen.print(Text(" " * INDENT + more), soft_wrap=True)
            if line.advice and line.status != "ok":
                for more in _wrapped(line.advice, screen.width):
                    screen.print(Text(" " * INDENT + more, style="dim"), soft_wrap=True)
    screen.print(Text(summary(line for _, lines in told for line in lines), style="bold"))


def _wrapped(text: str, columns: int) -> Iterator[str]:
    """The text in lines that fit beside what stands before them; a path is never broken, so that it can be copied."""
    from textwrap import wrap

    yield from wrap(text, max(columns - INDENT, 20), break_long_words=False, break_on_hyphens=False) or [""]


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command(name="check")(check)
