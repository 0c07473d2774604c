"""``python -m monitor.practice --replay FILE.json --port-file PATH``: the practice exchange as a process of its own.

The port is written to ``--port-file`` once connections are accepted (through a rename, so a reader never sees half of it).
Ends on SIGTERM or SIGINT with exit code 0.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
from pathlib import Path

from monitor.practice.replay import Replay
from monitor.practice.server import PracticeServer


async def _serve(server: PracticeServer, port_file: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with server:
        if port_file is not None:
            half = port_file.with_suffix(".part")
            half.write_text(f"{server.port}\n")
            half.rename(port_file)
        await stop.wait()


def main(arguments: list[str] | None = None) -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m monitor.practice", description="The practice exchange on loopback.")
    parser.add_argument("--replay", type=Path, required=True, help="a description of recorded replies (JSON)")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--port-file", type=Path, help="where the port is written once it listens")
    parser.add_argument("--token", default="practice", help="what /control asks for in X-Practice-Token")
    given = parser.parse_args(arguments)
    source = Replay(json.loads(given.replay.read_text()))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(PracticeServer(source, port=given.port, token=given.token), given.port_file))


if __name__ == "__main__":
    main()
