"""What becomes of positions whose row cannot be read, of ones known by another name, and of ones that stand beside others."""

from dataclasses import replace

import pytest

from monitor.alerts.model import NotifyReason
from monitor.cli.documents import state_of
from monitor.decide import Decision, decide
from monitor.margin.position import Side
from monitor.margin.reading import UNREADABLE, Unguarded
from monitor.memory import Memory
from tests.builders import USDM, at, failure, key, policy, position, snapshot

ETH, SOL = "ETH/USDT:USDT", "SOL/USDT:USDT"
CROSS = Unguarded(symbol="BTC/USDT:USDT", side=Side.LONG, mode="cross")


def unread(name: str = "BTCUSDT", why: str = "markPrice is missing") -> Unguarded:
    return Unguarded(symbol=name, side=Side.LONG, mode=UNREADABLE, instrument_id=name, why=why)


class Watch:
    """A memory that is carried through readings ten seconds apart."""

    def __init__(self, *, once: bool = False) -> None:
        self.policy = policy(once=once)
        self.memory = Memory()
        self.polls = 0

    def see(self, *positions, unguarded=(), **changes) -> Decision:
        return self.take(snapshot(*positions, when=at(10 * self.polls), unguarded=tuple(unguarded), **changes))

    def take(self, reading) -> Decision:
        decision = decide(reading, self.memory, self.policy, at(10 * self.polls))
        self.memory, self.polls = decision.memory, self.polls + 1
        return decision


def said(decision):
    return [(one.why, one.level.label, one.title) for one in decision.commit.messages]


def test_a_position_that_cannot_be_read_is_told_by_the_second_reading_and_until_it_can():
    watch = Watch()
    watch.see(position(), position(symbol=ETH))
    assert said(watch.see(position(symbol=ETH), unguarded=[unread()])) == []
    decision = watch.see(position(symbol=ETH), unguarded=[unread()])
    assert said(decision) == [(NotifyReason.FIRST, "critical", "NOT guarded: BTCUSDT cannot be read")]
    assert decision.commit.messages[0].body.splitlines()[:-1] == [
        "main (Binance USD-M) is read, but for 1 position:",
        "BTCUSDT cannot be read: markPrice is missing",
        "Nobody guards what cannot be read. All else there is guarded as ever.",
        "Last known:",
        "BTC/USDT long on main: cushion 100 %, liquidation 9.0 % away",
        "Look at it on the exchange's own page; if it lasts, report what the exchange sends.",
    ]
    # it is neither gone nor fresh, and the family is not blind
    assert watch.memory.positions[key()].last_seen == at(0)
    assert state_of(None, watch.memory.families[USDM], watch.memory.positions[key()]) == "stale"
    assert state_of(None, watch.memory.families[USDM], watch.memory.positions[key(ETH)]) == "ok"
    assert watch.memory.families[USDM].state.value == "ok"
    assert said(watch.see(position(), position(symbol=ETH))) == []
    decision = watch.see(position(), position(symbol=ETH))
    assert said(decision) == [(NotifyReason.RESOLVED, "critical", "All positions can be read again: main (Binance USD-M)")]
    assert decision.commit.messages[0].body.startswith(
        "Every open position of main (Binance USD-M) can be read again, 20 s after"
    )


def test_a_figure_that_is_missing_for_one_reading_is_nobodys_news():
    watch = Watch()
    for reading in ([], [unread()], [], [unread()], []):
        assert said(watch.see(position(symbol=ETH), unguarded=reading)) == []


def test_a_single_run_tells_at_once_and_a_failed_reading_ends_nothing():
    watch = Watch(once=True)
    assert [level for _, level, _ in said(watch.see(position(symbol=ETH), unguarded=[unread()]))] == ["critical"]
    failed = watch.take(failure(at(10)))
    assert [title for _, _, title in said(failed)] == ["BLIND: cannot read main (Binance USD-M)"]
    assert ("unreadable", "firing") in {(kind, alert.state.value) for (kind, _), alert in watch.memory.alerts.items()}


def test_an_alert_of_an_earlier_run_goes_on_by_the_first_reading():
    watch = Watch()
    for _ in range(2):
        watch.see(position(symbol=ETH), unguarded=[unread()])
    families = {name: replace(one, unreadable=0) for name, one in watch.memory.families.items()}
    watch.memory = replace(watch.memory, families=families)
    watch.see(position(symbol=ETH), unguarded=[unread()])
    assert {kind for kind, _ in watch.memory.alerts} == {"unreadable"}


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (["A", "B"], "NOT guarded: 2 positions cannot be read"),
        (["LONG" * 10], "NOT guarded: a position cannot be read"),
    ],
)
def test_the_title_fits_whatever_cannot_be_read(names, title):
    watch = Watch(once=True)
    assert said(watch.see(position(symbol=ETH), unguarded=map(unread, names)))[0][2] == title


def test_the_body_counts_what_is_too_much_to_name():
    watch = Watch(once=True)
    decision = watch.see(position(symbol=ETH), unguarded=[unread(f"C{number}USDT", why="") for number in range(7)])
    body = decision.commit.messages[0].body
    assert "is read, but for 7 positions:" in body
    assert "C4USDT cannot be read: its row makes no sense\nand 2 more\n" in body
    assert "Last known" not in body


def test_both_legs_are_kept_while_their_row_cannot_be_read():
    watch = Watch()
    legs = (position(), position("100", side=Side.SHORT))
    watch.see(*legs, position(symbol=ETH))
    for _ in range(4):
        watch.see(position(symbol=ETH), unguarded=[unread()])
    assert {one for one in watch.memory.positions if one.symbol != ETH} == {key(), key(side=Side.SHORT)}


def test_a_position_that_turned_cross_is_known_by_the_exchanges_name_too():
    watch = Watch()
    watch.see(position(), position(symbol=ETH))
    decision = watch.see(position(symbol=ETH), unguarded=[replace(CROSS, symbol="BTCUSDT", instrument_id="BTCUSDT")])
    assert [title for _, _, title in said(decision)] == ["CRITICAL: BTC/USDT long is NOT guarded (cross)"]


def test_a_cross_position_that_stood_beside_an_isolated_one_is_not_what_that_became():
    watch = Watch()
    watch.see(position(), position(symbol=ETH), unguarded=[CROSS])
    assert said(watch.see(position(symbol=ETH), unguarded=[CROSS])) == []
    assert watch.memory.positions[key()].absences == 1
    decision = watch.see(position(symbol=ETH), unguarded=[CROSS])
    assert [one.key for one in decision.commit.closed] == [key()]
    assert key() not in watch.memory.positions


def test_a_position_that_turned_cross_stays_so_from_reading_to_reading():
    watch = Watch()
    watch.see(position(), position(symbol=SOL))
    for _ in range(4):
        watch.see(position(symbol=SOL), unguarded=[CROSS])
    assert watch.memory.positions[key()].mode == "cross"
