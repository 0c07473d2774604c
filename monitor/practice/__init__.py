"""The practice exchange: Binance, Bybit and OKX on loopback, for rehearsals and for tests.

It imports nothing of margincall but its errors and shares no arithmetic with it, so that it can disagree.

- ``PracticeServer(source)`` serves a Source on one port; ``ServerThread`` does so in a thread of its own.
- ``Replay(description)`` is the Source of recorded replies.
"""

from monitor.practice.call import Call, Reply, Source
from monitor.practice.replay import Replay, describe_recorded
from monitor.practice.server import PracticeServer
from monitor.practice.threaded import ServerThread

__all__ = ["Call", "PracticeServer", "Replay", "Reply", "ServerThread", "Source", "describe_recorded"]
