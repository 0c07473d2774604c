"""Binance futures: USD-M and COIN-M."""

from __future__ import annotations

from monitor.exchanges.pacing import Pacer
from monitor.exchanges.spec import Access, ExchangeSpec
from monitor.margin.position import Contract
from monitor.ports import Clock, Exchange


def _build(access: Access, pacer: Pacer, clock: Clock) -> Exchange:
    """An account's reader; only here ccxt is imported."""
    from monitor.exchanges.binance.client import BinanceReader  # noqa: PLC0415 - see above

    return BinanceReader(access, pacer, clock)


SPEC = ExchangeSpec(
    name="binance",
    secrets=("api_key", "secret"),
    families={"usdm": frozenset({Contract.LINEAR}), "coinm": frozenset({Contract.INVERSE})},
    build=_build,
)
