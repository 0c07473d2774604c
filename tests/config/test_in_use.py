"""From the file to what is told: a YAML text, the policy that the daemon runs with, and decisions on readings."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.alerts.model import Message, NotifyReason
from monitor.app import build_policy
from monitor.decide import decide
from monitor.margin.position import Position, Side
from monitor.margin.reading import FamilyKey, FamilyReading
from monitor.memory import Memory
from monitor.rules.base import Level
from tests.builders import NOW, USDM, at, key, position, snapshot
from tests.config.files import desk

# The builder's position: long 10 at 100, margin 100, requirement 1 %; cushion (9.9 mark - 900) / 90.
# 96.8: 64.8 %. 96: 56 %. 94.5: 39.5 %. 93: 23 %.
CALM, UNEASY, WARNING, CRITICAL, EMERGENCY = "100", "96.8", "96", "94.5", "93"
OF_TEST = FamilyKey(exchange="binance", account="test", family="usdm")
FIRST, RESOLVED = NotifyReason.FIRST, NotifyReason.RESOLVED


class Desk:
    """What the daemon does with a configuration, without the daemon."""

    def __init__(self, folder: Path, more: str, since: datetime = NOW) -> None:
        self.policy = build_policy(desk(folder, more), since=since)
        self.memory = Memory()

    def take(self, reading: FamilyReading | None, when: datetime) -> tuple[Message, ...]:
        decision = decide(reading, self.memory, self.policy, when)
        self.memory = decision.memory
        return decision.commit.messages

    def see(self, *positions: Position, when: datetime, family: FamilyKey = USDM) -> tuple[Message, ...]:
        return self.take(snapshot(*positions, when=when, family=family), when)

    def calm_then(self, *positions: Position, family: FamilyKey = USDM) -> tuple[Message, ...]:
        """What is told when these positions were calm first (one that is seen past its line first is told but once)."""
        calm = [position(CALM, key=one.key, instrument=one.instrument, contracts=one.contracts) for one in positions]
        self.see(*calm, when=at(0), family=family)
        return self.see(*positions, when=at(10), family=family)


def on_test(mark: str, symbol: str = "BTC/USDT:USDT") -> Position:
    return position(mark, symbol=symbol, key=key(symbol, Side.LONG, "test"))


def told(messages: tuple[Message, ...]) -> list[tuple[NotifyReason, str, tuple[str, ...]]]:
    return [(message.why, message.level.label, message.channels) for message in messages]


def test_levels_go_to_their_channels(tmp_path):
    watch = Desk(tmp_path, "levels: {critical: {channels: [partner]}}\n")
    assert told(watch.calm_then(position(WARNING))) == [(FIRST, "warning", ("chat",))]
    assert told(watch.see(position(CRITICAL), when=at(12))) == [(NotifyReason.WORSENED, "critical", ("partner",))]
    assert told(watch.see(position(EMERGENCY), when=at(14))) == [(NotifyReason.WORSENED, "emergency", ("phone", "chat"))]


def test_repeats_follow_the_ladder_that_is_written(tmp_path):
    watch = Desk(tmp_path, "levels: {warning: {repeat: [10s for 25s, 40s, ]}, emergency: {repeat: never}}\n")
    watch.calm_then(position(WARNING))
    repeats = [second for second in range(11, 120) if watch.see(position(WARNING), when=at(second))]
    # told at 10; every 10 s up to an age of 25 s (asked for at the ages 0, 10 and 20), then every 40 s
    assert repeats == [20, 30, 40, 80]
    assert told(watch.see(position(EMERGENCY), when=at(121))) != []
    assert [second for second in range(122, 400) if watch.see(position(EMERGENCY), when=at(second))] == []


def test_route_goes_before_the_level(tmp_path):
    watch = Desk(
        tmp_path,
        "routes:\n"
        "  - {match: {rule: data_stale}, channels: [partner]}\n"
        "  - {match: {account: t*t, symbol: BTC/*}, channels: [chat]}\n",
    )
    both = (on_test(EMERGENCY), on_test(EMERGENCY, "ETH/USDT:USDT"))
    assert told(watch.calm_then(*both, family=OF_TEST)) == [
        (FIRST, "emergency", ("chat",)),
        (FIRST, "emergency", ("phone", "chat")),
    ]
    stale = [message for message in watch.take(None, at(50)) if message.subject.family]
    assert told(tuple(stale)) == [(FIRST, "critical", ("partner",))]


def test_escalation_calls_the_next_when_nobody_acknowledges(tmp_path):
    watch = Desk(tmp_path, "escalation: [{after: 2m, level: emergency, channels: [partner]}]\n")
    watch.calm_then(position(EMERGENCY))
    assert [why for second in (70, 130) for why, _, _ in told(watch.see(position(EMERGENCY), when=at(second)))] == [
        NotifyReason.REPEAT,
        NotifyReason.REPEAT,
    ]
    assert told(watch.see(position(EMERGENCY), when=at(131))) == [(NotifyReason.ESCALATED, "emergency", ("partner",))]
    assert told(watch.see(position(EMERGENCY), when=at(132))) == []


def test_override_judges_by_its_own_rules_over_those_in_force(tmp_path):
    watch = Desk(
        tmp_path,
        "overrides:\n"
        "  - {match: {symbol: 'DOGE/*'}, rules: [{kind: cushion, warning: 70%}]}\n"
        "  - {match: {account: test}, rules: [{kind: cushion, off: true}, {kind: data_stale, off: true}]}\n",
    )
    (doge,) = watch.calm_then(position(UNEASY), position(UNEASY, symbol="DOGE/USDT:USDT"))
    assert (doge.subject.symbol, doge.level, doge.why) == ("DOGE/USDT:USDT", Level.WARNING, FIRST)
    assert "70 %" in doge.body  # how much margin brings it back over its own line, not over the others'
    assert watch.calm_then(on_test(EMERGENCY), family=OF_TEST) == ()
    # usage 80 %: 0.1 m = 0.8 (10 m - 900), m = 91.14; the other rules hold there as everywhere
    assert told(watch.see(on_test("91.1"), when=at(20), family=OF_TEST)) == [(FIRST, "emergency", ("phone", "chat"))]
    blind = [message.subject.account for message in watch.take(None, at(70)) if message.subject.family]
    assert blind == ["main"]


def test_dust_is_not_judged(tmp_path):
    watch = Desk(tmp_path, "ignore: {notional_below: {USDT: 961, BTC: 1}}\n")
    # 10 at 96 are 960, 11 are 1056
    more = position(WARNING, symbol="ETH/USDT:USDT", contracts=Decimal(11), isolated_margin=Decimal(110))
    messages = watch.calm_then(position(WARNING), more)
    assert [message.subject.symbol for message in messages] == ["ETH/USDT:USDT"]


NIGHTS = [
    # The evening of the day, and when it is seven in Berlin next morning.
    pytest.param(datetime(2026, 7, 10, tzinfo=UTC), datetime(2026, 7, 11, 5, tzinfo=UTC), id="in summer"),
    pytest.param(datetime(2026, 12, 10, tzinfo=UTC), datetime(2026, 12, 11, 6, tzinfo=UTC), id="in winter"),
    pytest.param(datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 10, 25, 6, tzinfo=UTC), id="the clock goes back"),
    pytest.param(datetime(2027, 3, 27, tzinfo=UTC), datetime(2027, 3, 28, 5, tzinfo=UTC), id="the clock goes forward"),
]
QUIET = "timezone: Europe/Berlin\nquiet_hours: {from: 23:00, to: 07:00}\n"


@pytest.mark.parametrize(("day", "seven"), NIGHTS)
def test_warning_of_the_night_is_told_at_seven_by_the_clock_on_the_wall(tmp_path, day, seven):
    watch = Desk(tmp_path, QUIET, since=day)
    night = day + timedelta(hours=23)
    assert watch.see(position(CALM), when=night) == ()
    assert watch.see(position(WARNING), when=night + timedelta(seconds=10)) == ()
    assert watch.see(position(WARNING), when=seven - timedelta(seconds=1)) == ()
    assert told(watch.see(position(WARNING), when=seven)) == [(FIRST, "warning", ("chat",))]


@pytest.mark.parametrize(("day", "seven"), NIGHTS)
def test_all_clear_of_the_night_waits_until_seven_by_the_clock_on_the_wall(tmp_path, day, seven):
    watch = Desk(tmp_path, QUIET, since=day)
    evening, night = day + timedelta(hours=19), day + timedelta(hours=23)
    watch.see(position(CALM), when=evening)
    assert [message.not_before for message in watch.see(position(WARNING), when=evening + timedelta(seconds=10))] == [None]
    watch.see(position(CALM), when=night)
    (clear,) = watch.see(position(CALM), when=night + timedelta(seconds=10))
    assert (clear.why, clear.channels, clear.not_before) == (RESOLVED, ("chat",), seven)


def test_critical_passes_quiet_hours_unless_it_is_to_be_held(tmp_path):
    night = datetime(2026, 7, 10, 23, tzinfo=UTC)
    for more, count in ((QUIET, 1), (f"{QUIET}levels: {{critical: {{quiet_hours: hold}}}}\n", 0)):
        watch = Desk(tmp_path, more, since=night)
        watch.see(position(CALM), when=night)
        messages = watch.see(position(CRITICAL), when=night + timedelta(seconds=10))
        assert told(messages) == [(FIRST, "critical", ("phone", "chat"))] * count


def test_acknowledgement_lapses_after_what_is_written(tmp_path):
    assert Desk(tmp_path, "ack_lapses_after: 30m\n").policy.ack_lapses == timedelta(minutes=30)
