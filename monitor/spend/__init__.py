"""Spend: the journal of margin changes over the memory. What may be sent, what came of it, and what a person asks for. Pure.

The one who sends works like this: `to_send` names what is planned; `begin` asks every guard again and makes it SUBMITTING,
which must be committed by ``Store.submit`` before a byte leaves; `answered` takes what came back; what nobody knows waits in
`to_reconcile` until the exchange can no longer accept it, and each look at the evidence goes to `looked`. At start, `recovered`
comes before all of it. Every one of them gives a `Change`: the new memory and what to commit; messages are in the commit.
"""

from monitor.spend.byhand import Proposal, order, propose
from monitor.spend.change import Change
from monitor.spend.journal import LAG, Outcome, answered, begin, looked, recovered, to_reconcile, to_send
from monitor.spend.switches import pause, resume, start, stop

__all__ = [
    "LAG",
    "Change",
    "Outcome",
    "Proposal",
    "answered",
    "begin",
    "looked",
    "order",
    "pause",
    "propose",
    "recovered",
    "resume",
    "start",
    "stop",
    "to_reconcile",
    "to_send",
]
