"""An empty list of positions is believed only when the balance has their margin back."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from monitor.errors import BadReading
from monitor.exchanges import family as family_module
from monitor.exchanges import load
from monitor.exchanges.binance.parse import parse_held as binance_held
from monitor.exchanges.bybit.terms import parse_held as bybit_held
from monitor.exchanges.emptiness import Balances, Doubt
from monitor.exchanges.okx.terms import parse_held as okx_held
from monitor.exchanges.pacing import Pacer
from monitor.margin.reading import FamilyFailure, FamilyReading, FamilySnapshot
from tests.builders import position
from tests.exchanges.binance.rows import binance, usdm_row
from tests.exchanges.loopback import HandClock, access, hang, html, json_reply
from tests.exchanges.okx.rows import envelope, position_row
from tests.exchanges.okx.served import BALANCE as OKX_BALANCE
from tests.exchanges.okx.served import POSITIONS, good_answers, served

SILENT = "the list of positions is empty, and no balance tells whether their margin came back"
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


async def test_an_empty_list_is_not_believed_because_the_balance_cannot_be_read():
    # 10 s apart: 60 s after the first empty list, at the seventh, time alone has made it true
    empty = {USDM: json_reply([]), BALANCE: html(500)}
    _, *seen, last = await readings(empty, {}, {}, {}, {}, {}, {})
    assert [reading.message for reading in seen if isinstance(reading, FamilyFailure)] == [SILENT] * 6
    assert isinstance(last, FamilySnapshot)


async def test_a_balance_that_comes_late_settles_what_an_unreadable_one_could_not():
    _, unsure, sure = await readings({USDM: json_reply([]), BALANCE: html(500)}, {BALANCE: balance("3500.5", "400")})
    assert isinstance(unsure, FamilyFailure)
    assert isinstance(sure, FamilyFailure)
    assert "3100.5 USDT" in sure.message


async def test_a_balance_without_an_answer_makes_no_empty_list_true(monkeypatch):
    monkeypatch.setattr(family_module, "_DOUBT_PATIENCE", 0.05)
    _, unsure = await readings({USDM: json_reply([]), BALANCE: hang()})
    assert isinstance(unsure, FamilyFailure)
    assert unsure.message == SILENT


@pytest.mark.timeout(10)
async def test_the_balance_that_settles_a_doubt_waits_for_nothing_that_can_wait():
    answers = good_answers(position_row(margin="1000"))
    answers[OKX_BALANCE] = json_reply(envelope([{"details": [{"ccy": "USDT", "isoEq": "1000", "isoUpl": "0"}]}]))
    async with served(answers) as at:
        await at.snapshot()
        await at.settled()
        at.server.answers[POSITIONS] = json_reply(envelope([]))
        async with at.exchange.session._turn:  # type: ignore[attr-defined]  # calls that can wait stand in line
            at.clock.advance(1)
            assert "the balance still shows 1000 USDT" in (await at.failure()).message


async def test_the_first_list_after_a_restart_answers_for_what_was_open_before():
    async with binance(fapi_v3_positionRisk=json_reply([]), fapi_v3_balance=balance("3500.5", "400")) as server:
        clock = HandClock()
        reader = load("binance").build(access(server), Pacer(clock), clock)
        was_open = position("100")
        reader.expect([replace(was_open, family="usdm"), replace(was_open, family="coinm")])
        reading = await reader.fetch_family("usdm")
        await reader.close()
    assert isinstance(reading, FamilyFailure)
    assert "3100.5 USDT" in reading.message


async def test_the_balance_is_asked_once_a_second_while_a_list_is_in_doubt():
    async with binance(fapi_v3_positionRisk=json_reply([usdm_row()]), fapi_v3_balance=balance("3500.5", "400")) as server:
        clock = HandClock()
        reader = load("binance").build(access(server), Pacer(clock), clock)
        await reader.fetch_family("usdm")
        server.answers[USDM] = json_reply([])
        asked = server.count(BALANCE)
        for _ in range(10):  # 0.2 s apart: in doubt at 0.0 .. 1.8 s, asked at 0 and 1 s
            assert isinstance(await reader.fetch_family("usdm"), FamilyFailure)
            clock.advance(0.2)
        await reader.close()
    assert server.count(BALANCE) - asked == 2


async def test_an_account_without_positions_is_not_doubted():
    async with binance(fapi_v3_positionRisk=json_reply([]), fapi_v3_balance=balance("3500.5", "400")) as server:
        clock = HandClock()
        reader = load("binance").build(access(server), Pacer(clock), clock)
        reading = await reader.fetch_family("usdm")
        await reader.close()
    assert isinstance(reading, FamilySnapshot)


def held(**amounts: str) -> Balances:
    return Balances(free={}, held={coin: Decimal(amount) for coin, amount in amounts.items()})


def doubt_of(margin: str, before: Balances | None = None) -> Doubt:
    """``margin`` USDT were behind a position when it was last seen."""
    doubt = Doubt()
    doubt.remember([replace(position("100"), isolated_margin=Decimal(margin))], before)
    return doubt


def told(work: Callable[[], str]) -> str:
    """What was raised, or returned."""
    try:
        return work()
    except BadReading as error:
        return error.message


@pytest.mark.parametrize(
    ("before", "now", "believed"),
    [
        (None, held(USDT="499.99", USDC="5"), True),
        (None, held(USDT="500"), False),
        # 300 lay there beside the 1,000: another product's, and it still does
        (held(USDT="1300"), held(USDT="300"), True),
        (held(USDT="1300"), held(USDT="799.99"), True),
        (held(USDT="1300"), held(USDT="1300"), False),
        # 800 were counted before 200 were added
        (held(USDT="800"), held(USDT="1000"), False),
    ],
)
def test_an_empty_list_is_true_when_half_of_the_margin_went_back(before, now, believed):
    doubt = doubt_of("1000", before)
    doubt.begin(0.0)
    assert (told(lambda: doubt.settle(now, 0.0, readable=True)) == "") is believed
    assert (doubt.margins == {}) is believed


@pytest.mark.parametrize(
    ("balances", "readable", "lists"),
    [
        (None, False, 6),  # 5 s without a word
        (held(USDC="9"), True, 6),  # the currency is not named any more: perhaps all of it is gone
        (None, True, 61),
    ],
)
def test_a_balance_that_tells_nothing_makes_an_empty_list_last_before_it_is_true(balances, readable, lists):
    doubt = doubt_of("1000")
    seen: list[Any] = []
    while doubt.margins:  # a list a second
        doubt.begin(float(len(seen)))
        seen.append(told(lambda: doubt.settle(balances, float(len(seen)), readable=readable)))
    assert seen == [SILENT] * (lists - 1) + [""]


def test_a_gap_between_two_empty_lists_is_no_agreement():
    doubt = doubt_of("1000")
    for at in (0.0, 3600.0):
        doubt.begin(at)
        assert told(lambda: doubt.settle(None, at, readable=False)) == SILENT  # noqa: B023 - called at once
    doubt.begin(3601.0)
    assert doubt.settle(None, 3601.0, readable=False) == ""


def test_a_list_with_positions_ends_the_doubt():
    doubt = doubt_of("1000")
    for at in (0.0, 4.0):
        doubt.begin(at)
        assert told(lambda: doubt.settle(None, at, readable=False)) == SILENT  # noqa: B023 - called at once
    doubt.remember([position("100")])
    assert doubt.begin(9.0) == 9.0


def test_a_balance_that_never_falls_blinds_nobody_for_ever():
    doubt = doubt_of("1000")
    for at in (0.0, 300.0, 599.0):
        doubt.begin(at)
        assert "still shows 1000 USDT" in told(lambda: doubt.settle(held(USDT="1000"), at, readable=True))  # noqa: B023
    doubt.begin(600.0)
    assert doubt.settle(held(USDT="1000"), 600.0, readable=True) == (
        "the list of positions has been empty for 10 min while the balance still shows 1000 USDT behind them"
    )
    assert doubt.margins == {}


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
