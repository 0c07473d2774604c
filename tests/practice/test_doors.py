"""Keys, signatures, times and limits: each exchange's own refusal, seen through the real client."""

from __future__ import annotations

import aiohttp
import ccxt.async_support as ccxt
import pytest

from monitor.practice import EngineSource, PracticeExchange, PracticeServer
from monitor.practice.call import Call
from monitor.practice.wire.binance_door import BinanceWire
from monitor.practice.wire.bybit_door import BybitWire
from monitor.practice.wire.okx_door import OkxWire
from monitor.practice.wire.route import Wire
from tests.practice.clients import client

WRONG = {
    "binance": {"apiKey": "-2015", "secret": "-1022", "fast": "-1021", "slow": "-1021", "expired": "-2015", "read_only": "-2015"},
    "bybit": {"apiKey": "10003", "secret": "10004", "fast": "10002", "slow": "10002", "expired": "33004", "read_only": "10005"},
    "okx": {
        "apiKey": "50111",
        "secret": "50113",
        "password": "50105",
        "fast": "50102",
        "slow": "50102",
        "expired": "50111",
        "read_only": "50120",
    },
}


async def read(made: ccxt.Exchange, *, write: bool = False) -> None:
    """One signed call."""
    match made.id:
        case "binance" if write:
            await made.fapiprivate_post_positionmargin({"symbol": "BTCUSDT", "amount": "1", "type": "1"})
        case "binance":
            await made.fapiprivatev3_get_positionrisk()
        case "bybit" if write:
            await made.private_post_v5_position_add_margin({"category": "linear", "symbol": "BTCUSDT", "margin": "1"})
        case "bybit":
            await made.private_get_v5_position_list({"category": "linear", "settleCoin": "USDT"})
        case _ if write:
            await made.private_post_account_position_margin_balance({"instId": "X", "posSide": "net", "type": "add", "amt": "1"})
        case _:
            await made.private_get_account_positions()


@pytest.mark.parametrize("name", WRONG)
async def test_wrong_credentials_and_clocks_get_the_exchange_code(name: str) -> None:
    engine = PracticeExchange()
    account = engine.add_account("main", name)
    keys = {"apiKey": account.api_key, "secret": account.secret, "password": account.passphrase}
    async with PracticeServer(EngineSource(engine)) as server, client(name, server.url, **keys) as made:
        await read(made)
        right_time = made.milliseconds
        for wrong, code in WRONG[name].items():
            shift = {"fast": 40_000, "slow": -40_000}.get(wrong, 0)
            account.key_expired, account.may_trade = wrong == "expired", wrong != "read_only"
            for field, value in keys.items():
                setattr(made, field, "another" if wrong == field else value)
            made.milliseconds = lambda shift=shift: right_time() + shift
            with pytest.raises(ccxt.BaseError, match=code):
                await read(made, write=wrong == "read_only")


def call(path: str, at: int, method: str = "GET") -> Call:
    return Call(method=method, path=path, raw_query="", body="", headers={}, remote="127.0.0.1", at=at)


def limited(wire: Wire, path: str, at: int, times: int) -> list[object]:
    """What the door says to each of ``times`` calls: None, or the status and body of its refusal."""
    engine = PracticeExchange()
    account = engine.add_account("main", wire.exchange)
    route = wire.routes["GET", path]
    refusals = [wire.limit(call(path, at), route, account)[0] for _ in range(times)]
    return [None if reply is None else (reply.status, reply.body) for reply in refusals]


def test_binance_weight_ends_in_429_then_in_a_ban() -> None:
    wire = BinanceWire()
    replies = limited(wire, "/fapi/v3/positionRisk", 60_000, 961)  # 5 a call: 480 calls are 2400
    assert replies[:480] == [None] * 480
    assert [reply[0] for reply in replies[480:] if isinstance(reply, tuple)] == [429] * 480 + [418]
    assert limited(wire, "/dapi/v1/positionRisk", 120_000, 1)[0] is not None  # banned for two minutes, on both sites
    assert limited(wire, "/fapi/v3/positionRisk", 180_001, 1) == [None]


def test_bybit_calls_of_a_second_end_in_10006() -> None:
    wire = BybitWire()
    replies = limited(wire, "/v5/position/list", 5_000, 51)
    assert replies[:50] == [None] * 50
    assert isinstance(replies[50], tuple)
    assert replies[50][1]["retCode"] == 10006
    assert limited(wire, "/v5/position/list", 6_000, 1) == [None]


def test_okx_calls_of_two_seconds_end_in_50011() -> None:
    wire = OkxWire()
    replies = limited(wire, "/api/v5/account/positions", 5_000, 11)
    assert replies[:10] == [None] * 10
    assert isinstance(replies[10], tuple)
    assert (replies[10][0], replies[10][1]["code"]) == (429, "50011")


@pytest.mark.parametrize(
    ("path", "header", "value"),
    [("/fapi/v1/time", "X-MBX-USED-WEIGHT-1M", "1"), ("/sapi/v1/account/apiRestrictions", "X-SAPI-USED-IP-WEIGHT-1M", "1")],
)
async def test_binance_tells_the_used_weight(path: str, header: str, value: str) -> None:
    async with PracticeServer(EngineSource(PracticeExchange())) as server, aiohttp.request("GET", server.url + path) as reply:
        assert reply.headers[header] == value


async def test_unknown_paths_are_not_found() -> None:
    async with (
        PracticeServer(EngineSource(PracticeExchange())) as server,
        aiohttp.request("GET", server.url + "/fapi/v1/x") as reply,
    ):
        assert reply.status == 404


@pytest.mark.parametrize("name", WRONG)
async def test_another_key_of_an_account_has_rights_of_its_own(name: str) -> None:
    engine = PracticeExchange()
    engine.add_account("main", name, may_trade=False)
    key = engine.add_key("main", "trade", may_withdraw=True)
    keys = {"apiKey": key.api_key, "secret": key.secret, "password": key.passphrase}
    async with PracticeServer(EngineSource(engine)) as server, client(name, server.url, **keys) as made:
        await read(made)
        # It may write: what is refused is that there is no position, not the key.
        with pytest.raises(ccxt.BaseError) as refused:
            await read(made, write=True)
        assert WRONG[name]["read_only"] not in str(refused.value)
        match name:
            case "binance":
                told = await made.sapi_get_account_apirestrictions()
                assert (told["enableFutures"], told["enableWithdrawals"], told["ipRestrict"]) == (True, True, True)
            case "bybit":
                told = (await made.private_get_v5_user_query_api())["result"]
                assert (told["readOnly"], told["permissions"]["Wallet"], told["ips"]) == (0, ["Withdraw"], ["127.0.0.1"])
            case _:
                told = (await made.private_get_account_config())["data"][0]
                assert (told["perm"], told["ip"]) == ("read_only,trade,withdraw", "127.0.0.1")
        made.apiKey = engine.account("main").api_key
        made.secret, made.password = engine.account("main").secret, engine.account("main").passphrase
        with pytest.raises(ccxt.BaseError, match=WRONG[name]["read_only"]):
            await read(made, write=True)
