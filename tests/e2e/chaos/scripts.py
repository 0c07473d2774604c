"""What happens in a run: each script goes another way through the program, and returns when all that it caused has arrived.

The truth is the practice exchange's: where it moves a price past a line, an alert must arrive on every channel of its level;
where it moves it back, an all-clear.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable

from tests.e2e.chaos.scene import ACCOUNTS, CALM, ENTRIES, LOST, LOW, WARNED, Scene
from tests.e2e.program import PATIENCE
from tests.receiver import ACCEPT, Status

Script = Callable[[Scene], None]

NEAR, CLEAR = "EMERGENCY: BTC/USDT long", "All clear: BTC/USDT long"
TAKEN = "LIQUIDATED: BTC/USDT long"
OPEN_AGAIN = """SELECT 1 FROM positions JOIN lives ON lives.id = life
    WHERE account = 'main' AND symbol = 'BTC/USDT:USDT' AND absences = 0 AND NOT EXISTS (SELECT 1 FROM cases)"""
URGENT = ("phone", "chat")
EVERYTHING = [(account, contract) for account in ACCOUNTS for contract in ENTRIES]
CODE = re.compile(r"#([0-9A-Z]{4})")


def fall(scene: Scene) -> None:
    """Past the emergency line and back."""
    scene.revive()
    _fall(scene)
    _rise(scene)


def worsen(scene: Scene) -> None:
    """Past the warning line, then past the emergency line."""
    scene.revive()
    since = len(scene.arrivals)
    scene.move(WARNED)
    scene.hears("chat", "WARNING: BTC/USDT long", since=since)
    _fall(scene)
    _rise(scene)


def linger(scene: Scene) -> None:
    """Long enough past the line for the partner to hear of it and for a repeat."""
    scene.revive()
    since = len(scene.arrivals)
    _fall(scene)
    scene.hears("partner", NEAR, since=since)
    scene.hears("phone", "still emergency", since=since)
    _rise(scene)


def acknowledge(scene: Scene) -> None:
    """Somebody says "I have it"; what was answered is kept whatever happens."""
    scene.revive()
    code = _fall(scene)
    answer = scene.ask("ack", codes=[code])
    assert answer.get("ok"), answer
    scene.until(lambda: _acked(scene, code), "the acknowledgement in the store")
    _rise(scene)


def stumble(scene: Scene) -> None:
    """A channel refuses two messages and takes the third."""
    scene.phones["chat"].then(Status(500), Status(500))
    fall(scene)


def storm(scene: Scene) -> None:
    """A channel is down while all positions fall and rise: one summary when it is back."""
    scene.phones["chat"].usually = Status(503)
    scene.revive()
    since = len(scene.arrivals)
    for share, words in ((LOW, "EMERGENCY"), (CALM, "All clear")):
        for account, contract in EVERYTHING:
            scene.move(share, contract=contract, account=account)
        for account, contract in EVERYTHING:
            scene.hears("phone", f"{words}: {contract.removesuffix('USDT')}/USDT long", f"on {account} (", since=since)
    scene.phones["chat"].usually = ACCEPT
    scene.hears("chat", "messages that chat could not take", since=since)


def refuse(scene: Scene) -> None:
    """A channel's key is no longer valid: the others say so, its fallback takes over, and it works again."""
    scene.phones["chat"].usually = Status(401)
    scene.revive()
    since = len(scene.arrivals)
    scene.move(LOW)
    for channel in ("phone", "backup"):
        scene.hears(channel, NEAR, since=since)
    scene.hears("phone", "chat is broken", since=since)
    scene.phones["chat"].usually = ACCEPT
    scene.reboot()  # which probes at once what else is probed every 5 minutes
    scene.hears("chat", NEAR, since=since)
    scene.hears("phone", "chat works again", since=since)
    _rise(scene)


def mend(scene: Scene) -> None:
    """As ``refuse``, but what is planned happens when the channel works again."""
    planned, scene.planned[:] = list(scene.planned), []
    scene.phones["chat"].usually = Status(401)
    scene.revive()
    since = len(scene.arrivals)
    scene.move(LOW)
    scene.hears("phone", "chat is broken", since=since)
    scene.phones["chat"].usually = ACCEPT
    scene.planned[:] = planned
    scene.reboot()
    scene.hears("chat", NEAR, since=since)
    scene.hears("phone", "chat works again", since=since)
    _rise(scene)


def liquidate(scene: Scene) -> None:
    """A position falls through everything between two polls and is taken over: what became of it is told, whatever dies."""
    scene.revive()
    since = len(scene.arrivals)
    scene.move(LOST)
    for channel in URGENT:
        scene.hears(channel, TAKEN, since=since)
    scene.restock()
    scene.until(lambda: bool(scene.read(OPEN_AGAIN)), "the new position in the store, and when it was opened")
    scene.reboot()  # so that the last start tells of all positions


def stop(scene: Scene) -> None:
    """The daemon is told to stop while an alert fires."""
    scene.revive()
    _fall(scene)
    daemon = scene.daemon
    assert daemon is not None
    daemon.send_signal(signal.SIGTERM)
    if daemon.wait(PATIENCE) == 0:
        scene.daemon = None
    _rise(scene)


def _fall(scene: Scene) -> str:
    """The code of the alert that everyone of its level has accepted."""
    since = len(scene.arrivals)
    scene.move(LOW)
    for channel in URGENT:
        scene.hears(channel, NEAR, since=since)
    (text, *_) = [one.text for one in scene.arrivals[since:] if NEAR in one.title]
    codes: list[str] = CODE.findall(text)
    return codes[-1]


def _rise(scene: Scene) -> None:
    since = len(scene.arrivals)
    scene.move(CALM)
    for channel in URGENT:
        scene.hears(channel, CLEAR, since=since)


def _acked(scene: Scene, code: str) -> bool:
    return bool(scene.read("SELECT 1 FROM alerts WHERE code = ? AND acked_at IS NOT NULL", code))
