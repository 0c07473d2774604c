"""A small language for acceptance tests: what happens when, what must arrive when, and that nothing else does.

    line = Timeline(stage)                              # the daemon runs and has said so: that is second 0
    line.at(1).price("main", "BTCUSDT", "92000")
    line.at(4).kill().start()
    line.expect("phone", "EMERGENCY: BTC/USDT long", between(1, 2))
    line.run()                                          # fails, with the whole story, if anything else arrived

Times are seconds from second 0. What happens does so at its time; what is expected may come TOLERANCE late, never early. The
clock of a timeline stands still while the daemon starts or stops, which takes as long as the machine needs. It runs slower, up to
SLOWEST times, on a machine that takes longer than OPENING_SECONDS to start one, or has more to do than it has cores (`pace`). The
end is when the last thing was due, or QUIET seconds after everything has come. In the spirit of Alertmanager's acceptance tests.
"""

from __future__ import annotations

import heapq
import itertools
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.practice import FaultKind
from tests.e2e.expectations import TOLERANCE, Expected, Problem, Window, compared
from tests.e2e.pace import SLOWEST, Pace
from tests.e2e.stage import Stage
from tests.receiver import ACCEPT, Behaviour

OPENING_SECONDS = 8.0
"""What four daemons that start together take on two idle cores."""
OPENING_PATIENCE = 120.0
BLIND, AGAIN = "BLIND: cannot read ", "Reading again: "
JUST_NOW = 1.0
QUIET = 1.5
"""Seconds without a message, once all have come, after which nothing else is waited for."""
SAMPLE_SECONDS = 0.25
BUG_LINES = 30
LOG_LINES = 25
BUGS = ("Traceback", "cycle.failed", "worker.died", "store.commit_failed")
"""Words that a sound daemon never logs, whatever its exchanges do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    look: Callable[[], str]
    window: Window
    about: str


Look = Callable[[], str]
"""Says what is wrong right now; empty when nothing is."""


@dataclass(slots=True)
class Timeline:
    """One acceptance test.

    ``opening``: the daemon is started first, and second 0 is when a message with each of these words has come on every
    channel; empty: nothing runs at second 0.
    """

    stage: Stage
    opening: Sequence[str] = ("guarding",)
    _actions: list[tuple[float, int, str, Callable[[], Any]]] = field(default_factory=list)
    _expected: list[Expected] = field(default_factory=list)
    _looks: list[_Look] = field(default_factory=list)
    _story: list[tuple[float, str]] = field(default_factory=list)
    _count: itertools.count[int] = field(default_factory=itertools.count)
    _still: list[tuple[float, float]] = field(default_factory=list)
    _zero: float = 0.0
    _pace: Pace = field(default_factory=Pace)
    _first: int = 0

    def at(self, seconds: float) -> Moment:
        """What happens then; several things in the order in which they are written."""
        return Moment(self, seconds)

    def expect(self, channel: str, text: str | Sequence[str], window: Window, *, about: str = "") -> None:
        """One message on ``channel`` whose title and body hold ``text`` (all of several) in ``window``."""
        words = (text,) if isinstance(text, str) else tuple(text)
        self._expected.append(Expected(channel=channel, words=words, window=window, about=about))

    def always(self, look: Look, window: Window, *, about: str = "") -> None:
        """Ask ``look`` four times a second in ``window``."""
        self._looks.append(_Look(look=look, window=window, about=about))

    def do(self, seconds: float, name: str, work: Callable[[], Any]) -> None:
        """Let ``work`` happen at a time."""
        heapq.heappush(self._actions, (seconds, next(self._count), name, work))

    def run(self) -> None:
        """Play it all; AssertionError with the story unless everything came, in time, and nothing else."""
        problems = self.play()
        assert not problems, self.told(problems)

    def play(self) -> list[Problem]:
        """Play it all; what went otherwise."""
        with self._pace:
            return self._played()

    def _played(self) -> list[Problem]:
        last = max((at for at, *_ in self._actions), default=0.0)
        until = max([last + QUIET, *(one.window.end + TOLERANCE for one in self._expected)])
        watched = max([last, *(one.window.end for one in self._looks)])
        if self.opening:
            began = time.monotonic()
            self.stage.start()
            missing = self._open()
            if missing:
                return [Problem(text=f"it never began: nothing came with {missing}")]
            self._pace.floor = min(SLOWEST, max(1.0, (time.monotonic() - began) / OPENING_SECONDS))
        self._zero = time.monotonic()
        complaints: dict[tuple[str, int], Problem] = {}
        next_look = 0.0
        while True:
            now = self.seconds(time.monotonic())
            while self._actions and self._actions[0][0] <= now:
                _, _, name, work = heapq.heappop(self._actions)
                self._story.append((now, name))
                work()
                now = self.seconds(time.monotonic())
            if now >= next_look:
                next_look = now + SAMPLE_SECONDS
                self._look(now, complaints)
            if now >= until or (now >= watched and self._all_is_quiet()):
                break
            wake = min(until, next_look, self._actions[0][0] if self._actions else until)
            with self.stage.changed:
                self.stage.changed.wait(max(0.0, wake - now))
        return [
            *compared(self._expected, self.stage.arrivals[self._first :], self.seconds),
            *complaints.values(),
            *self._health(),
        ]

    def seconds(self, monotonic: float) -> float:
        """A moment on the timeline's own clock."""
        own = self._pace.seconds
        still = sum(own(min(max(monotonic, begin), end)) - own(begin) for begin, end in self._still)
        return own(monotonic) - own(self._zero) - still

    def stand_still(self, work: Callable[[], Any]) -> None:
        """Do ``work`` while the clock stands still."""
        begin = time.monotonic()
        try:
            work()
        finally:
            self._still.append((begin, time.monotonic()))

    def told(self, problems: Iterable[Problem]) -> str:
        """The whole story, for whoever has to find out why."""
        came = [(self.seconds(one.at), f"{one.channel} <- {one.title}") for one in self.stage.arrivals]
        story = [f"  {at:7.2f}  {text}" for at, text in sorted([*self._story, *came])]
        log = [line for line in self.stage.program.log().splitlines() if '"debug"' not in line][-LOG_LINES:]
        return "\n".join(
            [
                f"the timeline went otherwise (its clock ran {self._slowness():.1f} times slower than the machine's):",
                *(f"  - {problem.text}" for problem in problems),
                "what happened:",
                *story,
                "the end of the daemon's log:",
                *(f"  {line}" for line in log),
            ]
        )

    def _slowness(self) -> float:
        """On average, while things happened."""
        now = time.monotonic()
        passed = self._pace.seconds(now) - self._pace.seconds(self._zero)
        return (now - self._zero) / passed if passed > 0 else 1.0

    def _open(self) -> list[str]:
        """Wait until every channel has told the opening; what is still missing when the patience ends."""

        def missing() -> list[str]:
            return [
                words
                for words in self.opening
                for channel in self.stage.channels
                if not any(one.channel == channel and words in one.text for one in self.stage.arrivals)
            ]

        self.stage.wait_for(lambda: not missing() and self._all_is_read() and self._no_blindness_lasts(), OPENING_PATIENCE)
        with self.stage.changed:
            self._first = len(self.stage.arrivals)
            return missing()

    def _all_is_read(self) -> bool:
        """Every family was read just now: a first poll takes longer than later ones, and is old when it comes."""
        families = [family for account in self.stage.document()["accounts"] for family in account["families"]]
        return all(family["state"] == "ok" and family["age_seconds"] < JUST_NOW for family in families)

    def _no_blindness_lasts(self) -> bool:
        """A start that was slow enough to be told as blindness has told its end too, which would be news to nobody later."""
        titles = [(one.channel, one.title) for one in self.stage.arrivals]
        blind = Counter((channel, title.removeprefix(BLIND)) for channel, title in titles if title.startswith(BLIND))
        seen = Counter((channel, title.removeprefix(AGAIN)) for channel, title in titles if title.startswith(AGAIN))
        return not blind - seen

    def _all_is_quiet(self) -> bool:
        """Everything expected has come, perhaps more, and then nothing for a while."""
        came = self.stage.arrivals[self._first :]
        latest = max((one.at for one in came), default=self._zero)
        return len(came) >= len(self._expected) and self.seconds(time.monotonic()) - self.seconds(latest) >= QUIET

    def _look(self, now: float, complaints: dict[tuple[str, int], Problem]) -> None:
        for index, one in enumerate(self._looks):
            key = (one.about, index)
            if key in complaints or not one.window.start <= now <= one.window.end:
                continue
            wrong = one.look()
            if wrong:
                complaints[key] = Problem(text=f"at {now:.2f} s: {wrong}", about=one.about)

    def _health(self) -> list[Problem]:
        """Whether the daemon lives, if it should, and logged nothing that only a bug does."""
        problems = []
        daemon = self.stage.daemon
        if daemon is not None and daemon.poll() is not None:
            problems.append(Problem(text=f"the daemon ended by itself with {daemon.returncode}"))
        lines = self.stage.program.log().splitlines()
        for number, line in enumerate(lines):
            if any(word in line for word in BUGS):
                problems.append(Problem(text="\n".join(["the daemon logged", *lines[number : number + BUG_LINES]])))
                break
        return problems


@dataclass(frozen=True, slots=True)
class Moment:
    """One point in time of a timeline; each method adds one happening and returns the moment."""

    line: Timeline
    seconds: float

    def price(self, account: str, contract: str, mark: str) -> Moment:
        """The mark price moves."""
        return self._do(f"price of {contract} for {account}: {mark}", lambda: self._stage.price(account, contract, mark))

    def fault(
        self, account: str, kind: FaultKind | None, *, call: str = "*", amount: str | None = None, contract: str | None = None
    ) -> Moment:
        """The account's exchange falls ill; None: its port is closed."""
        name = f"fault at {account}: {'refuse' if kind is None else kind.value} on {call}"
        return self._do(name, lambda: self._stage.fault(account, kind, call=call, amount=amount, contract=contract))

    def lift(self, account: str) -> Moment:
        """It is well again."""
        return self._do(f"{account} is well again", lambda: self._stage.lift(account))

    def endpoint(self, account: str, url: str | None) -> Moment:
        """From the next start on, the configuration has another endpoint; None: the right one again."""

        def change() -> None:
            booth = self._stage.booths[account]
            booth.endpoint = booth.server.url if url is None else url

        return self._do(f"endpoint of {account}: {url or 'right again'}", change)

    def channel(self, name: str, behaviour: Behaviour = ACCEPT) -> Moment:
        """How a channel answers from now on; without a behaviour it accepts."""
        return self._do(f"channel {name}: {behaviour}", lambda: setattr(self._stage.phones[name], "usually", behaviour))

    def start(self) -> Moment:
        """Start the daemon and wait until it has said what it guards."""
        return self._do("start", lambda: self.line.stand_still(self._started))

    def stop(self) -> Moment:
        """SIGTERM, and wait: the daemon must end with 0."""
        return self._do("stop", lambda: self.line.stand_still(lambda: self._ended(signal.SIGTERM, 0)))

    def kill(self) -> Moment:
        """SIGKILL."""
        return self._do("kill -9", lambda: self.line.stand_still(lambda: self._ended(signal.SIGKILL, -signal.SIGKILL)))

    @property
    def _stage(self) -> Stage:
        return self.line.stage

    def _started(self) -> None:
        before = len(self._stage.arrivals)

        def said() -> bool:
            return any("guarding " in one.title for one in self._stage.arrivals[before:])

        self._stage.start()
        assert self._stage.wait_for(said, OPENING_PATIENCE), f"no start was told:\n{self.line.told([])}"

    def _ended(self, number: signal.Signals, wanted: int) -> None:
        code = self._stage.end(number)
        assert code == wanted, f"the daemon ended with {code}"

    def _do(self, name: str, work: Callable[[], Any]) -> Moment:
        self.line.do(self.seconds, name, work)
        return self
