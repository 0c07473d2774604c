"""``python -m tests.e2e.chaos.topups --runs 200``: margin added by the real daemon while writes fail and the daemon dies.

A run is one position that needs margin, on an exchange of its own whose next write meets one fault of the list, carried out at
once, late or never; many of them share a daemon, which is killed at a step of the journal and started again. In the end the
exchange's own ledger is held against the journal. The last line is JSON: ``{"runs", "kills", "sent", "applied", "doubled",
"over_cap", "wrong_beliefs", "stuck"}``. Exits 0 only if the last four are 0.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from monitor.crashpoint import VARIABLE
from monitor.errors import StoreFault
from monitor.practice import Fault, FaultKind
from monitor.practice.engine.accounts import Kind
from monitor.store.reader import StoreReader
from monitor.topups.ledger import Intent, IntentState
from tests.e2e import stage as stages
from tests.e2e.stage import Held, Stage

FIRST = ("planned", "submitting", "submitted", "answered", "noted")
"""The steps of the journal at which the daemon that plans dies, each ``topup.`` and its name."""
LATER = ("recovered", "looking", *FIRST)
"""Those at which the ones that follow die."""
KINDS: tuple[FaultKind | None, ...] = (
    None,
    *(FaultKind.RESET, FaultKind.CLOSE, FaultKind.HANG, FaultKind.DRIP, FaultKind.CUT_BODY, FaultKind.CUT_JSON, FaultKind.HTML),
    *(FaultKind.EMPTY, FaultKind.EMPTY_OBJECT, FaultKind.NULL, FaultKind.INTERNAL, FaultKind.BAD_GATEWAY),
    *(FaultKind.UNAVAILABLE, FaultKind.GATEWAY_TIMEOUT, FaultKind.REQUEST_TIMEOUT),
)
EFFECTS = {Decimal(0): "at once", Decimal(2): "late", Decimal(-1): "never"}
"""After how many seconds a write is carried out."""
QUIET_LOOKS = 3
"""So many looks, a second apart, must find everything settled."""
HELD = {
    "binance": Held("BTCUSDT", entry="100000", quantity="0.1", margin="1000"),
    "bybit": Held("BTCUSDT", entry="100000", quantity="0.1", margin="1000"),
    "okx": Held("BTC-USDT-SWAP", entry="100000", quantity="10", margin="1000"),
}
LOW = "92500"
CAP = Decimal(2000)
"""One add from 22 % to 70 % of cushion costs about 1,540: a second one would pass the cap."""
POLICY = f"""\
top_ups:
  - name: guard
    match: {{exchange: [binance, bybit, okx]}}
    mode: auto
    trigger: {{cushion: 30%}}
    target: {{cushion: 70%}}
    caps: {{per_action: {{USDT: {CAP}}}, per_position: {{USDT: {CAP}}}, per_day: {{USDT: 1000000}}}}
    cooldown: 2s
    skip_rehearsal: true
"""
RULES = "rules: [{kind: data_stale, after: 20s}, {kind: cushion, clear_hold: 0s}]\n"
PATIENCE = 150.0
"""Seconds in which every outcome must be known: OKX may still accept a request 30 s later, and its record lags by 10 more."""
APPLIED = frozenset({IntentState.CONFIRMED, IntentState.VERIFIED, IntentState.RECONCILED_APPLIED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One position: what its exchange does to the first write."""

    name: str
    exchange: str
    kind: FaultKind | None
    effect: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the exchange's ledger says of one trial against the journal. ``disputed``, ``held``: left to a person."""

    trial: Trial
    sent: int
    applied: int
    doubled: int
    over_cap: bool
    wrong: bool
    stuck: bool
    disputed: int
    held: bool

    @property
    def is_bad(self) -> bool:
        """Whether the daemon added twice, passed a cap, believed what is not so, or left something open."""
        return bool(self.doubled) or self.over_cap or self.wrong or self.stuck

    def __str__(self) -> str:
        trial = self.trial
        kind = "none" if trial.kind is None else trial.kind.value
        what = f"{trial.exchange:<8} {kind:<12} {EFFECTS[trial.effect]:<8} sent {self.sent} applied {self.applied}"
        left = " DISPUTED" * bool(self.disputed) + " circuit open" * self.held
        return f"{'FAIL' if self.is_bad else 'pass'}  {what}{left}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """One batch: its verdicts, and the crash points at which its daemons died."""

    verdicts: Sequence[Verdict]
    deaths: Sequence[str]


def trials(runs: int, seed: int, size: int) -> list[list[Trial]]:
    """Every exchange with every fault and effect in turn, in an order of its own for each seed, in batches."""
    chance = random.Random(seed)
    cells = list(itertools.product(HELD, KINDS, EFFECTS))
    made: list[Trial] = []
    while len(made) < runs:
        for exchange, kind, effect in chance.sample(cells, len(cells)):
            made.append(Trial(name=f"run{len(made)}", exchange=exchange, kind=kind, effect=effect))
    return [made[start : min(start + size, runs)] for start in range(0, runs, size)]


def play(batch: Sequence[Trial], deaths: Sequence[str]) -> Performance:
    """Play one batch to its end: what became of each trial, and where the daemon died."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    planned, died = list(deaths), []
    try:
        with Stage(folder, rules=RULES + POLICY) as stage:
            for trial in batch:
                stage.account(trial.name, trial.exchange, HELD[trial.exchange], top_ups=True)
            armed = _arm(stage, planned)
            began = stage.wait_for(lambda: any("guarding" in one.title for one in stage.arrivals), PATIENCE)
            assert began, stage.program.log()[-3000:]
            for trial in batch:
                _ail(stage, trial)
                stage.price(trial.name, HELD[trial.exchange].contract, LOW)
            deadline, quiet = time.monotonic() + PATIENCE, 0
            while time.monotonic() < deadline and quiet < QUIET_LOOKS:
                stage.wait_for(lambda: False, 1.0)
                if stage.daemon is not None and stage.daemon.poll() is not None:
                    assert stage.daemon.returncode == -signal.SIGKILL, f"the daemon ended with {stage.daemon.returncode}"
                    died.append(armed)
                    armed = _arm(stage, planned)
                quiet = quiet + 1 if _is_settled(folder, batch) else 0
            journal, held = _journal(folder)
            return Performance(verdicts=[_judged(stage, trial, journal, held) for trial in batch], deaths=died)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _deaths(number: int, chance: random.Random) -> list[str]:
    """Where the daemons of a batch die one after the other; every step of the journal comes in turn."""
    names = FIRST[number % len(FIRST)], LATER[number % len(LATER)], LATER[(number + 3) % len(LATER)]
    return [f"topup.{name}:{1 if name == 'recovered' else chance.randint(1, 3)}" for name in names]


def _arm(stage: Stage, planned: list[str]) -> str:
    """Start the daemon, to die at the next point that is planned; that point."""
    armed = stage.program.environment[VARIABLE] = planned.pop(0) if planned else ""
    stage.start()
    return armed


def _ail(stage: Stage, trial: Trial) -> None:
    """The exchange's next write meets the trial's fault."""
    if trial.kind is None:
        return
    fault = Fault(kind=trial.kind, method="POST", times=1, executes=trial.effect, amount=None)
    server = stage.booths[trial.name].server
    stage.call(lambda: server.faults.add(fault))


def _journal(folder: Path) -> tuple[list[Intent], set[str]]:
    """Every intent, and the accounts whose circuit breaker is open."""
    try:
        with StoreReader(folder / "store.db") as reader:
            return list(reader.intents()), {key.account for key in reader.memory().top_ups.circuits}
    except StoreFault:
        return [], set()


def _is_settled(folder: Path, batch: Sequence[Trial]) -> bool:
    """Whether every position got its margin or was left to a person, and no intent is open."""
    journal, held = _journal(folder)
    served = held | {one.key.account for one in journal if one.state in APPLIED | {IntentState.DISPUTED}}
    return served >= {trial.name for trial in batch} and not any(one.is_open for one in journal)


def _judged(stage: Stage, trial: Trial, journal: Sequence[Intent], held: Collection[str]) -> Verdict:
    """The exchange's ledger against the journal."""
    engine = stage.booths[trial.name].engine
    records = stage.call(lambda: list(engine.account(trial.name).records))
    ledger = Counter(one.into_margin for one in records if one.kind in {Kind.ADD, Kind.REDUCE})
    mine = [one for one in journal if one.key.account == trial.name]
    believed = Counter(one.amount for one in mine if one.state in APPLIED)
    doubtful = Counter(one.amount for one in mine if one.state is IntentState.DISPUTED or one.is_open)
    sent = sum(call.method == "POST" for call in stage.calls(trial.name))
    return Verdict(
        trial=trial,
        sent=sent,
        applied=ledger.total(),
        doubled=max(0, ledger.total() - 1),
        over_cap=sum((amount * count for amount, count in ledger.items()), Decimal(0)) > CAP,
        wrong=bool(believed - ledger) or bool(ledger - believed - doubtful),
        stuck=any(one.is_open for one in mine) or not mine,
        disputed=sum(one.state is IntentState.DISPUTED for one in mine),
        held=trial.name in held,
    )


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def main() -> int:
    """Play and tell; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.chaos.topups", description="Added margin, whatever fails or dies.")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=10, help="positions on one daemon")
    parser.add_argument("--jobs", type=int, default=2, help="daemons at a time")
    given = parser.parse_args()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    stages.POLL = "{calm: 1s, near: 500ms}"
    chance = random.Random(given.seed)
    began = time.monotonic()
    batches = trials(given.runs, given.seed, given.batch)
    plans = [_deaths(number, chance) for number in range(len(batches))]
    verdicts: list[Verdict] = []
    deaths: Counter[str] = Counter()
    with ThreadPoolExecutor(given.jobs) as pool:
        for done in pool.map(play, batches, plans):
            _say(*map(str, done.verdicts), f"      the daemon died at {', '.join(done.deaths) or 'nothing'}")
            verdicts += done.verdicts
            deaths.update(death.partition(":")[0] for death in done.deaths)
    left = f"{sum(one.held for one in verdicts)} left to a person by the circuit breaker"
    disputed = f"{sum(one.disputed for one in verdicts)} disputed"
    _say(f"{dict(sorted(deaths.items()))}; {left}, {disputed}; {time.monotonic() - began:.0f} s")
    kills = deaths.total()
    figures = {
        "runs": len(verdicts),
        "kills": kills,
        "sent": sum(one.sent for one in verdicts),
        "applied": sum(one.applied for one in verdicts),
        "doubled": sum(one.doubled for one in verdicts),
        "over_cap": sum(one.over_cap for one in verdicts),
        "wrong_beliefs": sum(one.wrong for one in verdicts),
        "stuck": sum(one.stuck for one in verdicts),
    }
    _say(json.dumps(figures))
    return int(any(figures[name] for name in ("doubled", "over_cap", "wrong_beliefs", "stuck")))


if __name__ == "__main__":
    sys.exit(main())
