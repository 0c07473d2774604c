"""The practice exchange: Binance, Bybit and OKX on loopback, for rehearsals and for tests.

It imports nothing of margincall but its errors and shares no arithmetic with it, so that it can disagree.

- ``PracticeExchange`` is the engine; ``EngineSource(exchange)`` lets it speak the three protocols.
- ``PracticeServer(source)`` serves a Source on one port; ``ServerThread`` does so in a thread of its own.
- ``Replay(description)`` is the Source of recorded replies.
"""

from monitor.practice.call import Call, Reply, Source
from monitor.practice.engine.exchange import PracticeExchange
from monitor.practice.replay import Replay, describe_recorded
from monitor.practice.server import PracticeServer
from monitor.practice.threaded import ServerThread
from monitor.practice.wire.source import EngineSource

__all__ = [
    "Call",
    "EngineSource",
    "PracticeExchange",
    "PracticeServer",
    "Replay",
    "Reply",
    "ServerThread",
    "Source",
    "describe_recorded",
]
