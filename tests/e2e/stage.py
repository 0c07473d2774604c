"""What a timeline is played on: the real program, a practice exchange for each account, and a phone for each channel.

    with Stage(folder, channels=("phone", "mail")) as stage:
        stage.account("main", "binance", Held("BTCUSDT", entry="100000", quantity="0.1", margin="1000"))
        stage.price("main", "BTCUSDT", "92000")

Each account has an exchange, a port and a ban of its own, so that what ails one cannot be seen at another.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TypeVar

from monitor.cli.view import from_store
from monitor.practice import EngineSource, Fault, FaultKind, PracticeExchange, PracticeServer
from monitor.practice.call import Call
from monitor.practice.engine.accounts import Account, Key
from tests.e2e.program import PATIENCE, Program
from tests.receiver import Behaviour, Receiver

T = TypeVar("T")

RULES = "rules: [{kind: data_stale, after: 2s}, {kind: cushion, clear_hold: 0s}]\n"
LEVELS = ("info", "warning", "critical", "emergency")
STIR_SECONDS = 0.3
POLL, FAR_POLL = "{calm: 300ms, near: 150ms}", "{calm: 1s, near: 1s}"
"""Of an endpoint on loopback, and of any other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One message that a channel accepted, ``at`` in monotonic seconds."""

    at: float
    channel: str
    title: str
    body: str

    @property
    def text(self) -> str:
        """Title and body."""
        return f"{self.title}\n{self.body}"


@dataclass(frozen=True, slots=True)
class Held:
    """A position of 10x, long unless said otherwise."""

    contract: str
    entry: str
    quantity: str
    margin: str
    leverage: str = "10"
    side: str = "long"


@dataclass(slots=True, kw_only=True)
class Booth:
    """One account's own practice exchange; ``endpoint`` is what the configuration says now."""

    exchange: str
    engine: PracticeExchange
    server: PracticeServer
    endpoint: str
    contracts: str
    more: str = ""


class Phone(Receiver):
    """A channel's service that notes what it accepted, and when."""

    def __init__(self, name: str, heard: Callable[[Arrival], None]) -> None:
        self._name = name
        self._heard = heard
        self._one_by_one = threading.Lock()
        super().__init__()

    def _take(self, path: str, headers: Mapping[str, str], payload: Any) -> Behaviour:
        with self._one_by_one:
            behaviour = super()._take(path, headers, payload)
            last = self.requests[-1]
        if last.accepted:
            self._heard(Arrival(at=time.monotonic(), channel=self._name, title=last.title, body=last.text))
        return behaviour


@dataclass(slots=True)
class Stage:
    """Everything a timeline needs; a context manager that leaves nothing running.

    ``rules`` is YAML, and so are ``levels`` (default: everyone hears of each) and the ``options`` of a channel.
    """

    folder: Path
    channels: tuple[str, ...] = ("phone",)
    rules: str = RULES
    levels: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    booths: dict[str, Booth] = field(default_factory=dict)
    phones: dict[str, Phone] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    _shown: tuple[float, dict[str, Any]] = (0.0, {})
    daemon: subprocess.Popen[bytes] | None = None
    program: Program = field(init=False)
    _stirring: Future[None] | None = None
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, name="exchanges", daemon=True)
        self._thread.start()
        self.phones = {name: Phone(name, self._heard) for name in self.channels}
        self.program = Program(self.folder, "", {f"{name}_url": phone.url for name, phone in self.phones.items()})
        return self

    def __exit__(self, *_: object) -> None:
        self.program.stop()
        if self._stirring is not None:
            self._stirring.cancel()
        for phone in self.phones.values():
            phone.close()
        for booth in self.booths.values():
            self.inside(booth.server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def account(
        self,
        name: str,
        exchange: str,
        *held: Held,
        marks: Mapping[str, str] | None = None,
        contracts: str = "linear",
        tls: bool = False,
        top_ups: bool = False,
    ) -> None:
        """A new account with 100,000 USDT of its own, its positions, and ``marks`` by contract (default: the entries).

        ``top_ups``: it has a second key, one that may change margins.
        """
        engine = PracticeExchange()
        account = engine.add_account(name, exchange, balances={"USDT": "100000"})
        engine.set_marks({(exchange, one.contract): Decimal(one.entry) for one in held})
        engine.set_marks({(exchange, contract): Decimal(mark) for contract, mark in (marks or {}).items()})
        for one in held:
            engine.open(
                name,
                one.contract,
                long=one.side == "long",
                quantity=Decimal(one.quantity),
                leverage=Decimal(one.leverage),
                entry=Decimal(one.entry),
                margin=Decimal(one.margin),
            )
        server = PracticeServer(EngineSource(engine, limits=False), tls=tls)
        self.inside(server.start())
        booth = Booth(exchange=exchange, engine=engine, server=server, endpoint=server.url, contracts=contracts)
        self.booths[name] = booth
        keys: dict[str, Key | Account] = {name: account}
        if top_ups:
            account.may_trade = False
            keys[f"{name}_trade"] = engine.add_key(name, "trade")
            booth.more = f", top_up_credentials: {name}_trade"
        for owner, key in keys.items():
            for option in ("api_key", "secret", "passphrase"):
                self.program.environment[f"MARGINCALL_SECRET_{owner}_{option}".upper()] = getattr(key, option)

    def price(self, account: str, contract: str, mark: str) -> None:
        """Move a mark price."""
        booth = self.booths[account]
        self.call(lambda: booth.engine.set_marks({(booth.exchange, contract): Decimal(mark)}))

    def stir(self, contracts: Mapping[str, str]) -> None:
        """From now on the marks of these contracts (by exchange) move by a cent and back, as a real mark never stands still."""

        async def stirring() -> None:
            for cents in itertools.cycle((1, -1)):
                for booth in self.booths.values():
                    key = booth.exchange, contracts[booth.exchange]
                    booth.engine.set_marks({key: booth.engine.marks[key] + Decimal(cents) / 100})
                await asyncio.sleep(STIR_SECONDS)

        self._stirring = asyncio.run_coroutine_threadsafe(stirring(), self._loop)

    def fault(
        self, account: str, kind: FaultKind | None, *, call: str = "*", amount: str | None = None, contract: str | None = None
    ) -> None:
        """Put a fault in, until ``lift``; None closes the port."""
        server = self.booths[account].server
        if kind is None:
            self.inside(server.refuse())
        else:
            measure = None if amount is None else Decimal(amount)
            self.call(lambda: server.faults.add(Fault(kind=kind, call=call, amount=measure, contract=contract)))

    def lift(self, account: str) -> None:
        """The account's exchange is well again."""
        server = self.booths[account].server
        self.call(server.faults.clear)
        self.inside(server.accept())

    def start(self) -> None:
        """Start the daemon on the configuration as it is now."""
        accounts = "\n".join(
            f"  {name}: {{exchange: {booth.exchange}, endpoint: '{booth.endpoint}', contracts: [{booth.contracts}],"
            f" poll: {POLL if '127.0.0.1' in booth.endpoint else FAR_POLL}{booth.more}}}"
            for name, booth in self.booths.items()
        )
        channels = "\n".join(f"  {name}: {{url_from: {name}_url{self.options.get(name, '')}}}" for name in self.channels)
        everyone = ", ".join(f"{level}: {{channels: [{', '.join(self.channels)}]}}" for level in LEVELS)
        self.program.config.write_text(
            f"accounts:\n{accounts}\nchannels:\n{channels}\nlevels: {{{self.levels or everyone}}}\n"
            f"store: ./store.db\ntimezone: UTC\n{self.rules}"
        )
        self.daemon = self.program.start()

    def end(self, number: signal.Signals) -> int:
        """Send the daemon a signal and wait for its end; its exit code."""
        assert self.daemon is not None, "no daemon runs"
        self.daemon.send_signal(number)
        code = self.daemon.wait(PATIENCE)
        self.daemon = None
        return code

    def wait_for(self, true: Callable[[], bool], seconds: float) -> bool:
        """Wait until something that came makes it true, at most ``seconds`` and only while the daemon lives; whether it is."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while not true() and time.monotonic() < deadline and self.daemon is not None and self.daemon.poll() is None:
                self.changed.wait(0.2)
            return true()

    def document(self) -> dict[str, Any]:
        """What `positions --json` prints, at most a tenth of a second ago."""
        if time.monotonic() - self._shown[0] > 0.1:
            self._shown = time.monotonic(), from_store(self.folder / "store.db", datetime.now(UTC)).document()
        return self._shown[1]

    def calls(self, account: str) -> list[Call]:
        """The last requests of an account, oldest first."""
        log = self.booths[account].server.log
        return self.call(lambda: list(log.last))

    def call(self, work: Callable[[], T]) -> T:
        """Do ``work`` in the exchanges' own thread."""

        async def working() -> T:
            return work()

        return self.inside(working())

    def inside(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` in the exchanges' own loop to its end."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def _heard(self, arrival: Arrival) -> None:
        with self.changed:
            self.arrivals.append(arrival)
            self.changed.notify_all()
