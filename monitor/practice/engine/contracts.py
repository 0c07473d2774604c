"""The contracts that the practice exchange lists, with the maintenance tiers of each exchange.

Tiers: Binance USD-M as read 2026-09 (rounded prices to start from are those of 10 October 2025, 20:45 UTC); Bybit BTCUSDT and
ADAUSDT and the lower COIN-M tiers as documented 2026; the others are shaped after them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from monitor.practice.tiers import Tier, table


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One contract. ``size``: base coin (linear) or quote currency (``inverse``) a contract.

    ``lot``: step of a quantity, in contracts; ``start``: the mark price before any scenario moves it.
    """

    exchange: str
    id: str
    base: str
    quote: str
    settle: str
    inverse: bool
    size: Decimal
    tick: Decimal
    lot: Decimal
    start: Decimal
    tiers: tuple[Tier, ...]

    def value(self, quantity: Decimal, price: Decimal) -> Decimal:
        """What ``quantity`` contracts are worth at ``price``, in settle currency."""
        face = quantity * self.size
        return face / price if self.inverse else face * price

    def tier_size(self, quantity: Decimal, price: Decimal) -> Decimal:
        """What the tier table counts: contracts on OKX, else the value (which is base coin for an inverse contract)."""
        return quantity if self.exchange == "okx" else self.value(quantity, price)


_BINANCE_MAJOR = table(
    ("300000", "0.004", 150),
    ("800000", "0.005", 100),
    ("3000000", "0.0065", 75),
    ("12000000", "0.01", 50),
    ("70000000", "0.02", 25),
    ("100000000", "0.025", 20),
    ("230000000", "0.05", 10),
    ("480000000", "0.1", 5),
    ("1800000000", "0.5", 1),
)
_BINANCE_ALT = table(
    ("10000", "0.006", 75),
    ("50000", "0.01", 50),
    ("80000", "0.015", 40),
    ("200000", "0.02", 25),
    ("600000", "0.025", 20),
    ("2000000", "0.05", 10),
    ("4000000", "0.1", 5),
    ("20000000", "0.5", 1),
)
_COIN_BTC = table(
    ("5", "0.004", 125),
    ("10", "0.005", 100),
    ("20", "0.01", 50),
    ("50", "0.025", 20),
    ("100", "0.05", 10),
    ("200", "0.1", 5),
    ("400", "0.125", 4),
    ("1000", "0.15", 3),
    ("1500", "0.25", 2),
)
_COIN_ALT = table(
    ("5000", "0.0125", 40),
    ("10000", "0.02", 25),
    ("25000", "0.025", 20),
    ("50000", "0.05", 10),
    ("100000", "0.1", 5),
    ("1000000", "0.5", 1),
)
_BYBIT_MAJOR = table(
    ("2000000", "0.005", 100),
    ("2600000", "0.0056", 90),
    ("3200000", "0.0063", 80),
    ("3800000", "0.0067", 75),
    ("4400000", "0.0071", 70),
    ("5000000", "0.0077", 65),
    ("5600000", "0.0091", 55),
    ("8500000", "0.01", 50),
    ("10000000", "0.013", 38),
    ("20000000", "0.025", 20),
    ("100000000", "0.1", 5),
)
_BYBIT_ALT = table(
    ("200000", "0.0075", 75), ("300000", "0.01", 50), ("500000", "0.015", 33), ("900000", "0.02", 25), ("20000000", "0.1", 5)
)
_BYBIT_COIN_BTC = table(("150", "0.005", 100), ("300", "0.01", 50), ("450", "0.015", 33), ("600", "0.02", 25), ("2000", "0.1", 5))
_BYBIT_COIN_ETH = table(("500", "0.005", 100), ("1500", "0.01", 50), ("3000", "0.02", 25), ("50000", "0.1", 5))
_OKX_LINEAR = table(
    ("1000", "0.004", 100),
    ("5000", "0.005", 75),
    ("20000", "0.01", 50),
    ("50000", "0.02", 25),
    ("100000", "0.05", 10),
    ("1000000", "0.15", 3),
    continuous=False,
)
_OKX_INVERSE = table(
    ("10000", "0.004", 100),
    ("30000", "0.005", 75),
    ("60000", "0.01", 50),
    ("200000", "0.03", 16),
    ("1000000", "0.15", 3),
    continuous=False,
)


def _contract(row: str, tiers: tuple[Tier, ...]) -> Contract:
    """A contract from ``exchange id BASE/QUOTE size tick lot start``; a quote of USD makes it inverse."""
    exchange, name, pair, size, tick, lot, start = row.split()
    base, _, quote = pair.partition("/")
    inverse = quote == "USD"
    return Contract(
        exchange=exchange,
        id=name,
        base=base,
        quote=quote,
        settle=base if inverse else quote,
        inverse=inverse,
        size=Decimal(size),
        tick=Decimal(tick),
        lot=Decimal(lot),
        start=Decimal(start),
        tiers=tiers,
    )


CONTRACTS: tuple[Contract, ...] = (
    _contract("binance BTCUSDT BTC/USDT 1 0.1 0.001 117060", _BINANCE_MAJOR),
    _contract("binance ETHUSDT ETH/USDT 1 0.01 0.001 4102", _BINANCE_MAJOR),
    _contract("binance ATOMUSDT ATOM/USDT 1 0.001 0.01 3.93", _BINANCE_ALT),
    _contract("binance DOGEUSDT DOGE/USDT 1 0.00001 1 0.2410", _BINANCE_ALT),
    _contract("binance BTCUSDC BTC/USDC 1 0.1 0.001 117050", _BINANCE_MAJOR),
    _contract("binance BTCUSD_PERP BTC/USD 100 0.1 1 117065", _COIN_BTC),
    _contract("binance BTCUSDT_271231 BTC/USDT 1 0.1 0.001 118900", _BINANCE_MAJOR),
    _contract("binance BTCUSD_271231 BTC/USD 100 0.1 1 118905", _COIN_BTC),
    _contract("binance ATOMUSD_PERP ATOM/USD 10 0.001 1 3.93", _COIN_ALT),
    _contract("bybit BTCUSDT BTC/USDT 1 0.1 0.001 117058", _BYBIT_MAJOR),
    _contract("bybit ETHUSDT ETH/USDT 1 0.01 0.01 4101", _BYBIT_MAJOR),
    _contract("bybit ATOMUSDT ATOM/USDT 1 0.001 0.1 3.93", _BYBIT_ALT),
    _contract("bybit ADAUSDT ADA/USDT 1 0.0001 1 0.7950", _BYBIT_ALT),
    _contract("bybit BTCPERP BTC/USDC 1 0.1 0.001 117052", _BYBIT_MAJOR),
    _contract("bybit BTCUSD BTC/USD 1 0.5 1 117062", _BYBIT_COIN_BTC),
    _contract("bybit ETHUSD ETH/USD 1 0.05 1 4101", _BYBIT_COIN_ETH),
    _contract("bybit BTCUSDT-31DEC27 BTC/USDT 1 0.1 0.001 118902", _BYBIT_MAJOR),
    _contract("bybit BTCUSDZ27 BTC/USD 1 0.5 1 118906", _BYBIT_COIN_BTC),
    _contract("okx BTC-USDT-SWAP BTC/USDT 0.01 0.1 0.01 117057", _OKX_LINEAR),
    _contract("okx ETH-USDT-SWAP ETH/USDT 0.1 0.01 0.01 4101", _OKX_LINEAR),
    _contract("okx ATOM-USDT-SWAP ATOM/USDT 1 0.001 1 3.93", _OKX_LINEAR),
    _contract("okx BTC-USDC-SWAP BTC/USDC 0.0001 0.1 1 117051", _OKX_LINEAR),
    _contract("okx BTC-USD-SWAP BTC/USD 100 0.1 1 117063", _OKX_INVERSE),
    _contract("okx ETH-USD-SWAP ETH/USD 10 0.01 1 4101", _OKX_INVERSE),
    _contract("okx BTC-USD-271231 BTC/USD 100 0.1 1 118900", _OKX_INVERSE),
)


def by_key(contracts: Iterable[Contract]) -> dict[tuple[str, str], Contract]:
    """Contracts by exchange and id."""
    return {(contract.exchange, contract.id): contract for contract in contracts}
