"""What an account on Bybit can be told. Regional sites as listed in Bybit's integration guide, read 2026-11-22."""

from __future__ import annotations

from typing import Literal

from monitor.config.account import AccountSettings


class Settings(AccountSettings):
    """An account on Bybit: USDT and USDC (linear) and inverse contracts."""

    exchange: Literal["bybit"]
    """The exchange that holds the account."""
    region: Literal["nl", "tr", "kz", "ge", "ae", "eu", "id", "jp"] | None = None
    """The regional site where the account was opened; none for bybit.com."""
