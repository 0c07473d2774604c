"""The measurement speaks exactly when the product's own ``decide`` speaks, poll by poll and tick by tick."""

from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from bench.alarms.book import LEVERAGES, TICK, Entry, Shape, entries, position_of, tiers_of
from bench.alarms.replay import CALM, NEAR, START, replay
from bench.alarms.stretches import assessment_at, liquidated_at, stretches, tick_of
from bench.alarms.variants import CUSHION, TODAY, USAGE, VARIANTS
from bench.alarms.walks import walk
from monitor.alerts.lifecycle import REPEATS
from monitor.alerts.model import NotifyReason
from monitor.decide import decide, is_near
from monitor.margin.position import Side
from monitor.margin.reading import FamilyKey, FamilySnapshot
from monitor.memory import Memory
from monitor.policy import Intervals, Policy
from monitor.rules.base import Level

DEFAULTS = next(variant for variant in VARIANTS if variant.name == TODAY)
URGENCY = [NotifyReason.REPEAT, NotifyReason.FIRST, NotifyReason.WORSENED]


def at(second):
    return START + timedelta(seconds=second)


def decided(path, entry, until):
    """(second, why, level) of every message of ``decide``, asked at every poll and at every second between polls."""
    policy = Policy(
        rules=(CUSHION, USAGE),
        intervals={"main": Intervals(calm=timedelta(seconds=CALM), near=timedelta(seconds=NEAR))},
        watching_since=START,
    )
    memory, told, poll, price = Memory(), [], entry.first_poll, path.at(entry.second)
    for second in range(entry.first_poll, until):
        reading = None
        if second == poll:
            position = position_of(entry.shape, Decimal(tick_of(path.at(second), price)) / TICK)
            family = FamilyKey(exchange="binance", account="main", family=position.family)
            reading = FamilySnapshot(key=family, at=at(second), positions=(position,))
        decision = decide(reading, memory, policy, at(second))
        memory = decision.memory
        if second == poll:
            poll += max(NEAR if is_near(memory, "main") else CALM, path.step)
        told += [(second, message.why, message.level) for message in decision.commit.messages]
    return told


def lead(notices):
    """The notice that leads a message: what is wrong before what is over, the worst first, the new before the repeated."""
    return max(
        notices,
        key=lambda one: (
            one.why is not NotifyReason.RESOLVED,
            one.level,
            URGENCY.index(one.why) if one.why in URGENCY else -1,
        ),
    )


def test_the_replay_says_what_decide_says():
    path = walk("wild", seed="wild-6", annual=15, hours=1)
    book = entries(Random(5), 9, inverse=False, first=0, last=300, step=2, calm=CALM)
    book += entries(Random(6), 3, inverse=True, first=0, last=300, step=2, calm=CALM)
    kinds = set()
    for entry in book:
        seen = replay(path, entry, DEFAULTS, watch=3000, known=path.seconds)
        spoken = [(said.second, lead(said.notices).why, lead(said.notices).level) for said in seen.spoken]
        assert spoken == decided(path, entry, seen.until)
        kinds |= {(why, level) for _, why, level in spoken}
    # The walk was wild enough for the comparison to mean something.
    assert {(NotifyReason.FIRST, Level.WARNING), (NotifyReason.WORSENED, Level.EMERGENCY)} <= kinds
    assert {(NotifyReason.REPEAT, Level.CRITICAL), (NotifyReason.REPEAT, Level.EMERGENCY)} <= kinds
    assert any(why is NotifyReason.RESOLVED for why, _ in kinds)


def test_a_position_is_liquidated_at_the_first_mark_without_headroom():
    path = walk("wild", seed="wild-4", annual=20, hours=1)
    ended = 0
    for entry in entries(Random(7), 8, inverse=False, first=0, last=300, step=2, calm=CALM):
        seen = replay(path, entry, DEFAULTS, watch=3600, known=path.seconds)
        price = path.at(entry.second)
        gone = [
            second
            for second in range(entry.second, path.seconds + 1, path.step)
            if assessment_at(entry.shape, tick_of(path.at(second), price)).ours.headroom <= 0
        ]
        assert seen.liquidated == (gone[0] if gone else None)
        ended += bool(gone)
    assert ended >= 3


@pytest.mark.parametrize("side", [Side.LONG, Side.SHORT])
@pytest.mark.parametrize("table", ["large", "small", "coin"])
def test_stretches_hold_what_the_rules_say_at_every_mark(table, side):
    shape = Shape(table, 8_000, side, 10)
    for rule in (CUSHION, USAGE):
        for held in (None, Level.CRITICAL):
            found = stretches(shape, rule, held)
            ticks = [TICK * at // 1000 for at in range(880, 1125, 3)]
            ticks += [change + by for change in found.changes for by in (-1, 0)]
            for tick in ticks:
                assert found.judged(tick)[:2] == rule.judge(assessment_at(shape, tick), held)[:2]
                low, high = found.around(tick)
                assert low <= tick < high


def test_a_liquidation_price_is_the_edge_of_headroom():
    # 20x, wallet 5 % - 0.05 % fee, rate 1 %: (1 - 0.0495) / (1 - 0.01) = 0.96010101 of the entry.
    shape = Shape("small", 5_000, Side.LONG, 20)
    assert liquidated_at(shape) == 96010101
    assert assessment_at(shape, 96010101).ours.headroom <= 0 < assessment_at(shape, 96010102).ours.headroom


def test_tiers_are_continuous():
    # 0.5 % to 40,000, then 0.6 %: the deduction is 40,000 x 0.1 % = 40; from 80,000 1 %: 40 + 80,000 x 0.4 % = 360.
    assert [tier.deduction for tier in tiers_of("middle").tiers] == [0, 40, 360, 735]


def test_entries_are_as_the_seed_says_and_within_what_was_asked():
    book = entries(Random(1), 200, inverse=False, first=100, last=1000, step=2, calm=10)
    assert book == entries(Random(1), 200, inverse=False, first=100, last=1000, step=2, calm=10)
    assert {one.shape.leverage for one in book} == set(LEVERAGES)
    assert all(100 <= one.second <= 1000 and one.second < one.first_poll <= one.second + 10 for one in book)


def test_the_repeats_measured_are_those_of_the_product():
    assert DEFAULTS.repeats is REPEATS
    assert Entry(Shape("small", 5_000, Side.LONG, 20), 0, 2).first_poll == 2
