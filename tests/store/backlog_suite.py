"""What becomes of what a channel did not take, run over each Store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.alerts.model import AlertState, NotifyReason, Subject, SubjectKind
from monitor.memory import Commit
from monitor.rules.base import Level
from tests.store.store_examples import MINUTE, NOW, alert, key, memory, message, position, subject

LEASE = timedelta(seconds=60)
SECOND = timedelta(seconds=1)
HOUR = 60 * MINUTE
ETH = subject(key("ETH/USDT:USDT"))


async def waits_after_a_failure(store, *messages, channel="phone", at=NOW):
    """Commit them; the channel takes none of them, and they are due again a second later."""
    await store.commit(Commit(at=at, messages=messages), channels=(channel,))
    for delivery in await store.claim(channel, at, lease=LEASE):
        await store.settle(delivery, "retry", at, retry_at=at + SECOND)


async def claimed(store, at, channel="phone", **how):
    return [each.message.id for each in await store.claim(channel, at, lease=LEASE, **how)]


class BacklogSuite:
    """A part of StoreSuite."""

    async def test_message_goes_to_its_own_channels_at_its_own_time(self, store):
        told = message(1, channels=("mail",), not_before=NOW + HOUR)
        await store.commit(Commit(at=NOW, messages=(told, message(2))), channels=("phone", "mail"))
        assert await claimed(store, NOW) == ["m2"]
        assert await claimed(store, NOW, "mail") == ["m2"]
        assert await claimed(store, NOW + HOUR, "mail") == ["m1", "m2"]

    async def test_newer_message_supersedes_what_failed_on_its_subject_and_tells_how_much_it_was(self, store):
        await waits_after_a_failure(store, message(1, Level.WARNING, at=NOW - MINUTE))
        await waits_after_a_failure(store, message(2), at=NOW + MINUTE)
        await store.commit(Commit(at=NOW + 2 * MINUTE, messages=(message(3, Level.EMERGENCY),)), channels=("phone",))
        (delivery,) = await store.claim("phone", NOW + 2 * MINUTE, lease=LEASE)
        assert (delivery.message.id, delivery.missed, delivery.missed_since) == ("m3", 2, NOW - MINUTE)

    async def test_nothing_is_missed_when_a_message_arrived_since_or_on_another_subject_or_channel(self, store):
        await waits_after_a_failure(store, message(1))
        await store.commit(
            Commit(at=NOW + MINUTE, messages=(message(2, Level.EMERGENCY), message(3, subject=ETH))), channels=("phone", "mail")
        )
        for delivery in await store.claim("phone", NOW + MINUTE, lease=LEASE):
            assert delivery.missed == (delivery.message.id == "m2")
            await store.settle(delivery, "accepted", NOW + MINUTE)
        await store.commit(Commit(at=NOW + HOUR, messages=(message(4),)), channels=("phone",))
        (later,) = await store.claim("phone", NOW + HOUR, lease=LEASE)
        (mail, *_) = await store.claim("mail", NOW + HOUR, lease=LEASE)
        assert (later.message.id, later.missed, later.missed_since, mail.missed) == ("m4", 0, None, 0)

    async def test_quick_news_on_one_subject_all_go_when_the_channel_works(self, store):
        await store.commit(Commit(at=NOW, messages=(message(1),)), channels=("phone",))
        await store.commit(Commit(at=NOW + SECOND, messages=(message(2, Level.EMERGENCY, code="OTHR"),)), channels=("phone",))
        assert await claimed(store, NOW + SECOND) == ["m2", "m1"]

    async def test_message_that_waits_for_its_turn_is_superseded_though_it_was_never_tried(self, store):
        await store.commit(Commit(at=NOW, messages=(message(1),)), channels=("phone",))
        await store.commit(Commit(at=NOW + MINUTE, messages=(message(2),)), channels=("phone",))
        assert await claimed(store, NOW + MINUTE) == ["m2"]

    async def test_all_clear_that_waits_for_the_morning_is_superseded_when_it_gets_bad_again(self, store):
        clear = message(1, why=NotifyReason.RESOLVED, not_before=NOW + HOUR)
        await store.commit(Commit(at=NOW, messages=(clear,)), channels=("phone",))
        await store.commit(Commit(at=NOW + SECOND, messages=(message(2, code="OTHR"),)), channels=("phone",))
        assert await claimed(store, NOW + HOUR) == ["m2"]

    async def test_all_clear_supersedes_only_what_its_own_alert_said(self, store):
        mine, others = message(1, Level.EMERGENCY), message(2, Level.WARNING, code="OTHR")
        await waits_after_a_failure(store, mine, others)
        clear = message(3, Level.WARNING, why=NotifyReason.RESOLVED)
        await store.commit(Commit(at=NOW + MINUTE, messages=(clear,)), channels=("phone",))
        assert await claimed(store, NOW + MINUTE) == ["m2", "m3"]

    async def test_milder_news_of_the_same_alert_supersedes_and_of_another_alert_does_not(self, store):
        await waits_after_a_failure(store, message(1, Level.EMERGENCY), message(2, Level.EMERGENCY, code="OTHR"))
        milder = message(3, Level.WARNING, codes=("K7Q2",))
        await store.commit(Commit(at=NOW + MINUTE, messages=(milder,)), channels=("phone",))
        assert await claimed(store, NOW + MINUTE) == ["m2", "m3"]

    async def test_messages_of_the_guard_itself_supersede_nothing(self, store):
        daemon = Subject(SubjectKind.DAEMON)
        await waits_after_a_failure(store, message(1, subject=daemon))
        await store.commit(Commit(at=NOW + MINUTE, messages=(message(2, subject=daemon),)), channels=("phone",))
        deliveries = await store.claim("phone", NOW + MINUTE, lease=LEASE)
        assert [(each.message.id, each.missed) for each in deliveries] == [("m1", 0), ("m2", 0)]

    async def test_failed_try_is_superseded_when_newer_news_came_meanwhile(self, store):
        await store.commit(Commit(at=NOW, messages=(message(1),)), channels=("phone",))
        (sending,) = await store.claim("phone", NOW, lease=LEASE)
        news = (message(2, Level.EMERGENCY), message(3, subject=ETH))
        await store.commit(Commit(at=NOW + SECOND, messages=news), channels=("phone",))
        await store.settle(sending, "retry", NOW + SECOND, retry_at=NOW + SECOND)
        deliveries = await store.claim("phone", NOW + MINUTE, lease=LEASE)
        assert [(each.message.id, each.missed) for each in deliveries] == [("m2", 1), ("m3", 0)]

    @pytest.mark.parametrize(
        ("level", "why"),
        [
            (Level.INFO, NotifyReason.EVENT),
            (Level.WARNING, NotifyReason.FIRST),
            (Level.WARNING, NotifyReason.REPEAT),
            (Level.CRITICAL, NotifyReason.RESOLVED),
        ],
    )
    async def test_message_expires_after_an_hour_when_it_is_mild_or_an_all_clear(self, store, level, why):
        await store.commit(Commit(at=NOW, positions=(memory(),), readings=(memory(),), alerts=(alert(),)), channels=())
        await waits_after_a_failure(store, message(1, level, why=why), at=NOW + SECOND)
        await store.commit(Commit(at=NOW + 2 * SECOND, messages=(message(2, level, why=why),)), channels=("mail",))
        assert await claimed(store, NOW + HOUR + 2 * SECOND, "mail") == ["m2"]
        assert await claimed(store, NOW + HOUR + 2 * SECOND) == []
        assert await store.next_due("phone") is None

    async def test_expired_messages_are_told_as_missed(self, store):
        await waits_after_a_failure(store, message(1, Level.WARNING))
        assert await claimed(store, NOW + 2 * HOUR) == []
        await store.commit(Commit(at=NOW + 2 * HOUR, messages=(message(2),)), channels=("phone",))
        (delivery,) = await store.claim("phone", NOW + 2 * HOUR, lease=LEASE)
        assert (delivery.missed, delivery.missed_since) == (1, NOW)

    @pytest.mark.parametrize("why", [NotifyReason.FIRST, NotifyReason.REPEAT])
    async def test_critical_waits_for_days_while_its_alert_fires_and_expires_when_it_is_over(self, store, why):
        await store.commit(Commit(at=NOW, alerts=(alert(),)), channels=())
        await waits_after_a_failure(store, message(1, why=why))
        assert await claimed(store, NOW + 48 * HOUR) == ["m1"]
        await store.commit(Commit(at=NOW + 48 * HOUR, alerts_ended=(alert(),)), channels=())
        assert await claimed(store, NOW + 49 * HOUR) == []

    async def test_critical_expires_when_its_alert_only_holds(self, store):
        await store.commit(Commit(at=NOW, alerts=(alert(state=AlertState.HELD),)), channels=())
        await waits_after_a_failure(store, message(1))
        assert await claimed(store, NOW + 2 * HOUR) == []

    async def test_news_that_a_position_is_gone_does_not_expire(self, store):
        seen = memory(position(key("ETH/USDT:USDT")))
        await store.commit(Commit(at=NOW, positions=(seen,), readings=(seen,)), channels=())
        await store.commit(Commit(at=NOW + SECOND, closed=(seen,)), channels=())
        await waits_after_a_failure(store, message(1, subject=ETH, why=NotifyReason.RESOLVED), at=NOW + SECOND)
        assert await claimed(store, NOW + 5 * HOUR) == ["m1"]

    async def test_age_counts_from_the_time_that_a_message_was_to_wait_for(self, store):
        clear = message(1, Level.WARNING, why=NotifyReason.RESOLVED, not_before=NOW + 5 * HOUR)
        await store.commit(Commit(at=NOW, messages=(clear,)), channels=("phone",))
        assert await claimed(store, NOW + 5 * HOUR) == ["m1"]

    async def test_urgent_claim_takes_only_the_first_news_of_the_worst(self, store):
        messages = [
            message(number, level, why=why, code=f"C{number}")
            for number, (level, why) in enumerate(
                [
                    (Level.WARNING, NotifyReason.FIRST),
                    (Level.CRITICAL, NotifyReason.REPEAT),
                    (Level.CRITICAL, NotifyReason.FIRST),
                    (Level.EMERGENCY, NotifyReason.WORSENED),
                    (Level.EMERGENCY, NotifyReason.RESOLVED),
                    (Level.CRITICAL, NotifyReason.ESCALATED),
                ]
            )
        ]
        await store.commit(Commit(at=NOW, messages=tuple(messages)), channels=("phone",))
        assert await claimed(store, NOW, urgent=True) == ["m3", "m2", "m5"]
        assert await claimed(store, NOW) == ["m4", "m1", "m0"]

    async def test_release_makes_due_what_waits_for_another_try_and_leaves_what_has_its_own_time(self, store):
        later = message(3, subject=subject(key("SOL/USDT:USDT")), not_before=NOW + HOUR)
        await waits_after_a_failure(store, message(1), message(2, subject=ETH), later)
        await waits_after_a_failure(store, message(4), channel="mail")
        (released, other) = await store.release("phone", NOW)
        assert [released.message.id, other.message.id] == ["m1", "m2"]
        assert await claimed(store, NOW) == ["m1", "m2"]
        assert await claimed(store, NOW, "mail") == []
        assert await store.release("phone", NOW) == []

    async def test_release_expires_what_is_too_old(self, store):
        await waits_after_a_failure(store, message(1, Level.WARNING))
        assert await store.release("phone", NOW + 2 * HOUR) == []

    async def test_folded_messages_are_sent_as_their_summary_and_not_missed_later(self, store):
        await waits_after_a_failure(store, message(1), message(2, subject=ETH), message(3, code="OTHR"))
        waiting = await store.release("phone", NOW)
        summary = message(9, Level.WARNING, why=NotifyReason.SUMMARY, subject=Subject(SubjectKind.DAEMON), channels=("phone",))
        await store.fold([one for one in waiting if one.message.id != "m3"], summary, NOW)
        assert await claimed(store, NOW) == ["m3", "m9"]
        await store.commit(Commit(at=NOW + SECOND, messages=(message(10, subject=ETH),)), channels=("phone",))
        (delivery,) = await store.claim("phone", NOW + SECOND, lease=LEASE)
        assert delivery.missed == 0

    async def test_diverted_are_the_urgent_that_were_not_accepted_and_each_only_once(self, store):
        messages = (message(1), message(2, Level.WARNING, subject=ETH), message(3, Level.EMERGENCY, code="OTHR"))
        await store.commit(Commit(at=NOW, messages=messages), channels=("phone",))
        (worst,) = await store.claim("phone", NOW, lease=LEASE, limit=1)
        await store.settle(worst, "accepted", NOW)
        assert await store.divert("phone", "mail", NOW) == 1
        assert await store.divert("phone", "mail", NOW) == 0
        (delivery,) = await store.claim("mail", NOW, lease=LEASE)
        assert (delivery.message.id, delivery.attempt) == ("m1", 1)
        await store.settle(delivery, "accepted", NOW)
        assert await store.divert("phone", "mail", NOW) == 0
        assert await claimed(store, NOW) == ["m1", "m2"]

    async def test_message_that_goes_to_the_fallback_anyway_is_not_diverted(self, store):
        later = message(2, not_before=NOW + HOUR, subject=ETH)
        await store.commit(Commit(at=NOW, messages=(message(1), later)), channels=("phone", "mail"))
        assert await store.divert("phone", "mail", NOW) == 0
        assert await store.divert("phone", "chat", NOW) == 1

    async def test_what_waits_for_a_retired_channel_goes_to_its_heir_at_its_own_time(self, store):
        later = message(3, Level.INFO, not_before=NOW + HOUR, code="OTHR")
        await store.commit(
            Commit(at=NOW, messages=(message(1), message(2, Level.WARNING, subject=ETH), later)), channels=("phone",)
        )
        await store.claim("phone", NOW, lease=LEASE, limit=1)
        assert [one.id for one in await store.retire("phone", "mail", NOW)] == ["m1", "m2", "m3"]
        assert await claimed(store, NOW) == []
        assert [one.message.id for one in await store.claim("mail", NOW, lease=LEASE)] == ["m1", "m2"]
        assert await store.next_due("phone") is None
        assert [one.message.id for one in await store.claim("mail", NOW + HOUR, lease=LEASE)][-1] == "m3"

    async def test_retired_channel_leaves_its_heir_nothing_twice_and_without_one_nothing_waits(self, store):
        await store.commit(Commit(at=NOW, messages=(message(1),)), channels=("phone", "mail"))
        assert [one.id for one in await store.retire("phone", "mail", NOW)] == ["m1"]
        assert [one.message.id for one in await store.claim("mail", NOW, lease=LEASE)] == ["m1"]
        assert [one.id for one in await store.retire("mail", None, NOW)] == ["m1"]
        assert await store.next_due("mail") is None
        assert await store.retire("mail", None, NOW) == []

    async def test_accepted_counts_those_after_a_time(self, store):
        await store.commit(Commit(at=NOW, messages=(message(1), message(2), message(3))), channels=("phone", "mail"))
        first, second, third = await store.claim("phone", NOW, lease=LEASE)
        await store.settle(first, "accepted", NOW)
        await store.settle(second, "accepted", NOW + MINUTE)
        await store.settle(third, "dead", NOW + MINUTE)
        assert await store.accepted("phone", NOW - SECOND) == 2
        assert await store.accepted("phone", NOW) == 1
        assert await store.accepted("mail", NOW - HOUR) == 0
