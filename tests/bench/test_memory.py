"""Memory over accelerated polls: the small version of `make memory`, counted in Python's own blocks."""

import gc
import logging
import sys

import pytest
import structlog

from bench.accelerated import HOUSEKEEPING, WAVE, Accelerated
from bench.server import Exchange

MOST_BLOCKS = 1.5
"""More than so many for each poll are a leak; one small object that stays is one, with its place in a list."""


@pytest.fixture(autouse=True)
def quiet():
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


async def growth(daemon, polls, each_poll=lambda: None):
    """Blocks of memory that stayed for each of so many polls; whole waves of the marks, so that what is open is the same."""
    gc.collect()
    before, end = sys.getallocatedblocks(), daemon.polls + polls
    while daemon.polls < end:
        await daemon.poll()
        each_poll()
    gc.collect()
    return (sys.getallocatedblocks() - before) / polls


@pytest.mark.timeout(180)
async def test_memory_does_not_grow_over_2000_polls_in_which_everything_happens(tmp_path):
    with Exchange(5, tmp_path) as exchange:
        async with Accelerated(exchange.endpoint, tmp_path) as daemon:
            await growth(daemon, 2 * WAVE)
            grown = await growth(daemon, 3 * WAVE)
            print(f"{grown:.2f} blocks a poll")  # noqa: T201
            assert grown < MOST_BLOCKS
            assert daemon.polls == 5 * WAVE > 6 * HOUSEKEEPING
            assert daemon.replies.requests >= 40
            assert daemon.phone.accepted > 50, "alerts came and went"
            assert len(daemon.guard.memory.positions) == 5
            kept = []
            # The measure itself can fail: three small objects that stay for each poll.
            assert await growth(daemon, WAVE, lambda: kept.append([object(), object()])) > MOST_BLOCKS
