"""What counts as a breach that the daemon must tell."""

from decimal import Decimal

import pytest

from monitor.demo.market import Market
from monitor.demo.script import script
from monitor.demo.urgency import CountedSource, Watch, is_urgent
from monitor.practice import Call, build
from monitor.practice.world import DEMO

D = Decimal


@pytest.mark.parametrize(
    ("mark", "urgent"),
    [
        # alpha's long: liquidation at 109,753.5; 0.5 x 117,060 / 15 = 3,902 of margin less the fee of 29.27 and 234.12 at entry
        ("117060", False),
        # headroom 0.5 x (111,500 - 109,753.5) x (1 - 0.4 %) = 869.7 of 3,667.9: 23.7 %
        ("111500", True),
        ("111700", False),
        ("109754", True),
    ],
)
def test_a_position_is_urgent_past_the_emergency_line(mark, urgent):
    engine = build(DEMO)
    engine.set_marks({("binance", "BTCUSDT"): D(mark)})
    position = next(p for p in engine.accounts["alpha"].positions.values() if p.contract.id == "BTCUSDT")
    assert is_urgent(engine, position) is urgent


class Rounds(CountedSource):
    """Polls as told."""

    count = 0

    def rounds(self, account):
        return self.count


def test_the_watch_counts_unbroken_rounds_of_polls():
    engine = build(DEMO)
    source = Rounds(engine)
    watch = Watch(source)
    number = next(p.id for p in engine.accounts["alpha"].positions.values() if p.contract.id == "BTCUSDT")
    for rounds, mark in ((0, "111500"), (4, "111400"), (6, "117060"), (7, "111500"), (9, "111500")):
        source.count = rounds
        engine.set_marks({("binance", "BTCUSDT"): D(mark)})
        watch.look()
    # 0 to 4, then a break, then 7 to 9
    assert watch.longest[number] == 4


def test_an_account_was_read_when_all_its_parts_were():
    source = CountedSource(build({"accounts": {"main": {"exchange": "okx"}}}))
    source.limits = False
    assert source.rounds("main") == 0
    headers = {"ok-access-key": source.exchange.accounts["main"].api_key}
    unsigned = Call(method="GET", path="/api/v5/account/positions", raw_query="", body="", headers=headers, remote="", at=0)
    source.answer(unsigned)
    assert source.rounds("main") == 0, "a refused call reads nothing"


def test_the_market_knows_its_holdings_by_their_unified_names():
    market = Market(script("calm"))
    assert [(one.key, one.hedged, one.tier) for one in market.holdings] == [
        (("alpha", "BTC/USDT:USDT", "long"), False, 1),
        (("alpha", "BTC/USD:BTC", "short"), False, 1),
        (("beta", "ETH/USDT:USDT", "long"), True, 1),
        (("beta", "ETH/USDT:USDT", "short"), True, 1),
        (("gamma", "ATOM/USDT:USDT", "long"), False, 4),
        (("gamma", "BTC/USD:BTC", "long"), False, 1),
        (("delta", "ETH/USDT:USDT", "long"), False, 1),
    ]
    assert [one.protected for one in market.holdings] == [False] * 6 + [True]


async def test_the_market_notes_what_the_exchange_takes():
    market = Market(script("gap", speed=D(1_000_000)))
    steps = []
    await market.play(lambda: steps.append(market.second))
    assert steps[-1] == 120
    # 30 % down: 15x, 8x and 10x longs go, the 3x long and both shorts stay
    assert [(act.second, act.holding.symbol, act.whole) for act in market.acts] == [
        (60, "BTC/USDT:USDT", True),
        (60, "ETH/USDT:USDT", True),
        (60, "BTC/USD:BTC", True),
        (60, "ETH/USDT:USDT", True),
    ]
    # 0.5 x 117,060 / 15: the whole margin, the opening fee out of it
    assert market.cost(market.holdings[0]) == -3902
    assert market.change("BTC") == pytest.approx(D("-0.3"), abs=D("0.001"))
