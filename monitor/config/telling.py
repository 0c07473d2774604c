"""Who is told what, beside the levels: quiet hours, escalation, what is too small to tell, signs of life."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from monitor.config.channels import ChannelNames
from monitor.config.strict import Strict
from monitor.config.units import Amounts, Name, TimeOfDay, TimeSpan, complain


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


class IgnoreSettings(Strict):
    """What is too small to be watched."""

    notional_below: Amounts = Field(default_factory=dict)
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
