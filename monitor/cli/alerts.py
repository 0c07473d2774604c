"""`margincall alerts`: what is open, who has it, what is silenced, and why something was or was not told."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli import AsJson, Config
from monitor.cli.columns import Column
from monitor.cli.symbols import unified

if TYPE_CHECKING:
    from monitor.alerts.model import Alert, Ruling
    from monitor.alerts.muting import Silence

alerts = typer.Typer(help="List, acknowledge and silence alerts, beside a running daemon or without one.", no_args_is_help=True)

COLOURS = {"info": "cyan", "warning": "yellow", "critical": "red", "emergency": "bold white on red"}
OPEN = (
    Column(name="code", right=False),
    Column(name="level", right=False),
    Column(name="rule", right=False, rank=1),
    Column(name="about", right=False),
    Column(name="for"),
    Column(name="now", right=False, rank=2),
)
LOG = (
    Column(name="when", right=False),
    Column(name="code", right=False),
    Column(name="level", right=False, rank=2),
    Column(name="rule", right=False, rank=1),
    Column(name="about", right=False),
    Column(name="ruling", right=False),
)
DURATION = re.compile(r"(\d+)(m|h|d)")
UNITS = {"m": 60, "h": 3600, "d": 86_400}

Many = Annotated[list[str] | None, typer.Option(help="Pattern with * and ?; may be given more than once.")]


@alerts.command("list")
def list_alerts(config: Config = None, as_json: AsJson = False) -> None:
    """Show every open alert, worst first, and every silence in force."""
    now = datetime.now(UTC)
    open_alerts, silences, _ = _read(config)
    if as_json:
        _print_document(
            alerts=[_alert_document(alert) for alert in open_alerts], silences=[_silence_document(one) for one in silences]
        )
        return
    _print_alerts(open_alerts, now)
    for one in silences:
        lasts = f"until {one.until.astimezone():%Y-%m-%d %H:%M}"
        typer.echo(f"silence {one.id}: {one.match.describe()}, {lasts}{', emergencies too' if one.emergencies else ''}")


@alerts.command("show")
def show(
    code: Annotated[str, typer.Argument(help="The alert's code, such as K7Q2.")], config: Config = None, as_json: AsJson = False
) -> None:
    """Show one open alert and every ruling on it."""
    from monitor.errors import NoSuchAlert

    open_alerts, _, rulings = _read(config, limit=10_000)
    wanted = code.upper().lstrip("#")
    found = [alert for alert in open_alerts if alert.code == wanted]
    told = [one for one in rulings if one.code == wanted]
    if not found and not told:
        raise NoSuchAlert(f"no alert {wanted} is open or in the log")
    if as_json:
        _print_document(alerts=[_alert_document(one) for one in found], rulings=[_ruling_document(one) for one in told])
        return
    _print_alerts(found, datetime.now(UTC))
    _print_rulings(told)


@alerts.command("log")
def log(
    config: Config = None,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest.")] = 100,
) -> None:
    """Show why something was told or not told: every change of the named reason, newest last."""
    _, _, rulings = _read(config, limit=limit)
    if as_json:
        _print_document(rulings=[_ruling_document(one) for one in rulings])
    else:
        _print_rulings(rulings)


@alerts.command("ack")
def ack(
    codes: Annotated[list[str] | None, typer.Argument(help="Codes such as K7Q2; none: every open alert.")] = None,
    config: Config = None,
) -> None:
    """Say "I have it": repeats and escalation stop, until it worsens, comes back, or the acknowledgement lapses."""
    from monitor.cli.asking import ask

    answer = asyncio.run(ask(config, "ack", codes=list(codes or ())))
    typer.echo(f"acknowledged: {', '.join(answer['codes']) or 'nothing was open'}")


@alerts.command("silence")
def silence(
    lasts: Annotated[str, typer.Argument(help="How long: 30m, 2h, 1d.")],
    config: Config = None,
    account: Many = None,
    exchange: Many = None,
    symbol: Many = None,
    side: Many = None,
    rule: Many = None,
    code: Many = None,
    emergencies: Annotated[bool, typer.Option("--emergencies", help="Silence emergencies too.")] = False,
    comment: Annotated[str, typer.Option("--comment", help="Why.")] = "",
) -> None:
    """Tell nothing of what matches for a time; emergencies pass unless --emergencies says otherwise."""
    from monitor.cli.asking import ask

    written = DURATION.fullmatch(lasts)
    if written is None:
        raise typer.BadParameter("write a number and m, h or d, such as 2h", param_hint="LASTS")
    match = {
        name: list(given)
        for name, given in {
            "account": account, "exchange": exchange, "symbol": [unified(one) for one in symbol or ()],
            "side": side, "rule": rule, "code": code,
        }.items()
        if given
    }  # fmt: skip
    seconds = int(written[1]) * UNITS[written[2]]
    answer = asyncio.run(ask(config, "silence", match=match, seconds=seconds, emergencies=emergencies, comment=comment))
    typer.echo(f"silence {answer['id']}: {answer['what']} until {answer['until']}")
    typer.echo(f"take it back: margincall alerts unsilence {answer['id']}")


@alerts.command("unsilence")
def unsilence(name: Annotated[str, typer.Argument(help="The silence's name.")], config: Config = None) -> None:
    """End a silence now."""
    from monitor.cli.asking import ask

    answer = asyncio.run(ask(config, "unsilence", name=name))
    typer.echo(f"silence {answer['id']} is over")


def _read(config: Config, limit: int = 0) -> tuple[list[Alert], list[Silence], list[Ruling]]:
    from monitor.config.find import locate
    from monitor.store.reader import StoreReader

    with StoreReader(locate(config).store) as reader:
        told = reader.alerts(datetime.now(UTC), rulings=limit)
    return sorted(told.alerts, key=lambda one: (-one.level, one.since)), list(told.silences), list(told.rulings)


def _print_document(**parts: list[dict[str, Any]]) -> None:
    from monitor.cli.documents import SCHEMA, iso

    typer.echo(json.dumps({"schema": SCHEMA, "as_of": iso(datetime.now(UTC)), **parts}, indent=2))


def _alert_document(alert: Alert) -> dict[str, Any]:
    from monitor.cli.documents import iso
    from monitor.margin.quantities import plain_or_none

    return {
        "code": alert.code,
        "rule": alert.rule,
        "level": alert.level.label,
        "state": alert.state.value,
        "kind": alert.subject.kind.value,
        "exchange": alert.subject.exchange,
        "account": alert.subject.account,
        "symbol": alert.subject.symbol or None,
        "side": alert.subject.side or None,
        "family": alert.subject.family or None,
        "channel": alert.subject.channel or None,
        "since": iso(alert.since),
        "told_at": iso(alert.told_at),
        "acked_at": iso(alert.acked_at),
        "value": plain_or_none(alert.value),
        "line": plain_or_none(alert.line),
        "reason": alert.named,
    }


def _silence_document(one: Silence) -> dict[str, Any]:
    from monitor.cli.documents import iso

    return {
        "id": one.id,
        "match": one.match.describe(),
        "since": iso(one.since),
        "until": iso(one.until),
        "emergencies": one.emergencies,
        "comment": one.comment,
    }


def _ruling_document(one: Ruling) -> dict[str, Any]:
    from monitor.cli.documents import iso
    from monitor.margin.quantities import plain_or_none

    return {
        "at": iso(one.at),
        "code": one.code,
        "rule": one.rule,
        "about": _about(one),
        "level": one.level.label,
        "reason": one.named,
        "value": plain_or_none(one.value),
    }


def _about(one: Alert | Ruling) -> str:
    subject = one.subject
    return " ".join(part for part in (subject.channel, subject.account, subject.symbol or subject.family, subject.side) if part)


def _now(alert: Alert) -> str:
    """What is going on with it; somebody has it, whatever else happened since."""
    named = alert.named.replace("_", " ")
    return named if alert.acked_at is None or named == "acknowledged" else f"{named}, acknowledged"


def _print_alerts(open_alerts: list[Alert], now: datetime) -> None:
    from rich.text import Text

    from monitor.alerts.rounding import span
    from monitor.cli.columns import print_rows
    from monitor.cli.screen import console

    if not open_alerts:
        console().print("No alert is open.")
        return
    rows = [
        [
            Text(alert.code),
            Text(alert.level.label, style=COLOURS[alert.level.label]),
            Text(alert.rule),
            Text(_about(alert)),
            Text(span(now - alert.since)),
            Text(_now(alert)),
        ]
        for alert in open_alerts
    ]
    print_rows(console(), OPEN, rows)


def _print_rulings(rulings: list[Ruling]) -> None:
    from rich.text import Text

    from monitor.cli.columns import print_rows
    from monitor.cli.screen import console

    if not rulings:
        console().print("Nothing was ruled on yet.")
        return
    rows = [
        [
            Text(f"{one.at.astimezone():%m-%d %H:%M:%S}"),
            Text(one.code),
            Text(one.level.label, style=COLOURS[one.level.label]),
            Text(one.rule),
            Text(_about(one)),
            Text(one.named.replace("_", " ")),
        ]
        for one in rulings
    ]
    print_rows(console(), LOG, rows)


def register(cli: typer.Typer) -> None:
    """Add the group."""
    cli.add_typer(alerts, name="alerts")
