"""From a breach in a reading to its acceptance by the receiver: decide, commit, lease, apprise, HTTP on loopback."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from bench.cycle import policy
from bench.figures import position
from monitor.clock import SystemClock
from monitor.daemon.deliver import ChannelWorker
from monitor.daemon.guard import Guard
from monitor.margin.reading import FamilyKey, FamilySnapshot
from monitor.memory import Memory
from monitor.notify.apprise import AppriseNotifier
from monitor.store.sqlite import SqliteStore

BREACHES = 200


class Phone(HTTPServer):
    """Counts what it accepted and when."""

    def __init__(self) -> None:
        self.accepted: list[float] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Phone

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.server.accepted.append(time.perf_counter())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


async def measure(store_path: Path) -> dict[str, float | None]:
    """Each breach is a position of its own, first seen already past its emergency line."""
    phone = Phone()
    threading.Thread(target=phone.serve_forever, daemon=True).start()
    clock = SystemClock()
    store = await SqliteStore.open(store_path)
    channel = AppriseNotifier("phone", f"json://127.0.0.1:{phone.server_port}/")
    worker = ChannelWorker(channel, store, clock)
    guard = Guard(
        memory=Memory(), policy=policy(clock), store=store, clock=clock, channels=["phone"], wake=worker.wake, direct=worker.push
    )
    task = asyncio.create_task(worker.run())
    spent, positions = [], []
    for number in range(BREACHES):
        calm = position()
        positions.append(replace(calm, key=replace(calm.key, symbol=f"C{number}/USDT:USDT"), mark_price=Decimal("92.5")))
        key = FamilyKey(exchange="binance", account="main", family="usdm")
        snapshot = FamilySnapshot(key=key, at=clock.now(), positions=tuple(positions[-5:]))
        began = time.perf_counter()
        await guard.take(snapshot)
        while len(phone.accepted) <= number:
            await asyncio.sleep(0.0005)
        spent.append(phone.accepted[number] - began)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await channel.close()
    await store.close()
    phone.shutdown()
    spent.sort()
    return {
        "breach_to_accepted_p50_seconds": spent[len(spent) // 2],
        "breach_to_accepted_p99_seconds": spent[int(len(spent) * 0.99)],
    }
