"""What an account on Binance can be told. Read 2026-11-22: one set of hosts for all regions, key and secret."""

from __future__ import annotations

from typing import Literal

from monitor.config.account import AccountSettings


class Settings(AccountSettings):
    """An account on Binance: USD-M (linear) and COIN-M (inverse) futures."""

    exchange: Literal["binance"]
    """The exchange that holds the account."""
    region: None = None
    """Binance futures have no regional sites here: leave it out."""
