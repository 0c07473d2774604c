"""`margincall postmortem`: how a liquidation or a near miss went, who was told when, and what would have saved it."""

from __future__ import annotations

import json
import sys
import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli import AsJson, Config
from monitor.cli.columns import Column
from monitor.cli.symbols import unified

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.postmortem.composed import PostMortem
    from monitor.postmortem.record import Incident

LAST = "last"
PLAIN_WIDTH, WIDEST = 80, 100
"""Columns where nobody looks at a terminal, and at most on one: long lines are hard to read."""
INDENT = "  "
LIST = (
    Column(name="id", right=False),
    Column(name="when", right=False),
    Column(name="account", right=False, rank=1),
    Column(name="position", right=False),
    Column(name="what", right=False),
    Column(name="lasted", rank=2),
)


def postmortem(
    wanted: Annotated[
        str, typer.Argument(metavar="[ID|last]", help="Its short code, as --list shows it; or the last one.")
    ] = LAST,
    config: Config = None,
    listed: Annotated[bool, typer.Option("--list", help="Show which there are.")] = False,
    symbol: Annotated[str, typer.Option("--symbol", help="Only of this symbol, such as BTC/USDT.")] = "",
    as_json: AsJson = False,
) -> None:
    """Explain a liquidation or a near miss: how it went, who was told when, and what would have saved it."""
    from monitor.config.find import locate
    from monitor.store.reader import StoreReader

    with StoreReader(locate(config).store) as reader:
        found = [one for one in reader.incidents() if not symbol or one.life.key.symbol == unified(symbol)]
        if listed:
            _list(found, as_json=as_json)
            return
        chosen = _chosen(found, wanted)
        if chosen is None:
            if as_json:
                typer.echo(json.dumps(_document(None)))
            else:
                typer.echo("No liquidation and no near miss is in the store.")
            return
        told = reader.post_mortem(chosen)
    if as_json:
        typer.echo(json.dumps(_document(told), indent=2))
    else:
        for line in lines(told, _width()):
            typer.echo(line)


def _chosen(found: Sequence[Incident], wanted: str) -> Incident | None:
    """The one that is meant; None for the last where there is none. Raises typer.BadParameter for an unknown code."""
    from monitor.postmortem.finding import last_of

    if wanted.lower() == LAST:
        return last_of(found)
    code = wanted.upper().lstrip("#")
    for one in reversed(found):
        if one.code == code:
            return one
    raise typer.BadParameter(f"there is none called {code}: see `margincall postmortem --list`", param_hint="ID")


def _width() -> int:
    import shutil

    return min(shutil.get_terminal_size().columns, WIDEST) if sys.stdout.isatty() else PLAIN_WIDTH


def lines(told: PostMortem, width: int) -> Iterator[str]:
    """The whole of it in lines of at most ``width`` columns."""
    from monitor.cli.timeline import curve_lines, timeline_lines
    from monitor.postmortem.words import after_timeline, before_timeline, headline

    incident = told.record.incident
    here = incident.until.astimezone()
    zone = here.tzinfo or UTC
    yield from textwrap.wrap(f"Post-mortem {incident.code}: {headline(incident)}", width)
    yield f"{here:%d %b %Y}, times in {here:%Z}"
    for section in before_timeline(told, zone):
        yield from _section(section.head, section.lines, width)
    yield ""
    yield "How it went"
    yield from curve_lines(told, width, zone)
    yield from timeline_lines(told, width, zone)
    for section in after_timeline(told, zone):
        yield from _section(section.head, section.lines, width)


def _section(head: str, sentences: Sequence[str], width: int) -> Iterator[str]:
    yield ""
    yield head
    for sentence in sentences:
        yield from textwrap.wrap(sentence, width, initial_indent=INDENT, subsequent_indent=INDENT * 2)


def _list(found: Sequence[Incident], *, as_json: bool) -> None:
    from rich.text import Text

    from monitor.alerts.rounding import span
    from monitor.cli.columns import print_rows
    from monitor.cli.documents import SCHEMA, iso
    from monitor.cli.postmortem_document import incident_document
    from monitor.cli.screen import console
    from monitor.topups.wording import place

    if as_json:
        listing = [incident_document(one) for one in found]
        typer.echo(json.dumps({"schema": SCHEMA, "as_of": iso(datetime.now(UTC)), "incidents": listing}, indent=2))
    elif not found:
        typer.echo("No liquidation and no near miss is in the store.")
    else:
        rows = [
            (
                one.code,
                f"{one.at.astimezone():%Y-%m-%d %H:%M:%S}",
                one.life.key.account,
                place(one.life.key),
                one.kind.value.replace("_", " "),
                span(one.until - one.since),
            )
            for one in found
        ]
        print_rows(console(), LIST, [[Text(cell) for cell in row] for row in rows])


def _document(told: PostMortem | None) -> dict[str, object]:
    from monitor.cli.documents import SCHEMA, iso
    from monitor.cli.postmortem_document import postmortem_document

    head = {"schema": SCHEMA, "as_of": iso(datetime.now(UTC))}
    return {**head, "postmortem": None if told is None else postmortem_document(told)}


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command(name="postmortem")(postmortem)
