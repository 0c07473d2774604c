"""The practice exchange: Binance, Bybit and OKX on loopback, for rehearsals and for tests.

It imports nothing of margincall but its errors and shares no arithmetic with it, so that it can disagree.

- ``PracticeServer(source)`` serves a Source on one port, with ``faults``; ``ServerThread`` does so in a thread of its own.
- ``PracticeExchange`` is the engine, ``build(description)`` fills one; ``EngineSource(engine)`` lets it speak.
- ``Player(engine, SCENARIOS["crash"])`` moves its prices; ``from_csv`` makes a scenario of a recorded series.
- ``Replay(description)`` is the Source of recorded replies.
"""

from monitor.practice.call import Call, Reply, Source
from monitor.practice.engine.exchange import PracticeExchange
from monitor.practice.faults import Fault, FaultKind, Faults
from monitor.practice.replay import Replay, describe_recorded
from monitor.practice.scenarios import SCENARIOS, Scenario
from monitor.practice.scenarios.player import Player
from monitor.practice.scenarios.recorded import from_csv
from monitor.practice.server import PracticeServer
from monitor.practice.threaded import ServerThread
from monitor.practice.wire.source import EngineSource
from monitor.practice.world import DEMO, build

__all__ = [
    "DEMO",
    "SCENARIOS",
    "Call",
    "EngineSource",
    "Fault",
    "FaultKind",
    "Faults",
    "Player",
    "PracticeExchange",
    "PracticeServer",
    "Replay",
    "Reply",
    "Scenario",
    "ServerThread",
    "Source",
    "build",
    "describe_recorded",
    "from_csv",
]
