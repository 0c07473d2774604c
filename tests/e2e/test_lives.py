"""The whole life of positions on the real program: what it keeps and tells is what the exchange's ledger says, to the unit."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.lives.event import EventKind, LifeEvent
from monitor.practice import Fault, FaultKind
from monitor.practice.engine.accounts import Kind, Record, Slot
from monitor.practice.engine.exchange import PracticeExchange
from monitor.store.reader import StoreReader
from monitor.topups.changes import ChangeCause, MarginChange
from tests.e2e.program import until
from tests.e2e.stage import RULES, Held, Stage

D = Decimal
E = EventKind


@dataclass(frozen=True, slots=True)
class Venue:
    """An exchange's names of two contracts, and how many of them are one coin."""

    name: str
    btc: str
    eth: str
    btc_in_coin: int = 1
    eth_in_coin: int = 1


VENUES = [
    Venue("binance", "BTCUSDT", "ETHUSDT"),
    Venue("bybit", "BTCUSDT", "ETHUSDT"),
    Venue("okx", "BTC-USDT-SWAP", "ETH-USDT-SWAP", btc_in_coin=100, eth_in_coin=10),
]
EACH = pytest.mark.parametrize("venue", VENUES, ids=lambda venue: venue.name)


@dataclass(slots=True)
class Life:
    """A daemon at work on one account; ``does`` lets something happen there and waits until it is kept."""

    stage: Stage
    venue: Venue
    folder: Path

    @property
    def engine(self) -> PracticeExchange:
        return self.stage.booths["main"].engine

    def events(self, *kinds: EventKind) -> list[LifeEvent]:
        with StoreReader(self.folder / "store.db") as reader:
            return [event for event in reader.events() if not kinds or event.kind in kinds]

    def changes(self) -> list[MarginChange]:
        with StoreReader(self.folder / "store.db") as reader:
            return list(reader.margin_changes())

    def records(self, *kinds: Kind) -> list[Record]:
        records = self.engine.account("main").records
        return self.stage.call(lambda: [record for record in records if record.kind in kinds])

    def does(self, work: Callable[[], object], *kinds: EventKind) -> list[LifeEvent]:
        """The events of ``kinds`` that the work led to: exactly one each, in this order."""
        before = len(self.events(*kinds))
        self.stage.call(work)
        until(lambda: len(self.events(*kinds)) >= before + len(kinds))
        made = self.events(*kinds)[before:]
        assert [event.kind for event in made] == list(kinds)
        return made

    def reads_on(self, times: int = 5) -> None:
        """Let it read so often: then it knows the balance as it is beside the positions."""
        before = self.stage.program.log().count("family.read")
        until(lambda: self.stage.program.log().count("family.read") >= before + times)

    def killed(self) -> None:
        """Kill the daemon once it has noted that every message was accepted: else it would rightly send one again."""
        with closing(sqlite3.connect(self.folder / "store.db")) as store:
            until(lambda: store.execute("SELECT count(*) FROM deliveries WHERE state <> 'accepted'").fetchone() == (0,))
        self.stage.program.stop()

    def told(self, title: str) -> str:
        """The text of the message whose title begins so, once it is there."""
        until(lambda: any(one.title.startswith(title) for one in self.stage.arrivals))
        return next(one.text for one in self.stage.arrivals if one.title.startswith(title))


@contextmanager
def living(
    folder: Path, venue: Venue, *held: Held, before: Callable[[PracticeExchange], object] = lambda _: None
) -> Iterator[Life]:
    with Stage(folder, rules=RULES) as stage:
        marks = {venue.btc: "100000", venue.eth: "4000"}
        stage.account("main", venue.name, *held, marks=marks)
        life = Life(stage, venue, folder)
        stage.call(lambda: before(life.engine))
        stage.start()
        # The start message comes once every family was read.
        life.told("guarding")
        yield life


def btc(venue: Venue) -> Held:
    """0.1 BTC at 100,000 with 1,000 of margin."""
    return Held(venue.btc, entry="100000", quantity=str(D("0.1") * venue.btc_in_coin), margin="1000")


def as_recorded(event: LifeEvent, *records: Record) -> None:
    """What is told of an ending is the sum of these records of the exchange, to the last unit."""
    told = event.breakdown
    assert told is not None
    assert told.contracts == sum(record.quantity for record in records)
    assert told.profit == sum(record.profit for record in records)
    assert told.fees == sum(record.fee for record in records)
    assert (told.insurance or 0) == sum(record.penalty for record in records)
    dated(event, records[-1])


def dated(event: LifeEvent, record: Record) -> None:
    """What is told has the time of the exchange's record."""
    assert event.since is None
    assert event.at.timestamp() * 1000 == pytest.approx(record.at, abs=100)


def aged(store: Path, by: timedelta) -> None:
    """Make everything that a store knows so much older, as if the daemon had ended then."""
    columns = {
        "readings": ("at",),
        "positions": ("last_seen",),
        "lives": ("first_seen",),
        "families": ("since", "last_good"),
        "events": ("at", "since", "seen_at"),
    }
    with sqlite3.connect(store) as connection:
        for table, times in columns.items():
            moves = ", ".join(f"{column} = {column} - {int(by.total_seconds() * 1000)}" for column in times)
            connection.execute(f"UPDATE {table} SET {moves}")


def remembered_longer(engine: PracticeExchange, by: timedelta) -> None:
    """Make what the exchange recorded so far so much older too, as far as a record of a fill tells when it was."""
    account, less = engine.account("main"), int(by.total_seconds() * 1000)
    account.records[:] = [replace(record, at=record.at - less) for record in account.records]


@EACH
def test_each_event_is_kept_and_told_as_the_ledger_has_it(tmp_path: Path, venue: Venue) -> None:
    one = D(venue.eth_in_coin)
    with living(tmp_path, venue, btc(venue)) as life:
        engine, eth = life.engine, venue.eth
        assert [event.kind for event in life.events()] == [E.FOUND]
        (opened,) = life.does(
            lambda: engine.open("main", eth, long=False, quantity=one, leverage=D(5), entry=D(4000), margin=D(800)), E.OPENED
        )
        dated(opened, life.records(Kind.OPEN)[-1])
        assert "margin 800 USDT" in life.told("ETH/USDT short opened")
        (grew,) = life.does(lambda: engine.grow("main", eth, Slot.NET, quantity=one / 2), E.GREW)
        grown = life.records(Kind.OPEN)[-1]
        dated(grew, grown)
        assert (grew.before, grew.after) == (one, one * 3 / 2)
        assert f"sold at 4,000, fees {grown.fee.normalize():f} USDT." in grew.detail
        (shrank,) = life.does(lambda: engine.close("main", eth, Slot.NET, quantity=one), E.SHRANK)
        as_recorded(shrank, *life.records(Kind.CLOSE))
        assert (shrank.before, shrank.after, shrank.ended) == (one * 3 / 2, one / 2, False)
        (added,) = life.does(lambda: engine.change_margin("main", eth, Slot.NET, D("12.5")), E.MARGIN_ADDED)
        assert (added.amount, added.cause) == (D("12.5"), "elsewhere")
        # Bybit keeps no record of it: there its time is only known from the readings.
        assert (added.since is None) is (venue.name != "bybit")
        (moved,) = life.does(lambda: engine.set_leverage("main", eth, Slot.NET, D(25)), E.LEVERAGE_CHANGED)
        assert (moved.before, moved.after) == (D(5), D(25))
        (delevered,) = life.does(lambda: engine.deleverage("main", eth, Slot.NET, quantity=one / 4, price=D(3990)), E.DELEVERAGED)
        as_recorded(delevered, *life.records(Kind.DELEVERAGE))
        life.reads_on()
        (closed,) = life.does(lambda: engine.close("main", eth, Slot.NET, price=D(3980)), E.CLOSED)
        last = life.records(Kind.CLOSE)[-1]
        as_recorded(closed, last)
        assert closed.ended
        assert closed.breakdown is not None
        assert closed.breakdown.returned == closed.breakdown.observed == last.free_change
        assert "by the records and by the balance" in life.told("ETH/USDT short closed")
        held = D("0.1") * venue.btc_in_coin
        life.reads_on()
        (taken,) = life.does(
            lambda: engine.deleverage("main", venue.btc, Slot.NET, quantity=held, price=D(101_000)), E.DELEVERAGED
        )
        last = life.records(Kind.DELEVERAGE)[-1]
        as_recorded(taken, last)
        assert taken.ended
        assert taken.breakdown is not None
        assert taken.breakdown.returned == taken.breakdown.observed == last.free_change
        assert "by the records and by the balance" in life.told("BTC/USDT long was auto-deleveraged")
        assert not [case for case in life.stage.program.log().splitlines() if "stumbled" in case]


@EACH
def test_a_liquidation_is_told_with_what_it_cost_and_what_came_back(tmp_path: Path, venue: Venue) -> None:
    with living(tmp_path, venue, btc(venue)) as life:
        engine = life.engine
        life.stage.call(lambda: engine.settle_funding(venue.name, venue.btc, D("0.0001")))
        (end,) = life.does(lambda: engine.set_marks({(venue.name, venue.btc): D(85000)}), E.LIQUIDATED)
        (takeover,) = life.records(Kind.TAKEOVER)
        as_recorded(end, takeover)
        assert end.breakdown is not None
        assert end.breakdown.funding == sum(record.amount for record in life.records(Kind.FUNDING)) == D(-1)
        assert end.breakdown.returned == end.breakdown.observed == takeover.free_change
        assert end.breakdown.trigger_price == (None if venue.name == "binance" else D(85000))
        text = life.told("LIQUIDATED: BTC/USDT long, -")
        since = "over its life" if venue.name == "okx" else "since it was first seen"
        assert f"Funding {since}: -1 USDT." in text
        assert "Came back to your balance: 0 USDT, by the records and by the balance." in text


@EACH
def test_a_position_that_is_missing_from_faulty_replies_is_never_called_closed(tmp_path: Path, venue: Venue) -> None:
    other = Held(venue.eth, entry="4000", quantity=str(venue.eth_in_coin), margin="800", leverage="5")
    with living(tmp_path, venue, btc(venue), other) as life:
        server = life.stage.booths["main"].server
        life.stage.call(lambda: server.faults.add(Fault(kind=FaultKind.DISAPPEAR, contract=venue.btc, times=1)))
        until(lambda: not life.stage.call(server.faults.placed))
        life.does(lambda: life.engine.change_margin("main", venue.btc, Slot.NET, D(5)), E.MARGIN_ADDED)
        assert {event.kind for event in life.events()} == {E.FOUND, E.MARGIN_ADDED}
        assert not [one for one in life.stage.arrivals if "gone" in one.title or "closed" in one.title]


@EACH
@pytest.mark.parametrize("off", [timedelta(hours=1), timedelta(days=7)], ids=["an hour", "a week"])
def test_what_happened_while_nothing_watched_is_told_once_in_one_message(tmp_path: Path, venue: Venue, off: timedelta) -> None:
    other = Held(venue.eth, entry="4000", quantity=str(venue.eth_in_coin), margin="800", leverage="5")
    with living(tmp_path, venue, btc(venue), other) as life:
        life.killed()
        engine = life.engine
        aged(tmp_path / "store.db", off)
        life.stage.call(lambda: remembered_longer(engine, off))
        life.stage.call(lambda: engine.change_margin("main", venue.eth, Slot.NET, D(7)))
        life.stage.call(lambda: engine.set_marks({(venue.name, venue.btc): D(85000)}))
        life.stage.start()
        text = life.told("Meanwhile: LIQUIDATED: BTC/USDT long, -")
        # What only the run before saw is not guarded.
        life.told("guarding 1 position on 1 account")
        assert "did not watch from" in text
        recorded = venue.name != "bybit"  # it keeps no record of margin changes
        assert f"ETH/USDT long: +7 USDT margin {'elsewhere' if recorded else 'by an unknown hand'} (main)" in text
        assert len([one for one in life.stage.arrivals if "LIQUIDATED" in one.title]) == 1
        (end,) = life.events(E.LIQUIDATED)
        as_recorded(end, *life.records(Kind.TAKEOVER))
        (change,) = life.changes()
        assert (change.amount, bool(change.record)) == (D(7), recorded)
        assert change.cause is (ChangeCause.ELSEWHERE if recorded else ChangeCause.UNKNOWN)
        life.killed()
        life.stage.arrivals.clear()
        life.stage.start()
        life.told("guarding")
        assert not [one for one in life.stage.arrivals if "off" in one.title or "LIQUIDATED" in one.title]


@EACH
def test_a_liquidation_is_told_though_as_much_was_bought_again_while_nothing_watched(tmp_path: Path, venue: Venue) -> None:
    with living(tmp_path, venue, btc(venue)) as life:
        life.killed()
        engine, size = life.engine, D("0.1") * venue.btc_in_coin
        aged(tmp_path / "store.db", timedelta(hours=1))
        life.stage.call(lambda: remembered_longer(engine, timedelta(hours=1)))
        life.stage.call(lambda: engine.set_marks({(venue.name, venue.btc): D(85000)}))
        life.stage.call(lambda: engine.open("main", venue.btc, long=True, quantity=size, leverage=D(10), margin=D(900)))
        life.stage.start()
        text = life.told("Meanwhile: LIQUIDATED: BTC/USDT long, -")
        assert "BTC/USDT long opened (main)" in text
        (end,) = life.events(E.LIQUIDATED)
        as_recorded(end, *life.records(Kind.TAKEOVER))
        (opened,) = life.events(E.OPENED)
        dated(opened, life.records(Kind.OPEN)[-1])


@EACH
def test_a_partial_liquidation_and_a_turn_are_events_of_their_own(tmp_path: Path, venue: Venue) -> None:
    with living(tmp_path, venue) as life:
        engine = life.engine
        # 200 BTC at 100,000 (a notional of 20 million) lie in a high tier on each exchange: the first step leaves a rest.
        size = D(200) * venue.btc_in_coin
        life.stage.call(lambda: engine.deposit("main", "USDT", D(10_000_000)))
        life.does(
            lambda: engine.open(
                "main", venue.btc, long=True, quantity=size, leverage=D(10), entry=D(100_000), margin=D(2_000_000)
            ),
            E.OPENED,
        )
        mark = life.stage.call(lambda: liquidated_at(engine, venue))
        events = life.does(lambda: engine.set_marks({(venue.name, venue.btc): mark}), E.PARTLY_LIQUIDATED)
        cuts = life.records(Kind.CUT)
        as_recorded(events[0], *cuts)
        assert events[0].after == size - sum(record.quantity for record in cuts)
        assert "PARTLY LIQUIDATED: BTC/USDT long, -" in life.told("PARTLY LIQUIDATED")
        rest = events[0].after
        (closed,) = life.does(lambda: engine.flip("main", venue.btc, quantity=D(1) * venue.btc_in_coin, leverage=D(5)), E.CLOSED)
        assert (closed.before, closed.after, closed.key.side.value) == (rest, 0, "long")
        assert closed.breakdown is not None
        assert closed.breakdown.profit == life.records(Kind.CLOSE)[-1].profit
        life.told("BTC/USDT short opened, turned round")
        (turned,) = life.events(E.FLIPPED)
        dated(turned, life.records(Kind.OPEN)[-1])


@EACH
def test_what_moves_a_margin_has_its_cause_from_the_records(tmp_path: Path, venue: Venue) -> None:
    held = Held(venue.btc, entry="100000", quantity=str(D("0.1") * venue.btc_in_coin), margin="1200")
    with living(tmp_path, venue, held) as life:
        engine = life.engine
        (taken,) = life.does(lambda: engine.change_margin("main", venue.btc, Slot.NET, D("-25")), E.MARGIN_REDUCED)
        assert (taken.amount, taken.cause, taken.before, taken.after) == (D(-25), "elsewhere", D(1200), D(1175))
        life.told("BTC/USDT long: -25 USDT margin elsewhere")
        if venue.name == "bybit":
            return  # keeps no record of margin, and has the wallet pay the funding
        dated(taken, life.records(Kind.REDUCE)[-1])
        (paid,) = life.does(lambda: engine.settle_funding(venue.name, venue.btc, D("0.0001")), E.MARGIN_REDUCED)
        (record,) = life.records(Kind.FUNDING)
        assert (paid.amount, paid.cause) == (record.into_margin, "funding")
        dated(paid, record)
        assert not [one for one in life.stage.arrivals if "funding" in one.title]


@EACH
def test_other_maintenance_tiers_are_an_event_and_a_perpetual_that_ends_was_settled(tmp_path: Path, venue: Venue) -> None:
    with living(tmp_path, venue, btc(venue)) as life:
        engine = life.engine
        life.does(lambda: engine.change_tiers(venue.name, venue.btc, D("1.5")), E.TIERS_CHANGED)
        life.reads_on()
        (end,) = life.does(lambda: engine.deliver(venue.name, venue.btc, D(101_000)), E.SETTLED)
        (record,) = life.records(Kind.DELIVERY)
        as_recorded(end, record)
        assert end.breakdown is not None
        assert end.breakdown.returned == end.breakdown.observed == record.free_change
        life.told("BTC/USDT long was closed by the exchange, +")


def test_leverage_of_coin_margined_positions_is_told_on_binance_too(tmp_path: Path) -> None:
    venue = Venue("binance", "BTCUSD_PERP", "ETHUSD_PERP")
    with Stage(tmp_path, rules=RULES) as stage:
        stage.account("main", "binance", marks={venue.btc: "100000"}, contracts="inverse")
        life = Life(stage, venue, tmp_path)
        stage.call(lambda: life.engine.deposit("main", "BTC", D(1)))
        stage.call(
            lambda: life.engine.open(
                "main", venue.btc, long=True, quantity=D(100), leverage=D(10), entry=D(100_000), margin=D("0.02")
            )
        )
        stage.start()
        life.told("guarding")
        (changed,) = life.does(lambda: life.engine.set_leverage("main", venue.btc, Slot.NET, D(20)), E.LEVERAGE_CHANGED)
        assert (changed.before, changed.after) == (D(10), D(20))
        life.told("BTC/USD:BTC long has another leverage")


def liquidated_at(engine: PracticeExchange, venue: Venue) -> Decimal:
    """A whole mark price just below the one at which the exchange begins to liquidate the only position."""
    (position,) = engine.account("main").positions.values()
    price = engine.terms[venue.name].liquidation_price(engine.stake(position))
    assert price is not None
    return price.quantize(D(1)) - 1


@EACH
def test_a_contract_that_expires_is_delivered(tmp_path: Path, venue: Venue) -> None:
    dated = {"binance": "BTCUSDT_271231", "bybit": "BTCUSDT-31DEC27", "okx": "BTC-USD-271231"}[venue.name]
    inverse = venue.name == "okx"
    with Stage(tmp_path, rules=RULES) as stage:
        stage.account("main", venue.name, marks={dated: "100000"}, contracts="inverse" if inverse else "linear")
        life = Life(stage, venue, tmp_path)
        engine = life.engine
        if inverse:
            stage.call(lambda: engine.deposit("main", "BTC", D(1)))
        size, margin = (D(100), D("0.02")) if inverse else (D("0.1"), D(1000))
        stage.call(lambda: engine.open("main", dated, long=True, quantity=size, leverage=D(10), entry=D(100_000), margin=margin))
        stage.start()
        life.told("guarding")
        (end,) = life.does(lambda: engine.deliver(venue.name, dated, D(101_000)), E.DELIVERED)
        (record,) = life.records(Kind.DELIVERY)
        as_recorded(end, record)
        assert end.breakdown is not None
        assert end.breakdown.returned == end.breakdown.observed == record.free_change
        assert "was delivered (it expired)" in life.told("BTC/USD")


@pytest.mark.parametrize("venue", [one for one in VENUES if one.name != "okx"], ids=lambda venue: venue.name)
def test_the_exchanges_own_automatic_margin_is_told_as_such(tmp_path: Path, venue: Venue) -> None:
    # On before the daemon looks: Binance tells the setting in a list of its own, which is read once a minute.
    with living(tmp_path, venue, btc(venue), before=lambda engine: engine.set_auto_add("main", venue.btc)) as life:
        engine = life.engine
        life.told("INFO: BTC/USDT long")
        (added,) = life.does(lambda: engine.set_marks({(venue.name, venue.btc): D(90_000)}), E.MARGIN_ADDED)
        assert added.cause == "exchange"
        assert added.amount is not None
        assert added.amount > 0
        assert "by the exchange's own automatic margin" in life.told("BTC/USDT long: +")


def test_a_margin_mode_that_turned_cross_is_kept_as_an_event_and_told_once(tmp_path: Path) -> None:
    venue = VENUES[1]
    with living(tmp_path, venue, btc(venue)) as life:
        (turned,) = life.does(lambda: life.engine.set_cross("main", venue.btc), E.NOT_ISOLATED)
        assert turned.detail == "Its margin mode is now cross."
        life.told("CRITICAL: BTC/USDT long is NOT guarded (cross)")
        assert not life.events(E.CLOSED, E.GONE)
