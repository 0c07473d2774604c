"""All the channels at once: each looks at the outbox, or takes what the store could not."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.alerts.model import Message
from monitor.daemon.deliver import ChannelWorker

CHANNEL_SECONDS = 90.0
"""How long a channel's worker may stay away: a send takes at most 30 seconds, and the store may hang before and after."""


def wake_all(workers: Iterable[ChannelWorker]) -> None:
    """Let every channel look at the outbox now."""
    for worker in workers:
        worker.wake()


def push_all(workers: Iterable[ChannelWorker], message: Message) -> None:
    """Hand a message that the store could not take to every channel that it is for (all, where it names none)."""
    for worker in workers:
        if not message.channels or worker.name in message.channels:
            worker.push(message)
