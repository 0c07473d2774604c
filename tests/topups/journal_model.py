"""The journal's world, small enough to be gone through whole: one position, one exchange, a network, a disk, and crashes.

A run is a sequence of choices. `explore` plays every sequence there is: after each run it goes back to the last choice that has
another option. The moves and the reconciling are margincall's own; only the exchange, the disk and the order of the steps that
the worker takes are the model's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.decide import decide
from monitor.margin.position import Position
from monitor.memory import Commit, Memory
from monitor.rules.data_stale import DataStale
from monitor.spend import Outcome, answered, begin, looked, recovered, to_reconcile, to_send
from monitor.topups.evidence import Evidence, MarginRow
from monitor.topups.ledger import Intent, IntentEvent, IntentState
from tests.builders import NOW, position, snapshot
from tests.builders import policy as watching
from tests.fake_journal import FakeJournal
from tests.topups.planning import TOP_UPS, caps, policy

CAP = Decimal(100)
STEP = timedelta(seconds=2)
MOST_ROUNDS = 100
APPLIED = {IntentState.VERIFIED, IntentState.RECONCILED_APPLIED, IntentState.CONFIRMED}
NOT_APPLIED = {IntentState.REJECTED, IntentState.ABANDONED, IntentState.RECONCILED_NOT_APPLIED}


class Crash(Exception):
    """The process is killed here."""


@dataclass(slots=True)
class Choices:
    """A sequence of choices: the given ones first, then always the first option; remembers how many options there were."""

    given: list[int]
    taken: list[int] = field(default_factory=list)
    options: list[int] = field(default_factory=list)

    def pick(self, options: int) -> int:
        at = len(self.taken)
        self.taken.append(self.given[at] if at < len(self.given) else 0)
        self.options.append(options)
        return self.taken[-1]

    def following(self) -> list[int] | None:
        """The next sequence; None after the last."""
        for at in range(len(self.taken) - 1, -1, -1):
            if self.taken[at] + 1 < self.options[at]:
                return [*self.taken[:at], self.taken[at] + 1]
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the worker works, and what exchange it is. The first two are what the mutations take away."""

    commits_before_sending: bool = True
    timeout_is: IntentEvent = IntentEvent.UNCLEAR
    window: timedelta = timedelta(seconds=5)
    keeps_record: bool = True
    crashes: int = 1
    free_sends: int = 1
    """So many sends may end in any way; those after them succeed."""
    endings: tuple[int, ...] = tuple(range(8))
    """Which ways those are, by their place in the list."""
    lags: tuple[timedelta, ...] = (timedelta(0), timedelta(seconds=9))


@dataclass(slots=True)
class Tally:
    """What was counted over all runs."""

    runs: int = 0
    doubled: int = 0
    over_cap: int = 0
    wrong_beliefs: int = 0
    stuck: int = 0
    disputed: int = 0
    states: set[IntentState] = field(default_factory=set)

    @property
    def faults(self) -> tuple[int, int, int, int]:
        return self.doubled, self.over_cap, self.wrong_beliefs, self.stuck


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request in the network: ``lands`` when it reaches the exchange, ``shows`` when its effect can be seen."""

    intent: str
    amount: Decimal
    lands: datetime
    dies: datetime
    shows: datetime

    @property
    def applied(self) -> bool:
        return self.lands <= self.dies


class World:
    """One run."""

    def __init__(self, choices: Choices, rules: Rules) -> None:
        self.choices = choices
        self.rules = rules
        self.now = NOW
        self.requests: list[Request] = []
        self.journal = FakeJournal()
        self.policy = replace(
            watching(DataStale()),
            top_ups=replace(TOP_UPS, policies=(policy(cooldown=timedelta(0), caps=caps(per_position=CAP)),)),
        )
        self.disk = Memory()
        self.lease = 0
        self.crashes = rules.crashes
        self.blind_looks = 1
        self.free_sends = rules.free_sends
        self.memory = self._started()

    def play(self) -> None:
        """Rounds until nothing is open and nothing is in the network any more, each seen in two readings."""
        quiet = 0
        for _ in range(MOST_ROUNDS):
            try:
                self._round()
            except Crash:
                self.memory = self._started()
            self.now += STEP
            waiting = any(one.is_open for one in self.memory.top_ups.intents.values())
            quiet = 0 if waiting or any(one.shows >= self.now for one in self.requests) else quiet + 1
            if quiet == 2:
                return

    def _started(self) -> Memory:
        self.lease += 1
        memory = replace(self.disk, top_ups=self.journal.load())
        change = recovered(memory, self.lease, self.now)
        self._commit(change.memory, change.commit)
        return change.memory

    def _round(self) -> None:
        reading = snapshot(self._position(), when=self.now, free={"USDT": Decimal(1000)})
        decision = decide(reading, self.memory, self.policy, self.now)
        news = bool(decision.commit.top_ups)
        self._may_crash(news)
        self.memory = decision.memory
        self._commit(decision.memory, decision.commit)
        self._may_crash(news)
        for intent in to_send(self.memory):
            self._send(intent)
        for intent in to_reconcile(self.memory, self.now):
            self._look(intent)

    def _send(self, intent: Intent) -> None:
        change = begin(self.memory, self.policy, intent.id, self.now, index_price=Decimal(93), window=self.rules.window)
        self.memory = change.memory
        if self.rules.commits_before_sending:
            self._may_crash()
            self._commit(change.memory, change.commit)
        if change.intent is None or change.intent.state is not IntentState.SUBMITTING:
            return
        self._may_crash()
        outcomes = self._into_the_network(change.intent)
        self._may_crash()
        self._commit(change.memory, change.commit)
        for outcome in outcomes:
            answer = answered(self.memory, self.policy, intent.id, outcome, self.now)
            self._may_crash()
            self.memory = answer.memory
            self._commit(answer.memory, answer.commit)
            self._may_crash()

    def _into_the_network(self, intent: Intent) -> list[Outcome]:
        """What becomes of the request, and what comes back (twice, where the reply is duplicated)."""
        accepted = Outcome(event=IntentEvent.ACCEPTED, detail="confirmed")
        timed_out = Outcome(event=self.rules.timeout_is, detail="no reply")
        refused = Outcome(event=IntentEvent.REFUSED, detail="refused", code="-2019")
        endings, lags = (self.rules.endings, self.rules.lags) if self.free_sends else ((0,), (timedelta(0),))
        delay, outcomes = [
            (timedelta(0), [accepted]),
            (timedelta(0), [accepted, timed_out]),
            (timedelta(0), [timed_out]),
            (timedelta(0), [timed_out, accepted]),
            (self.rules.window - timedelta(seconds=1), [timed_out]),
            (self.rules.window + timedelta(seconds=1), [timed_out]),
            (None, [timed_out]),
            (None, [refused]),
        ][endings[self.choices.pick(len(endings))]]
        if delay is not None:
            lands = self.now + delay
            lag = lags[self.choices.pick(len(lags))]
            # The window counts from the moment of the signature.
            dies = self.now + self.rules.window
            self.requests.append(Request(intent=intent.id, amount=intent.amount, lands=lands, dies=dies, shows=lands + lag))
        self.free_sends = max(self.free_sends - 1, 0)
        return outcomes

    def _look(self, intent: Intent) -> None:
        if self.blind_looks and self.choices.pick(2):
            self.blind_looks -= 1
            return
        assert intent.submitted_at is not None
        rows = tuple(MarginRow(at=one.lands, amount=one.amount) for one in self._shown())
        seen = self._position()
        evidence = Evidence(
            at=self.now,
            rows=rows if self.rules.keeps_record else None,
            isolated_margin=seen.isolated_margin,
            contracts=seen.contracts,
        )
        self._may_crash()
        change = looked(self.memory, self.policy, intent.id, evidence, self.now)
        self.memory = change.memory
        self._commit(change.memory, change.commit)
        self._may_crash()

    def _may_crash(self, here: bool = True) -> None:
        if here and self.crashes and self.choices.pick(2):
            self.crashes -= 1
            raise Crash

    def _commit(self, memory: Memory, commit: Commit) -> None:
        self.journal.check(commit)
        self.journal.keep(commit)
        self.disk = memory

    def _shown(self) -> list[Request]:
        return [one for one in self.requests if one.applied and one.shows <= self.now]

    def _position(self) -> Position:
        added = sum((one.amount for one in self._shown()), Decimal(0))
        return position("93", isolated_margin=Decimal(100) + added)

    def count(self, tally: Tally) -> None:
        """Hold what the journal believes against what the exchange did."""
        applied = [one for one in self.requests if one.applied]
        intents = self.journal.intents
        tally.runs += 1
        tally.doubled += len(applied) > 1
        tally.over_cap += sum((one.amount for one in applied), Decimal(0)) > CAP
        done = {one.intent for one in applied}
        tally.wrong_beliefs += any(
            (one.state in APPLIED and one.id not in done) or (one.state in NOT_APPLIED and one.id in done)
            for one in intents.values()
        )
        tally.stuck += any(one.is_open for one in intents.values())
        tally.disputed += any(one.state is IntentState.DISPUTED for one in intents.values())
        tally.states |= {one.state for one in intents.values()}


def explore(rules: Rules, *, until: Callable[[Tally], bool] = lambda tally: False) -> Tally:
    """Every run there is, or as many as it takes ``until`` the tally shows what was looked for."""
    tally = Tally()
    for choices in _sequences():
        world = World(choices, rules)
        world.play()
        world.count(tally)
        if until(tally):
            break
    return tally


def _sequences() -> Iterator[Choices]:
    given: list[int] | None = []
    while given is not None:
        choices = Choices(given)
        yield choices
        given = choices.following()
