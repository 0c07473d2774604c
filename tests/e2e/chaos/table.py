"""Every crash point of the program, the script that passes it, and at which of its passings the program is killed."""

from __future__ import annotations

from typing import NamedTuple

from tests.e2e.chaos import scripts
from tests.e2e.chaos.scripts import Script


class Place(NamedTuple):
    """One crash point: the program dies at one of the first ``passings``, while ``script`` is played."""

    name: str
    script: Script = scripts.fall
    passings: int = 1


PLACES = (
    Place("start.locking"),
    Place("start.locked"),
    Place("start.leases_freed"),
    Place("start.opened"),
    Place("start.remembered"),
    Place("start.listening"),
    Place("start.telling"),
    Place("heartbeat.beating"),
    Place("reading.arrived", passings=8),
    Place("reading.deciding", passings=8),
    Place("reading.decided", passings=8),
    Place("tick.kept", passings=3),
    Place("telling.started"),
    Place("telling.first"),
    Place("telling.worsened", scripts.worsen),
    Place("telling.repeat", scripts.linger),
    Place("telling.escalated", scripts.linger),
    Place("telling.resolved"),
    Place("telling.stopped", scripts.stop),
    Place("commit.beginning", passings=8),
    Place("commit.families", passings=8),
    Place("commit.alerts", passings=8),
    Place("commit.positions", passings=8),
    Place("commit.messages_beginning", passings=3),
    Place("commit.messages_undelivered", passings=3),
    Place("commit.messages_kept", passings=3),
    Place("commit.done", passings=8),
    Place("workers.waking", passings=3),
    Place("delivery.claimed", passings=6),
    Place("delivery.sent", passings=6),
    Place("delivery.settling", passings=6),
    Place("delivery.accepted", passings=6),
    Place("delivery.retry", scripts.stumble, passings=2),
    Place("request.granting", scripts.acknowledge),
    Place("request.granted", scripts.acknowledge),
    Place("request.answering", scripts.acknowledge),
    Place("channel.changing", scripts.refuse),
    Place("channel.changing", scripts.mend),
    Place("message.diverting", scripts.refuse),
    Place("backlog.releasing", scripts.storm),
    Place("backlog.folding", scripts.storm),
    Place("inquiry.answered", scripts.liquidate),
    Place("telling.event", scripts.liquidate),
    Place("stop.begun", scripts.stop),
    Place("stop.told", scripts.stop),
    Place("stop.closed", scripts.stop),
)
OTHERS = ("telling.gone", "telling.drill", "telling.digest", "telling.summary")
"""Words that the reason in a name may be, and that no script brings about."""
