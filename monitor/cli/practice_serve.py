"""Serving the practice exchange from the command line."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer

from monitor.cli.practice_remote import PracticeRefused, call
from monitor.errors import MargincallError
from monitor.practice import DEMO, SCENARIOS, EngineSource, FaultKind, PracticeServer, Replay, Source, build, from_csv

FAULT_NAMES = dict.fromkeys(("exchange", "account", "call", "method", "contract"), False) | dict.fromkeys(
    ("after", "lasts", "times", "amount", "executes"), True
)
"""What a fault can be narrowed by, and whether that is a number."""
RECORDED = "prices"
"""The name under which a recorded series joins the scenarios."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What to serve and what happens on it; ``faults`` as bodies of /control/faults."""

    scenario: str | None
    prices: Path | None
    speed: Decimal
    seed: int
    replay: Path | None
    world: Path | None
    faults: Sequence[dict[str, Any]]
    port: int


def fault_kinds() -> list[str]:
    """Every kind of fault by its name; ``refuse`` closes the port itself."""
    return ["refuse", *(kind.value for kind in FaultKind)]


def serve(served: Served) -> None:
    """Until SIGINT or SIGTERM. Raises PracticeRefused for files that cannot be used and a port that is taken."""
    source, scenario = _source(served), _scenario(served)
    asyncio.run(_serve(served, source, scenario))


def _source(served: Served) -> Source:
    if served.replay is not None:
        return Replay(_read(served.replay))
    description = DEMO if served.world is None else _read(served.world)
    try:
        return EngineSource(build(description))
    except (KeyError, ValueError, ArithmeticError, TypeError, AttributeError, MargincallError) as error:
        raise PracticeRefused(f"The world in {served.world} cannot be built: {error}.") from error


def _scenario(served: Served) -> str | None:
    if served.prices is not None:
        try:
            SCENARIOS[RECORDED] = replace(from_csv(served.prices), name=RECORDED)
        except OSError as error:
            raise PracticeRefused(f"{served.prices} cannot be read: {error.strerror}.") from error
        except (ValueError, ArithmeticError) as error:
            raise PracticeRefused(f"{served.prices} cannot be played: {error}.") from error
        return RECORDED
    if served.scenario is not None and served.scenario not in SCENARIOS:
        raise typer.BadParameter(f"must be one of {', '.join(SCENARIOS)}", param_hint="--scenario")
    return served.scenario


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise PracticeRefused(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise PracticeRefused(f"{path} is not JSON: {error}.") from error


async def _serve(served: Served, source: Source, scenario: str | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    server = PracticeServer(source, port=served.port)
    try:
        await server.start()
    except OSError as error:
        await server.close()
        raise PracticeRefused(f"Port {served.port} cannot be listened on.", hint="Choose another with --port.") from error
    try:
        for line in introduction(source, server.url, _playing(scenario, served.speed)):
            typer.echo(line)
        if scenario is not None:
            body = {"scenario": scenario, "speed": str(served.speed), "seed": served.seed}
            await asyncio.to_thread(call, server.port, "POST", "play", body)
        for fault in served.faults:
            await asyncio.to_thread(call, server.port, "POST", "faults", fault)
        await stop.wait()
    finally:
        await server.close()


def _playing(scenario: str | None, speed: Decimal) -> str:
    return "Prices stand still" if scenario is None else f"Playing {scenario} at {speed:f} times real speed"


def introduction(source: Source, url: str, playing: str) -> Iterator[str]:
    """What a person needs to use it: a configuration, its secrets, and how to control it."""
    accounts = _accounts(source)
    yield f"The practice exchange listens on {url}. {playing}. Ctrl-C ends it."
    yield "\n# config.yaml"
    yield "accounts:"
    for name, (exchange, _) in accounts.items():
        yield f'  {name}: {{exchange: {exchange}, endpoint: "{url}", poll: {{calm: 1s, near: 1s}}}}'
    yield "channels:"
    yield "  phone: {url_from: phone_url}"
    yield "store: ./practice.db"
    yield "\n# its secrets, for the shell that runs margincall; the last one is yours to choose"
    for name, (_, secrets) in accounts.items():
        for option, value in secrets.items():
            yield f"export MARGINCALL_SECRET_{name.upper()}_{option.upper()}={value}"
    yield "export MARGINCALL_SECRET_PHONE_URL=ntfys://ntfy.sh/a-topic-of-your-own"
    port = url.rpartition(":")[2]
    yield f"\n# from another terminal (with --port {port})"
    yield "# margincall practice status | play crash --speed 20 | mark okx BTC-USDT-SWAP 110000 | fault hang,lasts=20"
    yield "# margincall practice --help shows the others"


def _accounts(source: Source) -> dict[str, tuple[str, dict[str, str]]]:
    """Exchange and secrets of each account; recorded replies take any secret."""
    if isinstance(source, EngineSource):
        held = source.exchange.accounts
        return {
            name: (one.exchange, _secrets(one.exchange, one.api_key, one.secret, one.passphrase)) for name, one in held.items()
        }
    return {name: (name, _secrets(name, "any", "any", "any")) for name in ("binance", "bybit", "okx")}


def _secrets(exchange: str, api_key: str, secret: str, passphrase: str) -> dict[str, str]:
    asked = {"api_key": api_key, "secret": secret}
    return asked | {"passphrase": passphrase} if exchange == "okx" else asked
