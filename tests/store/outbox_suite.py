"""What the outbox of every Store does, run over each of them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from monitor.alerts.model import NotifyReason
from monitor.errors import StoreFault
from monitor.memory import Commit
from monitor.rules.base import Level
from tests.store.store_examples import MINUTE, NOW, message

LEASE = timedelta(seconds=60)
SECOND = timedelta(seconds=1)
D = Decimal


class OutboxSuite:
    """A part of StoreSuite."""

    async def test_message_reaches_every_channel_once_when_committed(self, store):
        told = message(why=NotifyReason.WORSENED, body="two\nlines \N{WARNING SIGN}")
        await store.commit(Commit(at=NOW, messages=(told,)), channels=("phone", "mail"))
        (phone,) = await store.claim("phone", NOW, lease=LEASE)
        (mail,) = await store.claim("mail", NOW, lease=LEASE)
        assert (phone.message, phone.channel, phone.attempt) == (told, "phone", 1)
        assert (mail.message, mail.channel, mail.attempt) == (told, "mail", 1)
        assert phone.id != mail.id
        assert await store.claim("phone", NOW, lease=LEASE) == []

    async def test_claim_takes_the_worst_level_first_then_the_oldest(self, store):
        messages = (
            message(1, Level.WARNING, at=NOW - MINUTE),
            message(2, Level.CRITICAL, at=NOW),
            message(3, Level.EMERGENCY, at=NOW),
            message(4, Level.CRITICAL, at=NOW - MINUTE),
        )
        await store.commit(Commit(at=NOW, messages=messages), channels=("phone",))
        first = await store.claim("phone", NOW, lease=LEASE, limit=3)
        rest = await store.claim("phone", NOW, lease=LEASE, limit=3)
        assert [each.message.id for each in first] == ["m3", "m4", "m2"]
        assert [each.message.id for each in rest] == ["m1"]

    async def test_claim_returns_it_again_only_when_its_lease_has_run_out(self, store):
        await store.commit(Commit(at=NOW, messages=(message(),)), channels=("phone",))
        await store.claim("phone", NOW, lease=LEASE)
        assert await store.claim("phone", NOW + LEASE - SECOND, lease=LEASE) == []
        assert await store.next_due("phone") == NOW + LEASE
        (again,) = await store.claim("phone", NOW + LEASE, lease=LEASE)
        assert (again.message, again.attempt) == (message(), 2)

    async def test_accepted_and_dead_deliveries_are_never_claimed_again(self, store):
        await store.commit(Commit(at=NOW, messages=(message(1), message(2))), channels=("phone",))
        first, second = await store.claim("phone", NOW, lease=LEASE)
        await store.settle(first, "accepted", NOW)
        await store.settle(second, "dead", NOW, detail="given up")
        assert await store.next_due("phone") is None
        assert await store.claim("phone", NOW + 10 * LEASE, lease=LEASE) == []

    async def test_retry_is_due_at_its_time(self, store):
        await store.commit(Commit(at=NOW, messages=(message(),)), channels=("phone",))
        (delivery,) = await store.claim("phone", NOW, lease=LEASE)
        await store.settle(delivery, "retry", NOW, retry_at=NOW + 5 * SECOND, detail="500")
        assert await store.next_due("phone") == NOW + 5 * SECOND
        assert await store.claim("phone", NOW + 4 * SECOND, lease=LEASE) == []
        (again,) = await store.claim("phone", NOW + 5 * SECOND, lease=LEASE)
        assert again.attempt == 2

    async def test_overtaken_claim_counts_only_when_accepted(self, store):
        await store.commit(Commit(at=NOW, messages=(message(),)), channels=("phone",))
        (late,) = await store.claim("phone", NOW, lease=LEASE)
        (newer,) = await store.claim("phone", NOW + LEASE, lease=LEASE)
        await store.settle(late, "dead", NOW + LEASE)
        await store.settle(late, "retry", NOW + LEASE, retry_at=NOW)
        assert await store.claim("phone", NOW + LEASE, lease=LEASE) == []
        await store.settle(late, "accepted", NOW + LEASE)
        await store.settle(newer, "retry", NOW + LEASE, retry_at=NOW)
        assert await store.claim("phone", NOW + 9 * LEASE, lease=LEASE) == []

    async def test_claim_does_not_wait_for_a_future_that_a_clock_stepping_back_made(self, store):
        await store.commit(Commit(at=NOW, messages=(message(),)), channels=("phone",))
        (delivery,) = await store.claim("phone", NOW, lease=LEASE)
        await store.settle(delivery, "retry", NOW, retry_at=NOW + 30 * SECOND)
        assert await store.claim("phone", NOW - SECOND, lease=LEASE) == []
        assert len(await store.claim("phone", NOW - 60 * MINUTE, lease=LEASE)) == 1

    async def test_settle_refuses_an_outcome_that_it_does_not_know(self, store):
        await store.commit(Commit(at=NOW, messages=(message(),)), channels=("phone",))
        (delivery,) = await store.claim("phone", NOW, lease=LEASE)
        with pytest.raises(StoreFault, match="lost"):
            await store.settle(delivery, "lost", NOW)

    async def test_next_due_is_none_when_the_channel_has_nothing(self, store):
        await store.commit(Commit(at=NOW, messages=(message(),)), channels=("phone",))
        assert await store.next_due("mail") is None
        assert await store.next_due("phone") == NOW
