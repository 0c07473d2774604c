"""Chronicle: what readings and records mean for the lives of positions, over the memory.

``noticed`` turns a reading into events and open questions (cases), ``concluded`` turns an exchange's records into answers,
``postponed`` tells what stays unanswered, and ``meanwhile`` tells in one message what happened while nothing watched.
"""

from monitor.chronicle.concluding import concluded, postponed, ripe
from monitor.chronicle.noticing import noticed
from monitor.chronicle.pacing import caught_up
from monitor.chronicle.telling import summed_up

__all__ = ["caught_up", "concluded", "noticed", "postponed", "ripe", "summed_up"]
