"""What every Store remembers, run over each of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from monitor.alerts.model import AlertState, Subject, SubjectKind, channel_subject
from monitor.margin.position import Contract, ExchangeSays, Instrument, PositionStatus, Side
from monitor.margin.reading import KeyFacts, Unguarded
from monitor.margin.tiers import MaintenanceTier, TierBasis, TierTable
from monitor.memory import ChannelMemory, Commit, FamilyState, KeyMemory, Memory
from monitor.rules.base import Level
from monitor.topups.state import TopUpMemory
from tests.store.store_examples import BTC, MINUTE, NOW, alert, family, full_position, key, memory, position

LEASE = timedelta(seconds=60)
SECOND = timedelta(seconds=1)
D = Decimal


class MemorySuite:
    """A part of StoreSuite."""

    async def test_load_is_empty_when_nothing_was_committed(self, store):
        loaded = await store.load()
        assert loaded == Memory(top_ups=TopUpMemory(lease=loaded.top_ups.lease))

    async def test_load_returns_every_field_when_all_are_set(self, store):
        unguarded = (
            Unguarded(symbol="ETH/USDT:USDT", side=Side.SHORT, mode="cross"),
            Unguarded(symbol="A", side=Side.LONG, mode="portfolio"),
        )
        blind = family(
            "coinm",
            state=FamilyState.BLIND,
            last_good=NOW - MINUTE,
            failing=7,
            error="it timed out",
            hint="look",
            unguarded=unguarded,
        )
        seen = memory(full_position(), epoch=3, absences=1, mode="cross", tiers_since=NOW - MINUTE, tiers_moved=D("0.0123"))
        felt = alert(
            state=AlertState.CLEARING,
            level=Level.WARNING,
            peak=Level.EMERGENCY,
            since=NOW - 3 * MINUTE,
            state_since=NOW - 2 * MINUTE,
            level_since=NOW - MINUTE,
            told=Level.EMERGENCY,
            told_at=NOW - 2 * MINUTE,
            repeats=4,
            born=True,
            value=D("0.3941"),
            line=D("0.40"),
            reason="nearer than 15 %",
            steps=2,
        )
        await store.commit(
            Commit(at=NOW, families=(blind, family()), positions=(seen,), readings=(seen,), alerts=(felt,)), channels=()
        )
        kept = await store.load()
        assert kept.families == {blind.key: blind, family().key: family()}
        assert kept.positions == {seen.key: seen}
        assert kept.alerts == {(felt.rule, felt.subject): felt}
        assert kept.epochs == {seen.key: 3}

    async def test_load_returns_none_where_nothing_was_known(self, store):
        bare = memory(position(leverage=None, instrument=replace(BTC, price_tick=None)))
        starting = family(state=FamilyState.STARTING, last_good=None)
        silent = alert(told=None, told_at=None, value=None, line=None)
        await store.commit(Commit(at=NOW, families=(starting,), positions=(bare,), alerts=(silent,)), channels=())
        kept = await store.load()
        assert kept.positions[bare.key] == bare
        assert kept.positions[bare.key].assessment.position.instrument.price_tick is None
        assert list(kept.families.values()) == [starting]
        assert list(kept.alerts.values()) == [silent]

    @pytest.mark.parametrize("size", ["1E-18", "123456789012345678.123456789", "1E+12", "0.10000"])
    async def test_load_returns_the_exact_number_when_it_is_extreme(self, store, size):
        seen = memory(position(contracts=D(size), isolated_margin=D("-0.000000000000000001")))
        await store.commit(Commit(at=NOW, positions=(seen,)), channels=())
        (kept,) = (await store.load()).positions.values()
        assert kept == seen
        assert kept.assessment.position.contracts.as_tuple() == D(size).as_tuple()

    async def test_load_returns_terms_of_each_position_when_they_differ(self, store):
        inverse = Instrument(
            symbol="BTC/USD:BTC",
            instrument_id="BTCUSD_PERP",
            contract=Contract.INVERSE,
            contract_size=D(100),
            settle_currency="BTC",
        )
        ladder = TierTable(
            basis=TierBasis.BASE, tiers=(MaintenanceTier(floor=D(0), cap=None, rate=D("0.004"), deduction=D("0.0E-8")),)
        )
        first = memory()
        coin = memory(
            position(
                key("BTC/USD:BTC"), instrument=inverse, tiers=ladder, isolated_margin=D("0.01"), status=PositionStatus.LIQUIDATING
            )
        )
        hedge = memory(position(key(side=Side.SHORT), says=ExchangeSays(margin_usage=D("0.5"))))
        await store.commit(Commit(at=NOW, positions=(first, coin, hedge)), channels=())
        assert (await store.load()).positions == {each.key: each for each in (first, coin, hedge)}

    async def test_load_returns_the_last_state_when_committed_again(self, store):
        later = memory(position(mark_price=D(58000)), last_seen=NOW + SECOND)
        unguarded = (Unguarded(symbol="ETH/USDT:USDT", side=Side.SHORT, mode="cross"),)
        await store.commit(
            Commit(at=NOW, families=(family(unguarded=unguarded),), positions=(memory(),), alerts=(alert(),)), channels=()
        )
        worse = alert(level=Level.EMERGENCY, peak=Level.EMERGENCY)
        await store.commit(Commit(at=NOW + SECOND, families=(family(),), positions=(later,), alerts=(worse,)), channels=())
        kept = await store.load()
        assert list(kept.positions.values()) == [later]
        assert list(kept.families.values()) == [family()]
        assert list(kept.alerts.values()) == [worse]

    async def test_load_returns_the_position_of_a_reading_alone(self, store):
        first, second = memory(), memory(position(mark_price=D(58000), changed="2"), last_seen=NOW + SECOND)
        await store.commit(Commit(at=NOW, readings=(first,)), channels=())
        assert (await store.load()).positions == {key(): first}
        await store.commit(Commit(at=NOW + SECOND, readings=(second,)), channels=())
        assert (await store.load()).positions == {key(): second}

    async def test_load_returns_the_last_assessment_when_the_position_is_absent(self, store):
        seen = memory(full_position())
        absent = replace(seen, absences=1, mode="cross")
        await store.commit(Commit(at=NOW, readings=(seen,)), channels=())
        await store.commit(Commit(at=NOW + SECOND, positions=(absent,)), channels=())
        assert (await store.load()).positions == {key(): absent}

    async def test_load_returns_what_is_held_now_when_it_changed_and_changed_back(self, store):
        for number, contracts in enumerate(("1", "2", "1")):
            seen = memory(position(contracts=D(contracts)), last_seen=NOW + number * SECOND)
            await store.commit(Commit(at=NOW, readings=(seen,)), channels=())
            assert (await store.load()).positions == {key(): seen}

    async def test_load_returns_the_last_of_many_when_only_some_changed(self, store):
        """120 positions: two whole statements of 50 and 20 rows; then every third is missed once, and then seen again."""
        many = [memory(position(key(f"{number}/USDT:USDT"))) for number in range(120)]
        await store.commit(Commit(at=NOW, readings=tuple(many)), channels=())
        later = [replace(each, last_seen=NOW + MINUTE) for each in many]
        missed = tuple(replace(each, absences=1) for each in many[::3])
        seen = tuple(each for number, each in enumerate(later) if number % 3)
        await store.commit(Commit(at=NOW + MINUTE, readings=seen, positions=missed), channels=())
        assert (await store.load()).positions == {each.key: each for each in (*seen, *missed)}
        last = [replace(each, last_seen=NOW + 2 * MINUTE) for each in many]
        await store.commit(Commit(at=NOW + 2 * MINUTE, readings=tuple(last)), channels=())
        assert (await store.load()).positions == {each.key: each for each in last}

    async def test_load_forgets_the_balance_that_was_free(self, store):
        await store.commit(Commit(at=NOW, families=(family(free={"USDT": D(412)}),)), channels=())
        assert (await store.load()).families[family().key] == family()

    async def test_closed_position_leaves_its_epoch_when_it_is_gone(self, store):
        await store.commit(Commit(at=NOW, positions=(memory(epoch=2),)), channels=())
        await store.commit(Commit(at=NOW, closed=(memory(epoch=2, absences=2),)), channels=())
        kept = await store.load()
        assert kept.positions == {}
        assert kept.epochs == {key(): 2}

    async def test_next_life_replaces_the_last_when_both_come_in_one_commit(self, store):
        first = memory()
        second = memory(position(opened="2"), epoch=2, first_seen=NOW)
        await store.commit(Commit(at=NOW, positions=(first,), readings=(first,)), channels=())
        await store.commit(Commit(at=NOW, closed=(first,), positions=(second,), readings=(second,)), channels=())
        kept = await store.load()
        assert kept.positions == {key(): second}
        assert kept.epochs == {key(): 2}

    async def test_ended_alert_is_gone_and_may_begin_anew_in_the_same_commit(self, store):
        other = alert("margin_usage")
        await store.commit(Commit(at=NOW, alerts=(alert(), other)), channels=())
        anew = alert(code="B3D4", since=NOW + SECOND)
        await store.commit(Commit(at=NOW, alerts=(anew,), alerts_ended=(alert(), other)), channels=())
        assert (await store.load()).alerts == {("cushion", anew.subject): anew}

    async def test_alerts_of_one_rule_are_kept_apart_when_their_subjects_differ(self, store):
        daemon = alert(about=Subject(SubjectKind.DAEMON))
        blind = alert(about=Subject(SubjectKind.FAMILY, "binance", "main", family="usdm"))
        await store.commit(Commit(at=NOW, alerts=(daemon, blind, alert())), channels=())
        assert set((await store.load()).alerts.values()) == {daemon, blind, alert()}

    async def test_broken_channel_is_remembered_until_it_works_again(self, store):
        broken = ChannelMemory(name="phone", broken_since=NOW, error="the service answered 401")
        mended = ChannelMemory(name="phone", broken_since=None)
        await store.commit(Commit(at=NOW, channels=(broken, ChannelMemory(name="mail", broken_since=NOW))), channels=())
        assert (await store.load()).channels["phone"] == broken
        await store.commit(Commit(at=NOW + SECOND, channels=(mended,)), channels=())
        kept = (await store.load()).channels
        assert kept["phone"] == mended
        assert kept["mail"].broken_since == NOW

    async def test_alerts_on_two_channels_are_kept_apart(self, store):
        both = {alert("channel_broken", about=channel_subject(name)) for name in ("phone", "mail")}
        await store.commit(Commit(at=NOW, alerts=tuple(both)), channels=())
        assert set((await store.load()).alerts.values()) == both

    async def test_key_is_remembered_as_last_read(self, store):
        bound = KeyFacts(exchange="bybit", account="main", rights=("read", "trade"), ip_bound=True, expires_at=NOW + MINUTE)
        first = KeyMemory(facts=bound, read_at=NOW)
        other = KeyMemory(facts=replace(bound, account="second", rights=(), ip_bound=None, expires_at=None), read_at=NOW)
        await store.commit(Commit(at=NOW, keys=(first, other)), channels=())
        assert (await store.load()).keys == {("bybit", "main"): first, ("bybit", "second"): other}
        later = KeyMemory(
            facts=replace(bound, rights=("read",), ip_bound=False), read_at=NOW + MINUTE, lost=("trade",), lost_at=NOW + MINUTE
        )
        await store.commit(Commit(at=NOW + MINUTE, keys=(later,)), channels=())
        assert (await store.load()).keys["bybit", "main"] == later

    async def test_foreign_text_that_no_encoding_takes_does_not_stop_a_commit(self, store):
        await store.commit(Commit(at=NOW, families=(family(error="odd \ud800 text"),)), channels=())
        assert (await store.load()).families[family().key].error.startswith("odd ")
