"""What an account on OKX can be told. Regional hosts eea.okx.com and us.okx.com, read 2026-11-22; a key has a passphrase."""

from __future__ import annotations

from typing import ClassVar, Literal

from monitor.config.account import AccountSettings


class Settings(AccountSettings):
    """An account on OKX: perpetual swaps and dated futures, linear and inverse."""

    SECRETS: ClassVar[tuple[str, ...]] = ("api_key", "secret", "passphrase")

    exchange: Literal["okx"]
    """The exchange that holds the account."""
    region: Literal["eea", "us"] | None = None
    """The regional site where the account was opened; none for www.okx.com."""
