"""`margincall check`: will this work? Config, secrets, each account, each channel; changes nothing and sends nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from monitor.cli import AsJson, Config

if TYPE_CHECKING:
    from monitor.config import Loaded
    from monitor.ports import CheckLine

    Told = list[tuple[str, Sequence[CheckLine]]]

COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def check(
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Check config, credentials, every account's connection, clock and modes, and what is guarded. Sends nothing.

    Exit 0 when nothing failed, 1 otherwise.
    """
    from monitor import app
    from monitor.cli.documents import SCHEMA, iso
    from monitor.cli.live import inspect_all
    from monitor.config import load
    from monitor.daemon import logs

    loaded = load(config)
    logs.configure("error", secrets=app.secrets_of(loaded))
    told: Told = [("config", _config_lines(loaded)), ("channels", _channel_lines(loaded))]
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


def _config_lines(loaded: Loaded) -> list[CheckLine]:
    from monitor.ports import CheckLine

    rules = ", ".join(rule.KIND for rule in loaded.settings.rules)
    return [
        CheckLine(status="ok", topic="file", text=str(loaded.config)),
        CheckLine(status="ok", topic="store", text=str(loaded.store)),
        CheckLine(status="ok", topic="secrets", text=f"{len(loaded.secrets)} found"),
        CheckLine(status="ok" if rules else "warn", topic="rules", text=rules or "none: nothing would ever be told"),
    ]


def _channel_lines(loaded: Loaded) -> list[CheckLine]:
    from monitor import app
    from monitor.errors import NotifyFault
    from monitor.ports import CheckLine

    lines = []
    for name in loaded.settings.channels:
        try:
            app.build_channels(loaded, [name])
        except NotifyFault as error:
            lines.append(CheckLine(status="fail", topic=name, text=error.message, advice=error.advice))
        else:
            lines.append(CheckLine(status="ok", topic=name, text="usable", advice=f"try it: margincall test-alert {name}"))
    return [*lines, *_routing_lines(loaded)]


def _routing_lines(loaded: Loaded) -> list[CheckLine]:
    """What goes where: each level, and who is called next."""
    from monitor.alerts.rounding import span
    from monitor.config.discipline import routing
    from monitor.ports import CheckLine

    rules = routing(loaded.settings)
    lines = []
    for level, told in rules.levels.items():
        steps = [step for step in rules.escalation if level >= step.level]
        later = "".join(f"; unanswered for {span(step.after)}: {', '.join(step.channels)} too" for step in steps)
        lines.append(CheckLine(status="ok", topic=level.label, text=f"goes to {', '.join(told.channels)}{later}"))
    if rules.routes:
        text = f"{len(rules.routes)} of your own come before the levels"
        lines.append(CheckLine(status="ok", topic="routes", text=text))
    return lines


def _print(told: Told) -> None:
    from rich.text import Text

    from monitor.cli.screen import console

    screen = console()
    for about, lines in told:
        screen.print(Text(about, style="bold"))
        for line in lines:
            mark = Text(f"  {line.status:<5}", style=COLOURS[line.status])
            screen.print(mark.append(f"{line.topic}: {line.text}", style="default"), soft_wrap=True)
            if line.advice and line.status != "ok":
                screen.print(Text(f"        {line.advice}", style="dim"), soft_wrap=True)


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command(name="check")(check)
