"""Events: how loud it is told what happens to a position."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator

from monitor.config.strict import Strict
from monitor.lives.event import EventKind
from monitor.rules.base import Level

OFF = "off"


def _off(value: object) -> object:
    """YAML reads a bare ``off`` as false."""
    return OFF if value is False else value


Loudness = Annotated[Literal["off", "info", "warning", "critical", "emergency"] | None, BeforeValidator(_off)]


class EventsSettings(Strict):
    """How loud it is told what happens to a position: a level, or off; all of it is kept, told or not."""

    opened: Loudness = None
    """A position was opened; default info."""
    flipped: Loudness = None
    """One fill turned a long into a short, or a short into a long; default info."""
    grew: Loudness = None
    """It has more contracts; default info."""
    shrank: Loudness = None
    """It has fewer contracts, by an order of its owner; default info."""
    leverage_changed: Loudness = None
    """Its leverage setting is another one; default info."""
    margin_added: Loudness = None
    """Margin was added elsewhere, or by the exchange's own automatic margin; default info."""
    margin_reduced: Loudness = None
    """Margin was taken out elsewhere; default info."""
    partly_liquidated: Loudness = None
    """The exchange closed a part of it by force; default critical."""
    liquidated: Loudness = None
    """The exchange took it over; default critical."""
    deleveraged: Loudness = None
    """Auto-deleveraging closed it, or a part of it; default critical."""
    closed: Loudness = None
    """Its owner closed it; default info."""
    delivered: Loudness = None
    """Its contract expired; default info."""
    settled: Loudness = None
    """The exchange closed it for another reason; default warning."""
    gone: Loudness = None
    """It is no longer there, and within a minute no record says why; default critical."""

    def levels(self) -> Mapping[EventKind, Level | None]:
        """What is written, as decisions need it; None for off."""
        written = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            EventKind(name): None if value == OFF else Level[value.upper()]
            for name, value in written.items()
            if value is not None
        }
