"""OKX's client through the real ccxt class over loopback: one call for everything, terms that may be missing."""

from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.exchanges.okx import client
from monitor.exchanges.okx.dialect import DIALECT
from monitor.margin.position import Contract, Side
from tests.exchanges.loopback import NOT_FOUND, html, json_reply
from tests.exchanges.okx.rows import envelope, instrument_row, position_row
from tests.exchanges.okx.served import (
    BALANCE,
    CONFIG,
    FEES,
    INSTRUMENTS,
    POSITIONS,
    TIERS,
    TIME,
    good_answers,
    inverse_row,
    served,
)


@pytest.fixture(autouse=True)
def _no_gaps(monkeypatch):
    monkeypatch.setattr(client, "DIALECT", replace(DIALECT, gap=0.0))


async def test_family_is_read_whole_with_its_terms():
    async with served(good_answers(position_row(), inverse_row())) as at:
        snapshot = await at.snapshot()
        linear, inverse = snapshot.positions
        assert (linear.key.symbol, inverse.key.symbol) == ("BTC/USDT:USDT", "BTC/USD:BTC")
        assert (linear.key.exchange, linear.key.account) == ("okx", "main")
        assert (linear.instrument.contract_size, inverse.instrument.contract_size) == (Decimal("0.001"), Decimal(100))
        assert (linear.taker_fee_rate, inverse.taker_fee_rate) == (Decimal("0.0005"), Decimal("0.0005"))
        assert linear.tiers is not None
        assert inverse.tiers is not None
        assert linear.degraded == inverse.degraded == ()
        assert snapshot.free == {"USDT": Decimal("94.4")}
        assert at.server.count(POSITIONS) == 1
        assert at.server.count(FEES) == 0


async def test_positions_are_asked_for_without_names():
    async with served(good_answers()) as at:
        await at.snapshot()
        assert [one.query for one in at.server.asked if one.path == POSITIONS] == [{}]


async def test_tiers_are_asked_as_isolated_and_by_family():
    future = position_row(instType="FUTURES", instId="BTC-USD_UM_XPERP-310404", ccy="USD", posSide="short")
    row = instrument_row(
        "BTC-USD_UM_XPERP-310404", uly="BTC-USD", instFamily="BTC-USD_UM_XPERP", settleCcy="USD", ctType="linear",
        expTime="1933056000000",
    )  # fmt: skip
    answers = good_answers(position_row(), inverse_row(), future)
    answers[INSTRUMENTS] = json_reply(envelope([instrument_row(), instrument_row("BTC-USD-SWAP"), row]))
    async with served(answers) as at:
        assert (await at.snapshot()).positions[2].key.symbol == "BTC/USD:USD-310404"
        assert [one.query for one in at.server.asked if one.path == TIERS] == [
            {"instType": "FUTURES", "tdMode": "isolated", "instFamily": "BTC-USD_UM_XPERP"},
            {"instType": "SWAP", "tdMode": "isolated", "instFamily": "BTC-USD,BTC-USDT"},
        ]


async def test_tiers_come_five_families_a_call_when_many_are_held():
    rows = [position_row(instId=f"C{number}-USDT-SWAP") for number in range(12)]
    async with served(good_answers(*rows)) as at:
        assert len((await at.snapshot()).positions) == 12
        asked = [one.query["instFamily"].count(",") + 1 for one in at.server.asked if one.path == TIERS]
        assert asked == [5, 5, 2]
        assert [one.query for one in at.server.asked if one.path == INSTRUMENTS] == [{"instType": "SWAP"}]


async def test_both_legs_are_read_when_hedged():
    async with served(good_answers(position_row(posSide="long"), position_row(posSide="short"))) as at:
        assert [(one.key.side, one.hedged) for one in (await at.snapshot()).positions] == [(Side.LONG, True), (Side.SHORT, True)]


async def test_position_is_told_as_cross_when_it_is_no_longer_isolated():
    async with served(good_answers(position_row())) as at:
        assert len((await at.snapshot()).positions) == 1
        at.server.answers[POSITIONS] = json_reply(envelope([position_row(mgnMode="cross", margin="")]))
        snapshot = await at.snapshot()
        assert (snapshot.positions, [one.mode for one in snapshot.unguarded]) == ((), ["cross"])


async def test_only_wanted_contracts_are_read():
    async with served(good_answers(position_row(), inverse_row()), contracts=frozenset({Contract.INVERSE})) as at:
        snapshot = await at.snapshot()
        lines = [(line.topic, line.status, line.text) for line in await at.exchange.inspect()]
    assert [one.key.symbol for one in snapshot.positions] == ["BTC/USD:BTC"]
    assert [(one.symbol, one.mode) for one in snapshot.unguarded] == [("BTC/USDT:USDT", "left out by config")]
    assert ("okx", "warn", "NOT guarded: BTC/USDT:USDT long (left out by config)") in lines
    assert ("okx", "ok", "linear contracts are not watched: left out by `contracts`") in lines


@pytest.mark.parametrize("missing", [INSTRUMENTS, TIERS, FEES, BALANCE, CONFIG, TIME])
async def test_position_is_read_when_anything_else_is_missing(missing):
    marks = {INSTRUMENTS: ("contract_size_inferred",), TIERS: ("no_tiers",)}
    async with served(good_answers(position_row(), inverse_row()) | {missing: NOT_FOUND}) as at:
        snapshot = await at.snapshot()
        for position, symbol, size in zip(snapshot.positions, ("BTC/USDT:USDT", "BTC/USD:BTC"), ("0.001", "100"), strict=True):
            assert position.key.symbol == symbol
            assert position.instrument.contract_size == Decimal(size)
            assert position.degraded == marks.get(missing, ())
        assert bool(snapshot.free) == (missing != BALANCE)


@pytest.mark.parametrize("answer", [json_reply({}), json_reply(envelope({})), json_reply(envelope([7])), html()])
async def test_position_is_read_when_everything_else_is_nonsense(answer):
    answers = dict.fromkeys((INSTRUMENTS, TIERS, FEES, BALANCE, CONFIG, TIME), answer)
    async with served(good_answers(position_row()) | answers) as at:
        (position,) = (await at.snapshot()).positions
        assert position.degraded == ("contract_size_inferred", "no_tiers")


async def test_fee_is_the_accounts_when_the_rows_do_not_tell():
    async with served(good_answers(position_row(mgnRatio=""), inverse_row(mgnRatio=""))) as at:
        linear, inverse = (await at.snapshot()).positions
        assert (linear.taker_fee_rate, inverse.taker_fee_rate) == (Decimal("0.0003"), Decimal("0.0004"))
        assert linear.degraded == inverse.degraded == ()


async def test_fee_is_assumed_and_marked_when_nobody_tells():
    async with served(good_answers(position_row(mgnRatio="")) | {FEES: NOT_FOUND}) as at:
        (position,) = (await at.snapshot()).positions
        assert (position.taker_fee_rate, position.degraded) == (Decimal("0.0005"), ("fee_assumed",))


async def test_one_unknown_instrument_degrades_only_its_own_position():
    async with served(good_answers(position_row(), position_row(instId="NEW-USDT-SWAP"))) as at:
        known, new = (await at.snapshot()).positions
        assert known.degraded == ()
        assert new.key.symbol == "NEW/USDT:USDT"
        assert new.degraded == ("contract_size_inferred", "no_tiers")


async def test_inferred_size_stays_when_the_dollar_moves():
    rows = [position_row(instId="NEW-USDT-SWAP", notionalUsd=notional) for notional in ("995.9", "935.1")]
    answers = good_answers() | {POSITIONS: [json_reply(envelope([row])) for row in rows], INSTRUMENTS: NOT_FOUND}
    async with served(answers) as at:
        sizes = [(await at.snapshot()).positions[0].instrument.contract_size for _ in range(2)]
        assert sizes == [Decimal("0.001"), Decimal("0.001")]


async def test_tiers_are_read_again_when_asked_for():
    async with served(good_answers(position_row())) as at:
        await at.snapshot()
        at.exchange.refresh_terms(["BTC-USDT-SWAP"])
        await at.snapshot()
        await at.snapshot()
        assert at.server.count(TIERS) == 2
