"""Who is told what, beside the levels: quiet hours, escalation, what is too small to tell, signs of life."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from monitor.config.channels import ChannelNames
from monitor.config.strict import Strict
from monitor.config.units import Amount, Name, TimeOfDay, TimeSpan, complain

_CURRENCY = re.compile(r"[A-Z0-9]{1,20}")


class QuietHoursSettings(Strict):
    """Hours of every day in which only what passes them is told."""

    begin: TimeOfDay = Field(alias="from")
    """When they begin, such as "23:00", by the clock of `timezone`."""
    end: TimeOfDay = Field(alias="to")
    """When they end, such as "07:00"; on the next day if that is earlier than `from`."""

    @model_validator(mode="after")
    def _some_hours(self) -> Self:
        if self.begin == self.end:
            complain("from and to are the same time: that could mean all day or never; leave quiet_hours out for never")
        return self


class EscalationSettings(Strict):
    """One more step when nobody answers."""

    after: TimeSpan
    """How long after it was told nobody has acknowledged it, such as 2m."""
    level: Literal["info", "warning", "critical", "emergency"]
    """From which level on: info, warning, critical or emergency."""
    channels: ChannelNames
    """Who hears of it too."""


def _currency(value: object) -> str:
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        complain("a currency is written in capitals, such as USDT")
    return value


class IgnoreSettings(Strict):
    """What is too small to be watched."""

    notional_below: dict[Annotated[str, BeforeValidator(_currency)], Amount] = Field(default_factory=dict)
    """For each settle currency, the notional below which a position is not judged, such as {USDT: 20}."""


class HeartbeatSettings(Strict):
    """A sign of life to a service that tells when it stays away."""

    url_from: Name
    """Names the secret with the http(s) URL to call (healthchecks.io and its like)."""


class DigestSettings(Strict):
    """A message a day that tells how things are."""

    at: TimeOfDay
    """When, such as "08:00", by the clock of `timezone`."""
    channels: ChannelNames | None = None
    """Who gets it; default chat."""
