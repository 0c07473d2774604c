"""Bybit V5: linear USDT, linear USDC and inverse contracts of a unified account in isolated margin mode."""

from __future__ import annotations

from decimal import Decimal

from monitor.exchanges.pacing import Pacer
from monitor.exchanges.spec import Access, ExchangeSpec
from monitor.margin.position import Contract
from monitor.ports import Clock, Exchange, MarginWriter
from monitor.topups.policy import Grain


def _build(access: Access, pacer: Pacer, clock: Clock) -> Exchange:
    """The adapter; ccxt is imported here and not before."""
    from monitor.exchanges.bybit.client import BybitAccount  # noqa: PLC0415 - keeps ccxt out of verbs that only read the store

    return BybitAccount(access, pacer, clock)


def _build_writer(access: Access, pacer: Pacer, clock: Clock) -> MarginWriter:
    """An account's writer; only here ccxt is imported."""
    from monitor.exchanges.bybit.writer import BybitWriter  # noqa: PLC0415 - keeps ccxt out of verbs that only read the store

    return BybitWriter(access, pacer, clock)


# bybit-exchange/docs v5/position/manual-add-margin.mdx, read 2026-11-22: at most four decimals, whatever the coin.
_GRAINS = {"": Grain(step=Decimal("0.0001"), least=Decimal("0.0001"))}

SPEC = ExchangeSpec(
    name="bybit",
    secrets=("api_key", "secret"),
    families={
        "usdt": frozenset({Contract.LINEAR}),
        "usdc": frozenset({Contract.LINEAR}),
        "inverse": frozenset({Contract.INVERSE}),
    },
    build=_build,
    build_writer=_build_writer,
    grains=_GRAINS,
)
