"""Binance's account reader through the real ccxt class, against a loopback Binance."""

import asyncio
import json
from decimal import Decimal

import pytest

from monitor.errors import CallForbidden
from monitor.exchanges import family as family_module
from monitor.exchanges import load
from monitor.exchanges.pacing import Pacer
from monitor.margin.position import Contract, Side
from monitor.margin.reading import FamilyFailure, FamilyNotOpened, FamilySnapshot, Unguarded
from tests.exchanges.binance.rows import binance, replies, usdm_row
from tests.exchanges.loopback import CANARIES, HandClock, access, drip, hang, html, json_reply, reply, reset

USDM = "/fapi/v3/positionRisk"
COINM = "/dapi/v1/positionRisk"
REFUSED = json_reply({"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, status=401)


def reader_at(server, *, clock=None, pacer=None, **changes):
    clock = clock or HandClock()
    return load("binance").build(access(server, **changes), pacer or Pacer(clock), clock)


async def read(server, family="usdm", **changes):
    """One reading of a fresh account."""
    reader = reader_at(server, **changes)
    reading = await reader.fetch_family(family)
    await reader.close()
    return reading


async def settled(reader):
    """Let everything end that runs beside the polls."""
    while reader.session._tasks:
        await asyncio.gather(*reader.session._tasks, return_exceptions=True)


async def snapshot_of(server, family="usdm", **changes):
    reading = await read(server, family, **changes)
    assert isinstance(reading, FamilySnapshot), reading
    return reading


async def test_reader_finds_every_linear_position_with_all_its_terms():
    async with binance() as server:
        snapshot = await snapshot_of(server)
    found = {position.key.symbol: position for position in snapshot.positions}
    assert list(found) == ["BTC/USDT:USDT", "ETH/USDC:USDC", "BTC/USDT:USDT-260327"]
    assert [position.leverage for position in found.values()] == [10, 8, 5]
    assert [position.degraded for position in found.values()] == [()] * 3
    assert [len(position.tiers.tiers) for position in found.values() if position.tiers] == [3, 2, 2]
    assert [position.exchange_adds_margin for position in found.values()] == [False, True, False]
    assert snapshot.unguarded == (Unguarded(symbol="SOL/USDT:USDT", side=Side.LONG, mode="cross"),)
    assert snapshot.free == {"USDT": Decimal("412.5"), "USDC": Decimal(0)}


async def test_reader_finds_every_inverse_position_with_all_its_terms():
    async with binance() as server:
        snapshot = await snapshot_of(server, "coinm")
    assert [position.key.symbol for position in snapshot.positions] == ["BTC/USD:BTC", "ETH/USD:ETH-260327"]
    assert [position.instrument.contract_size for position in snapshot.positions] == [100, 10]
    assert [position.degraded for position in snapshot.positions] == [()] * 2
    assert snapshot.free == {"BTC": Decimal("0.0358")}


async def test_reader_finds_both_legs_in_hedge_mode():
    async with binance(fapi_v3_positionRisk=json_reply(replies("fapi_v3_positionRisk_hedge"))) as server:
        snapshot = await snapshot_of(server)
    assert [position.key.side for position in snapshot.positions] == [Side.LONG, Side.SHORT]


async def test_reader_reads_500_positions():
    rows = [usdm_row(symbol=f"C{number}USDT") for number in range(500)]
    async with binance(fapi_v3_positionRisk=json_reply(rows)) as server:
        assert len((await snapshot_of(server)).positions) == 500


@pytest.mark.parametrize("bad", [html(404), html(500), reply(""), json_reply({}), reset(), drip()], ids=range(6))
async def test_reader_still_reads_positions_when_everything_else_fails(bad, monkeypatch):
    monkeypatch.setattr(family_module, "_FIRST_PATIENCE", 0.1)
    monkeypatch.setattr(family_module, "_PATIENCE", 0.1)
    names = (
        "fapi_v1_symbolConfig",
        "fapi_v1_leverageBracket",
        "fapi_v1_exchangeInfo",
        "fapi_v3_balance",
        "fapi_v1_accountConfig",
    )
    async with binance(**dict.fromkeys(names, bad)) as server:
        snapshot = await snapshot_of(server)
    assert [position.key.symbol for position in snapshot.positions] == [
        "BTC/USDT:USDT",
        "ETH/USDC:USDC",
        "BTC/USDT:USDT-260327",
    ]
    assert {position.degraded for position in snapshot.positions} == {("no_tiers", "no_instrument", "leverage_inferred")}
    assert snapshot.unguarded == (Unguarded(symbol="SOL/USDT:USDT", side=Side.LONG, mode="cross"),)
    assert snapshot.free == {}


async def test_reader_degrades_only_the_symbol_that_is_unknown():
    rows = [usdm_row(), usdm_row(symbol="NEWUSDT")]
    async with binance(fapi_v3_positionRisk=json_reply(rows)) as server:
        known, new = (await snapshot_of(server)).positions
    assert (known.degraded, new.key.symbol) == ((), "NEW/USDT:USDT")
    assert new.degraded == ("no_tiers", "no_instrument", "leverage_inferred")


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (reply(""), "bad_reply"),
        (html(), "bad_reply"),
        (json_reply({}), "bad_reply"),
        (json_reply(None), "bad_reply"),
        (json_reply({"data": []}), "bad_reply"),
        (html(502), "exchange_down"),
        (html(418), "rate_limited"),
        (REFUSED, "auth_rejected"),
        (reset(), "unreachable"),
        (json_reply([usdm_row(markPrice="0"), usdm_row(symbol="ETHUSDT", markPrice="0")]), "bad_reading"),
        (json_reply([usdm_row(), usdm_row()]), "bad_reading"),
        (json_reply([usdm_row(symbol=["x"])]), "bad_reply"),
    ],
)
async def test_reading_fails_as_a_whole_and_says_why(answer, cause):
    async with binance(fapi_v3_positionRisk=answer) as server:
        failure = await read(server)
    assert isinstance(failure, FamilyFailure)
    assert failure.cause == cause
    assert failure.message
    assert (failure.until is not None) is (cause == "rate_limited")
    assert not any(canary in repr(failure) for canary in CANARIES)


async def test_reading_fails_by_name_when_no_row_can_be_true():
    async with binance(fapi_v3_positionRisk=json_reply([usdm_row(symbol="ETHUSDT", markPrice="-1")])) as server:
        failure = await read(server)
    assert failure.message == "ETHUSDT: a price of -1 cannot be true"


async def test_reading_goes_on_and_tells_of_the_row_when_one_cannot_be_true():
    rows = [usdm_row(), usdm_row(symbol="ETHUSDT", markPrice="-1")]
    async with binance(fapi_v3_positionRisk=json_reply(rows)) as server:
        snapshot = await snapshot_of(server)
    assert [one.key.symbol for one in snapshot.positions] == ["BTC/USDT:USDT"]
    (told,) = snapshot.unguarded
    assert (told.symbol, told.mode, told.why) == ("ETHUSDT", "unreadable", "a price of -1 cannot be true")


@pytest.mark.parametrize("odd", [{"marginType": 5}, {"isolatedWallet": [], "isolatedMargin": {}}, {"updateTime": {}}])
async def test_reading_goes_on_when_one_row_has_another_shape(odd):
    async with binance(fapi_v3_positionRisk=json_reply([usdm_row(), usdm_row(symbol="ETHUSDT") | odd])) as server:
        snapshot = await snapshot_of(server)
    assert [one.key.symbol for one in snapshot.positions] == ["BTC/USDT:USDT"]
    (told,) = snapshot.unguarded
    assert (told.symbol, told.mode) == ("ETHUSDT", "unreadable")
    assert told.why.startswith("its row has not the expected shape")


async def test_coinm_is_read_with_the_known_contract_sizes_when_nothing_tells_them():
    rows = [row | {"notionalValue": ""} for row in replies("dapi_v1_positionRisk")]
    async with binance(dapi_v1_positionRisk=json_reply(rows), dapi_v1_exchangeInfo=html(404)) as server:
        snapshot = await snapshot_of(server, "coinm")
    assert [one.instrument.contract_size for one in snapshot.positions] == [100, 10]
    assert all("contract_size_inferred" in one.degraded for one in snapshot.positions)


@pytest.mark.parametrize("answer", [hang(), drip()], ids=["hang", "drip"])
async def test_reading_times_out_when_positions_do_not_come(answer, monkeypatch):
    monkeypatch.setattr(family_module, "FIRST_SECONDS", 0.2)
    async with binance(fapi_v3_positionRisk=answer) as server:
        failure = await read(server)
    assert failure.cause == "timed_out"


async def test_one_family_is_read_while_the_other_fails():
    async with binance(dapi_v1_positionRisk=html(503)) as server:
        reader = reader_at(server)
        usdm, coinm = await asyncio.gather(*(reader.fetch_family(name) for name in reader.families))
        await reader.close()
    assert isinstance(usdm, FamilySnapshot)
    assert isinstance(coinm, FamilyFailure)


async def test_coinm_is_not_opened_when_it_refuses_a_key_that_works_on_usdm():
    async with binance(dapi_v1_positionRisk=REFUSED) as server:
        assert isinstance(await read(server, "coinm"), FamilyNotOpened)
        assert isinstance(await read(server, "coinm", contracts=frozenset({Contract.INVERSE})), FamilyNotOpened)


async def test_coinm_is_a_failure_when_the_key_is_refused_everywhere():
    async with binance(dapi_v1_positionRisk=REFUSED, fapi_v3_positionRisk=REFUSED) as server:
        failure = await read(server, "coinm")
    assert isinstance(failure, FamilyFailure)
    assert failure.cause == "auth_rejected"
    assert "IP" in failure.hint


async def test_coinm_is_a_failure_when_it_was_read_before():
    answers = [json_reply(replies("dapi_v1_positionRisk")), REFUSED]
    async with binance(dapi_v1_positionRisk=answers) as server:
        reader = reader_at(server)
        assert isinstance(await reader.fetch_family("coinm"), FamilySnapshot)
        assert isinstance(await reader.fetch_family("coinm"), FamilyFailure)
        await reader.close()


async def test_reader_watches_only_the_families_of_its_contracts():
    async with binance() as server:
        reader = reader_at(server, contracts=frozenset({Contract.LINEAR}))
        assert reader.families == ("usdm",)
        lines = await reader.inspect()
        await reader.close()
        assert server.count(COINM) == 0
    assert [line.text for line in lines if line.topic == "coinm"] == [
        "inverse contracts are not watched: left out by `contracts`"
    ]


async def test_polls_ask_only_for_positions_once_the_terms_are_here():
    async with binance() as server:
        server.answers |= dict.fromkeys(("/fapi/v1/openAlgoOrders", "/fapi/v1/openOrders"), json_reply([]))
        clock = HandClock()
        reader = reader_at(server, clock=clock)
        await reader.fetch_family("usdm")
        server.asked.clear()
        for _ in range(3):
            clock.advance(2)
            await reader.fetch_family("usdm")
        await settled(reader)
        await reader.close()
        # Polled every 2 s the account is near: its balance is read again when it is 5 s old, with the third poll; the orders of
        # its three guarded symbols once, for they are not 30 s old.
        orders = ["/fapi/v1/openAlgoOrders", "/fapi/v1/openOrders"] * 3
        assert sorted(server.paths) == sorted([USDM, USDM, USDM, "/fapi/v3/balance", *orders])


async def test_settings_are_read_again_when_an_empty_wallet_does_not_tell_the_mode():
    # The position with an empty wallet is cross now; the settings of the first poll said isolated.
    empty = usdm_row(isolatedWallet="0", isolatedMargin="0")
    crossed = [row | {"marginType": "CROSSED"} for row in replies("fapi_v1_symbolConfig")]
    async with binance(
        fapi_v3_positionRisk=[json_reply([usdm_row()]), json_reply([empty])],
        fapi_v1_symbolConfig=[json_reply(replies("fapi_v1_symbolConfig")), json_reply(crossed)],
    ) as server:
        clock = HandClock()
        reader = reader_at(server, clock=clock)
        first = await reader.fetch_family("usdm")
        clock.advance(2)
        second = await reader.fetch_family("usdm")
        await reader.close()
    assert len(first.positions) == 1
    assert second.positions == ()
    assert [unguarded.symbol for unguarded in second.unguarded] == ["BTC/USDT:USDT"]


async def test_leverage_that_a_row_contradicts_is_read_again_in_the_same_poll_and_once_only():
    moved = usdm_row(positionInitialMargin=str(Decimal(usdm_row()["notional"]) / 25))
    settings = replies("fapi_v1_symbolConfig")
    other = [row | {"leverage": 25} for row in settings]
    async with binance(
        fapi_v3_positionRisk=[json_reply([usdm_row()]), json_reply([moved])],
        fapi_v1_symbolConfig=[json_reply(settings), json_reply(other)],
    ) as server:
        clock = HandClock()
        reader = reader_at(server, clock=clock)
        seen = []
        for _ in range(4):
            (position,) = (await reader.fetch_family("usdm")).positions
            seen.append(position.leverage)
            clock.advance(2)
        await reader.close()
        assert seen[1:] == [Decimal(25)] * 3
        assert seen[0] != 25
        assert server.count("/fapi/v1/symbolConfig") == 2


@pytest.mark.parametrize("margin", ["1e-40", "odd", None, {}])
async def test_row_whose_margin_makes_no_sense_blinds_nobody_else(margin):
    async with binance(fapi_v3_positionRisk=json_reply([usdm_row(positionInitialMargin=margin)])) as server:
        snapshot = await snapshot_of(server)
    assert isinstance(snapshot, FamilySnapshot)
    assert [position.leverage for position in snapshot.positions] == [10]  # its setting


async def test_row_that_always_contradicts_its_setting_costs_one_call_and_the_setting_counts():
    odd = usdm_row(positionInitialMargin=str(Decimal(usdm_row()["notional"]) / 3))
    async with binance(fapi_v3_positionRisk=[json_reply([usdm_row()]), json_reply([odd])]) as server:
        clock = HandClock()
        reader = reader_at(server, clock=clock)
        for _ in range(5):
            (position,) = (await reader.fetch_family("usdm")).positions
            clock.advance(2)
        await reader.close()
        assert position.leverage != 3
        assert server.count("/fapi/v1/symbolConfig") == 2


async def test_isolated_position_with_an_empty_wallet_stays_guarded():
    empty = usdm_row(isolatedWallet="0", isolatedMargin="0.00000000", unRealizedProfit="0")
    async with binance(fapi_v3_positionRisk=json_reply([empty])) as server:
        snapshot = await snapshot_of(server)
    assert [position.isolated_margin for position in snapshot.positions] == [0]


async def test_tiers_are_read_again_when_asked_but_not_twice_within_ten_minutes():
    async with binance() as server:
        clock = HandClock()
        reader = reader_at(server, clock=clock)
        await reader.fetch_family("usdm")
        for _ in range(4):
            reader.refresh_terms(["BTCUSDT"])
            await reader.fetch_family("usdm")
            clock.advance(190)
        await settled(reader)
        await reader.close()
        assert server.count("/fapi/v1/leverageBracket") == 2


async def test_tiers_that_changed_are_used_after_they_were_read_again():
    harder = json.loads(json.dumps(replies("fapi_v1_leverageBracket")).replace('"0.004"', '"0.008"'))
    async with binance(fapi_v1_leverageBracket=[json_reply(replies("fapi_v1_leverageBracket")), json_reply(harder)]) as server:
        reader = reader_at(server)
        await reader.fetch_family("usdm")
        reader.refresh_terms(["BTCUSDT"])
        await reader.fetch_family("usdm")
        await settled(reader)
        snapshot = await reader.fetch_family("usdm")
        await reader.close()
    assert snapshot.positions[0].tiers.tiers[0].rate == Decimal("0.008")


async def test_a_slow_balance_never_delays_a_poll(monkeypatch):
    monkeypatch.setattr(family_module, "_PATIENCE", 0.05)
    monkeypatch.setattr(family_module, "FIRST_SECONDS", 2.0)
    async with binance(fapi_v3_balance=hang()) as server:
        snapshot = await snapshot_of(server)
    assert [position.degraded for position in snapshot.positions] == [()] * 3
    assert snapshot.free == {}


async def test_inspection_tells_connection_modes_and_what_is_not_guarded():
    async with binance() as server:
        server.answers["/fapi/v1/time"] = json_reply({"serverTime": 1763812800000})
        reader = reader_at(server)
        lines = await reader.inspect()
        await reader.close()
    told = {(line.topic, line.status, line.text) for line in lines}
    assert ("position mode", "ok", "one-way") in told
    assert ("assets mode", "ok", "single-asset") in told
    assert ("usdm", "ok", "3 isolated positions guarded") in told
    assert ("usdm", "warn", "NOT guarded: SOL/USDT:USDT long (cross)") in told
    assert ("usdm", "warn", "ETH/USDC:USDC short: the exchange adds margin by itself") in told
    assert ("coinm", "ok", "maintenance tiers read for 2 of 2 positions") in told
    assert {topic for topic, _, _ in told} >= {"connection", "clock"}


@pytest.mark.parametrize(
    ("missing", "topic", "text"),
    [
        ("/fapi/v1/time", "clock", "not known: the exchange answered 404 (/fapi/v1/time)"),
        ("/fapi/v1/accountConfig", "account", "not known: the exchange answered 404 (/fapi/v1/accountConfig)"),
    ],
)
async def test_inspection_only_warns_when_what_is_not_essential_is_missing(missing, topic, text):
    async with binance() as server:
        server.answers["/fapi/v1/time"] = json_reply({"serverTime": 1763812800000})
        server.answers[missing] = html(404)
        reader = reader_at(server)
        lines = await reader.inspect()
        await reader.close()
    assert [(line.status, line.text) for line in lines if line.topic == topic] == [("warn", text)]
    assert ("connection", "ok") in {(line.topic, line.status) for line in lines}
    assert "fail" not in {line.status for line in lines}


async def test_inspection_fails_when_nothing_answers():
    async with binance() as server:
        server.answers.clear()
        reader = reader_at(server)
        lines = await reader.inspect()
        await reader.close()
    assert {line.topic for line in lines if line.status == "fail"} == {"connection", "usdm", "coinm"}


async def test_inspection_says_in_words_what_was_missing_and_counts_one_position_as_one():
    async with binance(fapi_v3_positionRisk=json_reply([usdm_row()]), fapi_v1_leverageBracket=html(404)) as server:
        reader = reader_at(server, contracts=frozenset({Contract.LINEAR}))
        lines = await reader.inspect()
        await reader.close()
    told = [line.text for line in lines if line.topic == "usdm"]
    assert told[0] == "1 isolated position guarded"
    assert told[1].endswith(": the maintenance tiers could not be read, so a worst-case rate stands in")
    assert told[2] == "maintenance tiers read for 0 of 1 position"


async def test_inspection_warns_when_multi_assets_mode_makes_isolated_impossible():
    config = replies("fapi_v1_accountConfig") | {"multiAssetsMargin": True}
    async with binance(fapi_v1_accountConfig=json_reply(config)) as server:
        reader = reader_at(server)
        lines = await reader.inspect()
        await reader.close()
    assert [line.status for line in lines if line.topic == "assets mode"] == ["warn"]


async def test_reader_closes_within_a_second_when_everything_hangs():
    async with binance(fapi_v3_positionRisk=hang(), fapi_v3_balance=hang()) as server:
        reader = reader_at(server)
        poll = asyncio.ensure_future(reader.fetch_family("usdm"))
        await server.seen(USDM, 1)
        async with asyncio.timeout(1):
            await reader.close()
        poll.cancel()
        await asyncio.gather(poll, return_exceptions=True)


async def test_reader_asks_for_nothing_but_reads_on_its_list():
    async with binance() as server:
        reader = reader_at(server)
        for name in reader.families:
            await reader.fetch_family(name)
        await reader.inspect()
        with pytest.raises(CallForbidden):
            await reader.session.call("fapiPrivatePostPositionMargin", {"symbol": "BTCUSDT", "amount": "1", "type": 1})
        await reader.close()
    assert {asked.method for asked in server.asked} == {"GET"}


def test_binance_folder_is_found_and_brings_no_ccxt_until_it_builds():
    import subprocess
    import sys

    code = (
        "import sys; from monitor.exchanges import load, names; spec = load('binance'); "
        "assert 'binance' in names() and 'ccxt' not in sys.modules; "
        "assert spec.families_for({'inverse'}) == ('coinm',)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
