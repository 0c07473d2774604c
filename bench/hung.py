"""What twelve hanging channels cost a healthy one: commit to acceptance, beside them and alone."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

from bench.latency import Phone
from monitor.alerts.model import Message, NotifyReason, Subject, SubjectKind
from monitor.clock import SystemClock
from monitor.daemon.deliver import ChannelWorker
from monitor.daemon.outgoing import wake_all
from monitor.memory import Commit
from monitor.notify.apprise import AppriseNotifier
from monitor.rules.base import Level
from monitor.store.sqlite import SqliteStore

HUNG = 12
MESSAGES = 60


async def measure(folder: Path) -> dict[str, float | None]:
    """The 95th percentile beside the hanging ones, less the median alone."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silence:
        # It takes every connection and never says a word.
        alone = await _seconds(folder / "alone.db", [])
        slow = [AppriseNotifier(f"slow{number}", f"json://127.0.0.1:{silence.getsockname()[1]}/") for number in range(HUNG)]
        beside = await _seconds(folder / "beside.db", slow)
    delay = beside[int(len(beside) * 0.95)] - alone[len(alone) // 2]
    return {"healthy_channel_delay_with_12_hung_seconds": max(0.0, delay)}


async def _seconds(path: Path, slow: list[AppriseNotifier]) -> list[float]:
    """How long each message took to the healthy channel, sorted."""
    phone, clock = Phone(), SystemClock()
    threading.Thread(target=phone.serve_forever, daemon=True).start()
    store = await SqliteStore.open(path)
    healthy = AppriseNotifier("healthy", f"json://127.0.0.1:{phone.server_port}/")
    workers = [ChannelWorker(channel, store, clock) for channel in (*slow, healthy)]
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    names = [worker.name for worker in workers]
    spent = []
    for number in range(MESSAGES):
        message = replace(_message(), id=f"m{number}", at=clock.now())
        began = time.perf_counter()
        await store.commit(Commit(at=clock.now(), messages=(message,)), channels=names)
        wake_all(workers)
        while len(phone.accepted) <= number:
            await asyncio.sleep(0.0005)
        spent.append(phone.accepted[number] - began)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for channel in (*slow, healthy):
        await channel.close()
    await store.close()
    phone.shutdown()
    return sorted(spent)


def _message() -> Message:
    return Message(
        id="",
        code="K7Q2",
        level=Level.EMERGENCY,
        why=NotifyReason.FIRST,
        subject=Subject(SubjectKind.DAEMON),
        title="BTC long 2.2 % from liquidation",
        body="Add 85 USDT.\n#K7Q2",
        at=SystemClock().now(),
    )
