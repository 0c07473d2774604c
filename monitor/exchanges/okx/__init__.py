"""OKX V5: isolated perpetual swaps and dated futures, linear and inverse, in one family."""

from __future__ import annotations

from decimal import Decimal

from monitor.exchanges.pacing import Pacer
from monitor.exchanges.spec import Access, ExchangeSpec
from monitor.margin.position import Contract
from monitor.ports import Clock, Exchange, MarginWriter
from monitor.topups.policy import Grain


def _build(access: Access, pacer: Pacer, clock: Clock) -> Exchange:
    """The adapter; ccxt is imported here and not before."""
    from monitor.exchanges.okx.client import OkxAccount  # noqa: PLC0415 - keeps ccxt out of verbs that only read the store

    return OkxAccount(access, pacer, clock)


def _build_writer(access: Access, pacer: Pacer, clock: Clock) -> MarginWriter:
    """An account's writer; only here ccxt is imported."""
    from monitor.exchanges.okx.writer import OkxWriter  # noqa: PLC0415 - keeps ccxt out of verbs that only read the store

    return OkxWriter(access, pacer, clock)


# The page names no smallest amount and no precision; bills have eight and more. A coarser step is never refused for it.
_GRAINS = {
    "": Grain(step=Decimal("1e-6"), least=Decimal("1e-6")),
    "USDT": Grain(step=Decimal("0.0001"), least=Decimal("0.0001")),
    "USDC": Grain(step=Decimal("0.0001"), least=Decimal("0.0001")),
}

SPEC = ExchangeSpec(
    name="okx",
    secrets=("api_key", "secret", "passphrase"),
    families={"okx": frozenset(Contract)},
    build=_build,
    build_writer=_build_writer,
    grains=_GRAINS,
)
