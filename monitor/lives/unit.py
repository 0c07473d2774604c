"""Unit: what one contract of a position is, for people."""

from __future__ import annotations

from monitor.alerts.rounding import digits
from monitor.margin.position import Contract, Instrument


def unit_of(instrument: Instrument) -> str:
    """``BTC`` where a contract is one coin, else ``contracts of 0.01 BTC`` or ``contracts of 100 USD``."""
    base, _, quote = instrument.symbol.partition(":")[0].partition("/")
    counts = base if instrument.contract is Contract.LINEAR else quote
    return counts if instrument.contract_size == 1 else f"contracts of {digits(instrument.contract_size)} {counts}"
