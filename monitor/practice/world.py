"""Who is on the practice exchange, as a description: accounts, their money, their positions.

    {"accounts": {"main": {"exchange": "binance", "balances": {"USDT": "5000"}, "hedge": false,
                           "api_key": "...", "secret": "...", "passphrase": "...",       made from the name where left out
                           "may_trade": true, "may_withdraw": false, "may_transfer": false, "ip_bound": true,
                           "keys": {"trade": {"may_trade": true}},                       further keys, each with such rights
                           "fee_rate": "0.0005", "margin_mode": "ISOLATED_MARGIN",
                           "positions": [{"contract": "BTCUSDT", "side": "long", "quantity": "0.1", "leverage": "20",
                                          "entry": "117000", "margin": "600", "mode": "isolated"}]}},
     "freeze_ms": 0}

Only ``exchange`` and, of a position, ``contract``, ``side``, ``quantity`` and ``leverage`` are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from monitor.practice.clock import wall_clock_ms
from monitor.practice.engine.accounts import Account, Mode, Position
from monitor.practice.engine.exchange import PracticeExchange

RIGHTS = ("may_trade", "may_withdraw", "may_transfer", "ip_bound")
"""What a key may or may not do, and whether it is bound to an address."""
DEMO: dict[str, Any] = {
    "accounts": {
        "alpha": {
            "exchange": "binance",
            "balances": {"USDT": "20000", "BTC": "0.5"},
            "positions": [
                {"contract": "BTCUSDT", "side": "long", "quantity": "0.5", "leverage": "15"},
                {"contract": "BTCUSD_PERP", "side": "short", "quantity": "100", "leverage": "5"},
            ],
        },
        "beta": {
            "exchange": "bybit",
            "balances": {"USDT": "40000"},
            "hedge": True,
            "positions": [
                {"contract": "ETHUSDT", "side": "long", "quantity": "5", "leverage": "8"},
                {"contract": "ETHUSDT", "side": "short", "quantity": "2", "leverage": "5"},
            ],
        },
        "gamma": {
            "exchange": "okx",
            "balances": {"USDT": "120000", "BTC": "0.5"},
            "positions": [
                {"contract": "ATOM-USDT-SWAP", "side": "long", "quantity": "25000", "leverage": "3"},
                {"contract": "BTC-USD-SWAP", "side": "long", "quantity": "150", "leverage": "10"},
            ],
        },
    }
}
"""Six positions on three exchanges: long and short, linear and inverse, one hedged pair, one in a higher tier."""


def build(description: Mapping[str, Any], *, clock: Callable[[], int] = wall_clock_ms) -> PracticeExchange:
    """An engine as described; raises Refused where the money does not reach, KeyError or ValueError for a bad description."""
    engine = PracticeExchange(clock=clock, freeze_ms=int(description.get("freeze_ms", 0)))
    for name, part in description.get("accounts", {}).items():
        add_account(engine, name, part)
    return engine


def add_account(engine: PracticeExchange, name: str, part: Mapping[str, Any]) -> Account:
    """One account with its positions."""
    account = engine.add_account(
        name,
        part["exchange"],
        balances=part.get("balances", {}),
        api_key=part.get("api_key", ""),
        secret=part.get("secret", ""),
        passphrase=part.get("passphrase", ""),
        hedge=bool(part.get("hedge", False)),
        fee_rate=_amount(part.get("fee_rate")),
        may_trade=bool(part.get("may_trade", True)),
    )
    for right in RIGHTS:
        setattr(account, right, bool(part.get(right, getattr(account, right))))
    for key_name, key in part.get("keys", {}).items():
        engine.add_key(name, key_name, **key)
    account.margin_mode = part.get("margin_mode", account.margin_mode)
    for position in part.get("positions", ()):
        open_position(engine, name, position)
    return account


def open_position(engine: PracticeExchange, account: str, part: Mapping[str, Any]) -> Position:
    """One position of ``account``."""
    if part["side"] not in {"long", "short"}:
        raise ValueError("side is long or short")
    return engine.open(
        account,
        part["contract"],
        long=part["side"] == "long",
        quantity=Decimal(str(part["quantity"])),
        leverage=Decimal(str(part["leverage"])),
        entry=_amount(part.get("entry")),
        margin=_amount(part.get("margin")),
        mode=Mode(part.get("mode", "isolated")),
    )


def _amount(given: Any) -> Decimal | None:
    return None if given is None else Decimal(str(given))
