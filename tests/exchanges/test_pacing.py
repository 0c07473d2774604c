from datetime import timedelta

import pytest

from monitor.errors import RateLimited
from monitor.exchanges.pacing import LONGEST_BAN, Pacer, Pause, retry_after
from tests.exchanges.loopback import HandClock


def test_pacer_refuses_every_call_of_a_scope_until_its_ban_ends():
    clock = HandClock()
    pacer = Pacer(clock)
    until = pacer.ban("binance", Pause(scope="ip", seconds=30))
    clock.advance(29.9)
    with pytest.raises(RateLimited) as refused:
        pacer.check(["binance", "binance|main"])
    assert refused.value.until == until
    pacer.check(["bybit"])
    clock.advance(0.2)
    pacer.check(["binance"])


def test_pacer_tells_each_new_ban_so_that_it_can_be_stored():
    told = []
    clock = HandClock()
    pacer = Pacer(clock, lambda scope, until: told.append((scope, until)))
    pacer.ban("binance", Pause(scope="ip", seconds=30))
    pacer.ban("binance", Pause(scope="ip", seconds=10))
    assert told == [("binance", clock.now() + timedelta(seconds=30))]


def test_pacer_doubles_an_unnamed_ban_when_it_follows_soon_after_another():
    # 120 s at first, then 240 s, and 120 s again after more than an hour of peace.
    clock = HandClock()
    pacer = Pacer(clock)
    lengths = []
    for peace in (0, 5, 3700):
        clock.advance(peace)
        until = pacer.ban("binance", Pause(scope="ip", fallback=120))
        lengths.append((until - clock.now()).total_seconds())
        clock.advance(lengths[-1])
    assert lengths == [120, 240, 120]


def test_pacer_counts_one_ban_when_several_requests_in_flight_hear_of_it():
    clock = HandClock()
    pacer = Pacer(clock)
    ends = {pacer.ban("binance", Pause(scope="ip", fallback=120)) for _ in range(3)}
    assert ends == {clock.now() + timedelta(seconds=120)}


def test_pacer_takes_the_later_of_a_named_time_and_a_named_wait():
    clock = HandClock()
    until = clock.now() + timedelta(seconds=90)
    assert Pacer(clock).ban("binance", Pause(scope="ip", seconds=30, until=until)) == until


def test_pacer_never_believes_in_more_than_three_days():
    clock = HandClock()
    until = Pacer(clock).ban("binance", Pause(scope="ip", seconds=1e9))
    assert until == clock.now() + timedelta(seconds=LONGEST_BAN)


def test_pacer_keeps_a_restored_ban_when_the_wall_clock_jumps():
    clock = HandClock()
    pacer = Pacer(clock)
    pacer.restore({"binance": clock.now() + timedelta(seconds=60), "okx|main": clock.now() - timedelta(seconds=1)})
    clock._now += timedelta(hours=1)
    with pytest.raises(RateLimited):
        pacer.check(["binance"])
    pacer.check(["okx|main"])
    clock.advance(60)
    pacer.check(["binance"])


def test_pacer_stops_only_calls_that_can_wait_when_near_a_limit():
    clock = HandClock()
    pacer = Pacer(clock)
    pacer.spare("binance", Pause(scope="ip", seconds=15, hush=True))
    pacer.check(["binance"])
    with pytest.raises(RateLimited):
        pacer.check(["binance"], can_wait=True)
    pacer.spare("binance", Pause(scope="ip", seconds=10, hold=True))
    with pytest.raises(RateLimited):
        pacer.check(["binance"])
    clock.advance(11)
    pacer.check(["binance"])


@pytest.mark.parametrize(
    ("text", "seconds"), [("30", 30.0), (" 5 ", 5.0), ("", None), ("Wed, 21 Oct 2026", None), ("-3", None), ("1" * 20, None)]
)
def test_retry_after_reads_seconds_only(text, seconds):
    assert retry_after({"retry-after": text}) == seconds


def test_pacer_counts_a_call_of_an_account_once_for_all_its_sessions():
    # The watch takes nine of ten places in two seconds, the writer the tenth: the next of either waits.
    pacer = Pacer(HandClock())
    watch, writer, other = (pacer.allowance(scope, "positions", (10, 2.0)) for scope in ("okx|main", "okx|main", "okx|two"))
    assert [watch.book(0.0) for _ in range(9)] == [0.0] * 9
    assert writer.book(0.0) == 0.0
    assert watch.book(0.0) == pytest.approx(2.05)
    assert other.book(0.0) == 0.0
