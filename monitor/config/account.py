"""One account: which exchange, which secrets, how often it is read, and by which way.

Each exchange's ``settings.py`` narrows ``AccountSettings`` to what that exchange knows (its regions, its secrets) in a class
named ``Settings``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field, StrictBool, ValidationInfo, field_validator

from monitor.config.endpoint import Endpoint, Proxy, is_loopback
from monitor.config.strict import Strict, complain_at
from monitor.config.units import Duration, Name, complain

CALM = timedelta(seconds=10)
NEAR = timedelta(seconds=2)
FLOOR = timedelta(seconds=1)
LOOPBACK_FLOOR = timedelta(milliseconds=50)


def _near(fields: dict[str, timedelta]) -> timedelta:
    """Never slower than ``calm``."""
    return min(NEAR, fields.get("calm", CALM))


class Poll(Strict):
    """How often the account's positions are read."""

    calm: Duration = CALM
    """Time between two readings while no position is past its first line."""
    near: Duration = Field(default_factory=_near)
    """Time between two readings once any position is past its first line; 1s or more (50ms with an endpoint on loopback)."""


class AccountSettings(Strict):
    """One set of credentials on one exchange, named by the user."""

    SECRETS: ClassVar[tuple[str, ...]] = ("api_key", "secret")

    exchange: str
    """The exchange that holds the account."""
    credentials: Name
    """Names the secrets: with `main`, main_api_key and main_secret (okx also main_passphrase); default the account's name."""
    top_up_credentials: Name | None = None
    """Names the secrets of a second key, one that may trade: with `main_trade`, main_trade_api_key and main_trade_secret."""
    contracts: tuple[Literal["linear", "inverse"], ...] = ("linear", "inverse")
    """Which contracts are watched: linear, inverse or both."""
    endpoint: Endpoint | None = None
    """Replaces scheme, host and port of every URL of this account: a gateway, the practice exchange; http only on loopback."""
    poll: Poll = Poll()
    """How often the positions are read."""
    region: str | None = None
    """The exchange's regional site with all its hosts; not together with an endpoint, which replaces the hosts anyway."""
    proxy: Proxy | None = None
    """A proxy for the calls to this exchange: http://host:port, or socks5:// with the package aiohttp-socks installed."""
    demo_trading: StrictBool = False
    """Use the exchange's own demo environment; it has keys of its own."""

    @property
    def secret_names(self) -> Mapping[str, str]:
        """For each option of the exchange's client (``api_key``), the name of the secret (``main_api_key``)."""
        return {option: f"{self.credentials}_{option}" for option in self.SECRETS}

    @property
    def top_up_secret_names(self) -> Mapping[str, str]:
        """As ``secret_names``, of the key that may add margin; empty without one."""
        if self.top_up_credentials is None:
            return {}
        return {option: f"{self.top_up_credentials}_{option}" for option in self.SECRETS}

    @field_validator("contracts")
    @classmethod
    def _some_contracts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or len(set(value)) < len(value):
            complain("name linear, inverse or both, each once")
        return value

    @field_validator("region")
    @classmethod
    def _one_way_to_the_exchange(cls, region: str | None, info: ValidationInfo) -> str | None:
        if region is not None and info.data.get("endpoint") is not None:
            complain("region chooses the exchange's own hosts and endpoint replaces all of them: keep only one of the two")
        return region

    @field_validator("poll")
    @classmethod
    def _bearable_polls(cls, poll: Poll, info: ValidationInfo) -> Poll:
        loopback = is_loopback(info.data.get("endpoint"))
        floor = LOOPBACK_FLOOR if loopback else FLOOR
        least = "at least 50ms" if loopback else "at least 1s (50ms with an endpoint on loopback)"
        complaints = {name: least for name in sorted(poll.model_fields_set) if getattr(poll, name) < floor}
        if poll.near > poll.calm and not complaints:
            complaints["near"] = "must not be longer than calm: near is the pace once a line is crossed"
        if complaints:
            complain_at(complaints)
        return poll
