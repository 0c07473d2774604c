"""The scene of the chaos: a practice exchange whose prices move, four channels, and a daemon that dies and is started again.

Whoever waits for something here also starts the daemon again when it has died, with the next crash point that is planned, so that
a script tells what must come in the end and not how often the daemon dies on the way.
"""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from monitor.crashpoint import VARIABLE
from monitor.daemon.control import call, socket_path
from tests.e2e.stage import Held, Stage
from tests.receiver import ACCEPT, Receiver

PATIENCE = 60.0
"""Seconds in which everything that is promised must have come, on a machine that is busy with other things."""
ACCOUNTS = ("main", "side")
# 10x long, 1,000 of margin behind 10,000. At 98 % of the entry no line is near, at 95 % the warning line is past, at 92 %
# the emergency line; the exchange takes the position over at about 90.4 %.
ENTRIES = {"BTCUSDT": Decimal(100_000), "ETHUSDT": Decimal(4_000), "ATOMUSDT": Decimal(4), "DOGEUSDT": Decimal("0.25")}
CALM, WARNED, LOW, LOST = Decimal("0.98"), Decimal("0.95"), Decimal("0.92"), Decimal("0.80")
STORE = "store.db"

LEVELS = (
    "info: {channels: [chat]}, warning: {channels: [chat]}, critical: {channels: [phone, chat]},"
    " emergency: {channels: [phone, chat], repeat: 2s}"
)
DISCIPLINE = """\
rules: [{kind: data_stale, after: 10s}, {kind: cushion, clear_hold: 0s}, {kind: channel_broken, clear_hold: 0s}]
escalation: [{after: 1s, level: emergency, channels: [partner]}]
heartbeat: {url_from: watcher_url}
"""


@dataclass(slots=True)
class Scene(Stage):
    """A stage on which the daemon dies.

    ``planned``: the crash points that the next starts are armed with; ``deaths``: those it died at; ``reboots``: how often it
    was killed at none; ``begun``: the arrivals before the daemon that runs now.
    """

    planned: list[str] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    armed: str = ""
    reboots: int = 0
    begun: int = 0
    watcher: Receiver = field(default_factory=Receiver)

    @classmethod
    def on(cls, folder: Path) -> Self:
        """The scene in an empty folder; enter it, then ``furnish``."""
        return cls(
            folder,
            channels=("phone", "chat", "partner", "backup"),
            rules=DISCIPLINE,
            levels=LEVELS,
            options={"chat": ", fallback: backup"},
        )

    def furnish(self) -> None:
        """Two accounts, each with all positions, at rest; and a store that knows them (what is born past a line is told once)."""
        for account in ACCOUNTS:
            held = [
                Held(contract, entry=str(entry), quantity=str(10_000 / entry), margin="1000")
                for contract, entry in ENTRIES.items()
            ]
            self.account(account, "binance", *held, marks={name: str(entry * CALM) for name, entry in ENTRIES.items()})
        url = self.watcher.url.replace("json://", "http://")
        self.program.environment["MARGINCALL_SECRET_WATCHER_URL"] = url
        self.settle()
        self.rest()

    def close(self) -> None:
        """What a stage does not know of."""
        self.watcher.close()

    def move(self, share: Decimal, *, contract: str = "BTCUSDT", account: str = "main") -> None:
        """The mark price goes to this share of the entry."""
        self.price(account, contract, str(ENTRIES[contract] * share))

    def revive(self) -> None:
        """Start the daemon if it does not run; one that died of anything but its crash point is a failure."""
        if self.daemon is not None and self.daemon.poll() is None:
            return
        if self.daemon is not None:
            code, self.daemon = self.daemon.returncode, None
            assert self.armed, f"the daemon ended by itself with {code}"
            assert code == -signal.SIGKILL, f"the daemon, to die at {self.armed}, ended with {code}"
            self.deaths.append(self.armed)
        self.armed = self.planned.pop(0) if self.planned else ""
        self.program.environment[VARIABLE] = self.armed
        self.begun = len(self.arrivals)
        self.start()

    def restock(self) -> None:
        """The owner opens what the exchange took, as it was, at a calm mark."""
        self.move(CALM)
        engine, entry = self.booths["main"].engine, ENTRIES["BTCUSDT"]
        self.call(
            lambda: engine.open(
                "main", "BTCUSDT", long=True, quantity=10_000 / entry, leverage=Decimal(10), entry=entry, margin=Decimal(1000)
            )
        )

    def reboot(self) -> None:
        """Kill the daemon where it is, which is at no crash point, and start it again."""
        if self.daemon is not None and self.daemon.poll() is None:
            self.end(signal.SIGKILL)
            self.reboots += 1
        self.revive()

    def settle(self) -> None:
        """Wait until the daemon that runs has said on every channel what it guards, and nothing waits for a channel any more.

        A channel that was down may have that in its summary. At rest nothing else is said by itself: whoever kills it then cuts
        nothing off.
        """
        words = f"guarding {len(ACCOUNTS) * len(ENTRIES)} positions"

        def heard() -> bool:
            said = {one.channel for one in self.arrivals[self.begun :] if words in one.title or "could not take" in one.title}
            return said == set(self.channels)

        self.until(heard, "what is guarded, on every channel")
        self.until(lambda: not self.read("SELECT 1 FROM deliveries WHERE state IN ('waiting', 'sending')"), "an empty outbox")

    def read(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """What the store says."""
        connection = sqlite3.connect(f"{(self.folder / STORE).as_uri()}?mode=ro", uri=True)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def rest(self) -> None:
        """Between two runs no daemon runs, and everything is well."""
        if self.daemon is not None and self.daemon.poll() is None:
            self.end(signal.SIGKILL)
        self.daemon = None
        for phone in self.phones.values():
            phone.usually = ACCEPT
        for account in ACCOUNTS:
            for contract in ENTRIES:
                self.move(CALM, contract=contract, account=account)

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Wait until it is true, and keep a daemon running meanwhile; AssertionError when it never becomes true."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.revive()
            if self.wait_for(true, 0.3):
                return
            assert time.monotonic() < deadline, f"never came: {what}"

    def hears(self, channel: str, *words: str, since: int) -> None:
        """Wait until ``channel`` has accepted a message with all these words after the arrival number ``since``."""

        def came() -> bool:
            return any(one.channel == channel and all(word in one.text for word in words) for one in self.arrivals[since:])

        self.until(came, f"{words} on {channel}")

    def ask(self, verb: str, **fields: Any) -> dict[str, Any]:
        """Ask the daemon until it answers: a person whose daemon dies under the question asks again."""
        answers: list[dict[str, Any]] = []

        def answered() -> bool:
            try:
                answer = asyncio.run(call(socket_path(self.folder / STORE), verb, **fields))
            except (OSError, ValueError, TimeoutError):
                return False
            answers.extend([answer] if answer is not None else [])
            return bool(answers)

        self.until(answered, f"an answer to {verb}")
        return answers[-1]
