"""Binance futures: USD-M and COIN-M."""

from __future__ import annotations

from decimal import Decimal

from monitor.exchanges.pacing import Pacer
from monitor.exchanges.spec import Access, ExchangeSpec
from monitor.margin.position import Contract
from monitor.ports import Clock, Exchange, MarginWriter
from monitor.topups.policy import Grain


def _build(access: Access, pacer: Pacer, clock: Clock) -> Exchange:
    """An account's reader; only here ccxt is imported."""
    from monitor.exchanges.binance.client import BinanceReader  # noqa: PLC0415 - see above

    return BinanceReader(access, pacer, clock)


def _build_writer(access: Access, pacer: Pacer, clock: Clock) -> MarginWriter:
    """An account's writer; only here ccxt is imported."""
    from monitor.exchanges.binance.writer import BinanceWriter  # noqa: PLC0415 - keeps ccxt out of verbs that only read the store

    return BinanceWriter(access, pacer, clock)


# The page names no smallest amount and no precision; real rows have eight decimals. A coarser step is never refused for it.
_GRAINS = {
    "": Grain(step=Decimal("1e-6"), least=Decimal("1e-6")),
    "USDT": Grain(step=Decimal("0.0001"), least=Decimal("0.0001")),
    "USDC": Grain(step=Decimal("0.0001"), least=Decimal("0.0001")),
}

SPEC = ExchangeSpec(
    name="binance",
    secrets=("api_key", "secret"),
    families={"usdm": frozenset({Contract.LINEAR}), "coinm": frozenset({Contract.INVERSE})},
    build=_build,
    build_writer=_build_writer,
    grains=_GRAINS,
)
