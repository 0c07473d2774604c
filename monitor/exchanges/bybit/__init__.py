"""Bybit V5: linear USDT, linear USDC and inverse contracts of a unified account in isolated margin mode."""

from __future__ import annotations

from monitor.exchanges.pacing import Pacer
from monitor.exchanges.spec import Access, ExchangeSpec
from monitor.margin.position import Contract
from monitor.ports import Clock, Exchange


def _build(access: Access, pacer: Pacer, clock: Clock) -> Exchange:
    """The adapter; ccxt is imported here and not before."""
    from monitor.exchanges.bybit.client import BybitAccount  # noqa: PLC0415 - keeps ccxt out of verbs that only read the store

    return BybitAccount(access, pacer, clock)


SPEC = ExchangeSpec(
    name="bybit",
    secrets=("api_key", "secret"),
    families={
        "usdt": frozenset({Contract.LINEAR}),
        "usdc": frozenset({Contract.LINEAR}),
        "inverse": frozenset({Contract.INVERSE}),
    },
    build=_build,
)
