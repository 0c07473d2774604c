"""`margincall demo`: the whole product on one command, with play money."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli import INTERRUPTED, AsJson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from monitor.cli.view import Row
    from monitor.demo.frame import Face

SCENARIOS = ("crash", "calm", "whipsaw", "gap")


def demo(
    scenario: Annotated[str, typer.Option("--scenario", help="crash, calm, whipsaw or gap.")] = "crash",
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same prices.")] = 0,
    speed: Annotated[str | None, typer.Option("--speed", help="Times real speed; default: slow where it matters.")] = None,
    headless: Annotated[bool, typer.Option("--headless", help="No live view, only plain lines.")] = False,
    as_json: AsJson = False,
) -> None:
    """See it work: a practice exchange, the real daemon, a phone, and a crash in 90 seconds. No account, no network.

    Exit 0 if nothing was lost and the daemon's books and the exchange's agree, else 1.
    """
    if scenario not in SCENARIOS:
        raise typer.BadParameter(f"must be one of {', '.join(SCENARIOS)}", param_hint="--scenario")
    times = read_speed(speed)
    import asyncio

    from rich.console import Console

    from monitor.demo.script import script
    from monitor.demo.show import Interrupted, play
    from monitor.demo.summary import summary

    console = Console(highlight=False)
    played = script(scenario, seed=seed, speed=times)
    try:
        outcome = asyncio.run(play(played, _look, _face(console, headless=headless, as_json=as_json)))
    except Interrupted:
        typer.echo("Stopped. Nothing is left behind.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        typer.echo(json.dumps(outcome.document()))
        for problem in outcome.problems:
            typer.echo(problem, err=True)
    else:
        for line in summary(outcome, played):
            console.print(line, soft_wrap=not console.is_terminal)
    if outcome.problems:
        raise typer.Exit(1)


def read_speed(given: str | None) -> Decimal | None:
    """``--speed`` as a positive number."""
    if given is None:
        return None
    try:
        speed = Decimal(given)
    except InvalidOperation:
        speed = Decimal(0)
    if not speed.is_finite() or speed <= 0:
        raise typer.BadParameter("must be a number above 0, such as 5", param_hint="--speed")
    return speed


def _look(store: Path) -> Sequence[Row]:
    from monitor.cli.view import from_store

    return from_store(store, datetime.now(UTC)).rows


def _face(console: Console, *, headless: bool, as_json: bool) -> Face:
    """The live view where there is a terminal with room for it, else plain lines, or nothing beside the JSON."""
    from monitor.demo.lines import LinesFace, NoFace
    from monitor.demo.screen import HEIGHT, WIDTH, LiveFace

    if as_json:
        return NoFace()
    roomy = console.width >= WIDTH and console.height >= HEIGHT
    if headless or not console.is_terminal or console.is_dumb_terminal or not roomy:
        return LinesFace(typer.echo)
    return LiveFace(console)


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command(name="demo")(demo)
