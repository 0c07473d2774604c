"""OKX V5: isolated perpetual swaps and dated futures, linear and inverse, in one family."""

from __future__ import annotations

from monitor.exchanges.pacing import Pacer
from monitor.exchanges.spec import Access, ExchangeSpec
from monitor.margin.position import Contract
from monitor.ports import Clock, Exchange


def _build(access: Access, pacer: Pacer, clock: Clock) -> Exchange:
    """The adapter; ccxt is imported here and not before."""
    from monitor.exchanges.okx.client import OkxAccount  # noqa: PLC0415 - keeps ccxt out of verbs that only read the store

    return OkxAccount(access, pacer, clock)


SPEC = ExchangeSpec(
    name="okx",
    secrets=("api_key", "secret", "passphrase"),
    families={"okx": frozenset(Contract)},
    build=_build,
)
