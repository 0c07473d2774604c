"""The practice exchange as a process of its own: ``python -m monitor.practice --replay FILE.json --port-file PATH``, or
``--world FILE.json`` (see ``world``; without a file the demo's) with ``--scenario NAME --speed N --seed N`` for the engine.

The port is written to ``--port-file`` once connections are accepted (through a rename, so a reader never sees half of it).
Ends on SIGTERM or SIGINT with exit code 0.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
from decimal import Decimal
from pathlib import Path

from monitor.practice.call import Source
from monitor.practice.replay import Replay
from monitor.practice.scenarios import SCENARIOS
from monitor.practice.scenarios.player import Player
from monitor.practice.server import PracticeServer
from monitor.practice.wire.source import EngineSource
from monitor.practice.world import DEMO, build


async def _serve(server: PracticeServer, port_file: Path | None, player: Player | None, speed: Decimal) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with server:
        if port_file is not None:
            half = port_file.with_suffix(".part")
            half.write_text(f"{server.port}\n")
            half.rename(port_file)
        playing = loop.create_task(player.play([(0, speed)])) if player else None
        await stop.wait()
        if playing is not None:
            playing.cancel()


def main(arguments: list[str] | None = None) -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m monitor.practice", description="The practice exchange on loopback.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--replay", type=Path, help="a description of recorded replies (JSON)")
    what.add_argument("--world", type=Path, help="who is on the engine (JSON); default: the demo's accounts")
    parser.add_argument("--scenario", choices=SCENARIOS, help="what the prices do; default: nothing")
    parser.add_argument("--speed", type=Decimal, default=Decimal(1), help="times real speed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--port-file", type=Path, help="where the port is written once it listens")
    parser.add_argument("--token", default="practice", help="what /control asks for in X-Practice-Token")
    given = parser.parse_args(arguments)
    source: Source
    if given.replay is not None:
        source, player = Replay(json.loads(given.replay.read_text())), None
    else:
        engine = build(json.loads(given.world.read_text()) if given.world else DEMO)
        source = EngineSource(engine)
        player = Player(engine, SCENARIOS[given.scenario], seed=given.seed) if given.scenario else None
    server = PracticeServer(source, port=given.port, token=given.token)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(server, given.port_file, player, given.speed))


if __name__ == "__main__":
    main()
