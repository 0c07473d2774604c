"""Random positions for hypothesis: every exchange, contract, side and basis, ladders that are continuous at their borders."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from monitor.margin.position import Position
from monitor.margin.quantities import plain
from monitor.margin.tiers import TierBasis, TierTable
from tests.margin.positions import a_position, a_table, d

EXCHANGES = ("binance", "bybit", "okx")


def decimals(low: str, high: str, places: int = 4) -> st.SearchStrategy[Decimal]:
    return st.decimals(d(low), d(high), places=places, allow_nan=False, allow_infinity=False)


@st.composite
def ladders(draw: st.DrawFn, scale: Decimal, basis: TierBasis, *, continuous: bool = True) -> TierTable:
    """Up to five tiers whose borders lie between 0.1 and some 10 times ``scale``; rates from 0.1 % to 30 %."""
    caps = sorted(draw(st.sets(decimals("0.1", "10", 2), max_size=4)))
    count = len(caps) + 1
    rates = draw(st.lists(decimals("0.001", "0.3", 3), min_size=count, max_size=count, unique=True))
    if continuous:
        rates.sort()
    rows = []
    floor, deduction, below = d(0), d(0), rates[0]
    for rate, cap in zip(rates, [*caps, None], strict=True):
        if continuous:
            deduction += floor * (rate - below)
        end = None if cap is None else scale * cap
        rows.append((plain(floor), None if end is None else plain(end), plain(rate), plain(deduction)))
        floor, below = floor if end is None else end, rate
    return a_table(*rows, basis=basis)


@st.composite
def positions(
    draw: st.DrawFn, *, continuous: bool = True, at_entry: bool = False, fixed: bool = True, covered: bool = False
) -> Position:
    """A position whose margin is -5 % to 120 % of its value; ``fixed``: the tier may also go by contracts.

    ``covered``: one that can lose no more than its value (linear long, inverse short), and has more than that behind it.
    """
    exchange = draw(st.sampled_from(EXCHANGES))
    contract = draw(st.sampled_from(("linear", "inverse")))
    contracts = draw(decimals("1", "500", 1))
    size = draw(st.sampled_from((d("0.01"), d(1), d(100))))
    entry = draw(decimals("0.5", "50000", 2))
    mark = entry if at_entry else entry * draw(decimals("0.5", "2"))
    value = contracts * size * entry if contract == "linear" else contracts * size / entry
    basis = TierBasis.BASE if contract == "inverse" else TierBasis.NOTIONAL
    scale = value
    if fixed and draw(st.booleans()):
        basis, scale = TierBasis.CONTRACTS, contracts
    table = draw(ladders(scale, basis, continuous=continuous and basis is not TierBasis.CONTRACTS))
    side = draw(st.sampled_from(("long", "short")))
    margin = value * draw(decimals("0.005" if at_entry else "-0.05", "1.2"))
    if covered:
        side = "long" if contract == "linear" else "short"
        margin = value * draw(decimals("1.1", "3"))
    return a_position(
        exchange=exchange,
        contract=contract,
        side=side,
        contracts=str(contracts),
        contract_size=str(size),
        entry=str(entry),
        mark=str(mark),
        margin=str(margin),
        leverage=draw(st.sampled_from(("1", "3", "10", "50"))) if exchange == "bybit" else draw(st.sampled_from((None, "5"))),
        fee="0.0006",
        tick="0.01",
        tiers=table,
    )
