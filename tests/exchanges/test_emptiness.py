"""An empty list of positions is believed only when the balance has their margin back."""

from decimal import Decimal
from typing import Any

from monitor.exchanges import load
from monitor.exchanges.binance.parse import parse_held as binance_held
from monitor.exchanges.bybit.terms import parse_held as bybit_held
from monitor.exchanges.emptiness import still_held
from monitor.exchanges.okx.terms import parse_held as okx_held
from monitor.exchanges.pacing import Pacer
from monitor.margin.reading import FamilyFailure, FamilyReading, FamilySnapshot
from tests.exchanges.binance.rows import binance, usdm_row
from tests.exchanges.loopback import HandClock, access, html, json_reply

USDM, BALANCE = "/fapi/v3/positionRisk", "/fapi/v3/balance"


def balance(whole: str, cross: str) -> Any:
    row = {"asset": "USDT", "balance": whole, "crossWalletBalance": cross, "availableBalance": cross}
    return json_reply([row])


async def readings(*steps: dict[str, Any]) -> list[FamilyReading]:
    """The family usdm read once, 3,100.5 USDT behind its one position, and again after each change of answers, 10 s apart."""
    first = {USDM: json_reply([usdm_row()]), BALANCE: balance("3500.5", "400")}
    async with binance() as server:
        clock = HandClock()
        reader = load("binance").build(access(server), Pacer(clock), clock)
        seen = []
        for answers in (first, *steps):
            server.answers |= answers
            seen.append(await reader.fetch_family("usdm"))
            clock.advance(10)
        await reader.close()
    return seen


async def test_an_empty_list_is_refused_while_the_balance_still_holds_the_margin():
    _, empty, again, back = await readings({USDM: json_reply([])}, {}, {USDM: json_reply([usdm_row()])})
    assert isinstance(empty, FamilyFailure)
    assert empty.cause == "bad_reading"
    assert empty.message == "the list of positions is empty, but the balance still shows 3100.5 USDT behind them"
    assert isinstance(again, FamilyFailure)
    assert isinstance(back, FamilySnapshot)


async def test_an_empty_list_is_believed_when_the_margin_went_back():
    _, closed, after = await readings({USDM: json_reply([]), BALANCE: balance("3500.5", "3500.5")}, {BALANCE: balance("9", "0")})
    assert isinstance(closed, FamilySnapshot)
    assert closed.positions == ()
    assert isinstance(after, FamilySnapshot), "what is gone for good is not looked for again"


async def test_an_empty_list_is_believed_when_the_balance_cannot_be_read():
    _, unsure, sure = await readings({USDM: json_reply([]), BALANCE: html(500)}, {BALANCE: balance("3500.5", "400")})
    assert isinstance(unsure, FamilySnapshot)
    assert isinstance(sure, FamilySnapshot), "a failed balance is not asked again within 30 s"


async def test_an_account_without_positions_is_not_doubted():
    async with binance(fapi_v3_positionRisk=json_reply([]), fapi_v3_balance=balance("3500.5", "400")) as server:
        clock = HandClock()
        reader = load("binance").build(access(server), Pacer(clock), clock)
        reading = await reader.fetch_family("usdm")
        await reader.close()
    assert isinstance(reading, FamilySnapshot)


def test_a_remainder_is_not_the_margin():
    lost = {"USDT": Decimal(1000), "USDC": Decimal(0)}
    assert still_held(lost, {"USDT": Decimal("499.99"), "USDC": Decimal(5)}) == ""
    assert still_held(lost, {"USDT": Decimal(500)}) == "500 USDT"
    assert still_held(lost, {}) == ""


def test_each_exchange_tells_what_lies_behind_isolated_positions():
    wallet = [{"asset": "USDT", "balance": "10", "crossWalletBalance": "4"}, {"asset": "OLD", "availableBalance": "1"}]
    assert binance_held(wallet, str.upper) == {"USDT": Decimal(6)}
    assert bybit_held([{"coin": [{"coin": "USDT", "totalPositionIM": "6"}, {"coin": "BTC", "totalPositionIM": ""}]}]) == {
        "USDT": Decimal(6),
        "BTC": Decimal(0),
    }
    # equity 5 of isolated positions, of which -1 is unrealised loss: 6 were put behind them
    assert okx_held([{"details": [{"ccy": "USDT", "isoEq": "5", "isoUpl": "-1"}, {"ccy": "BTC", "isoEq": "x"}]}]) == {
        "USDT": Decimal(6)
    }
