"""Time zones by name, and the one that this machine is set to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import PlainValidator

from monitor.config.suggest import did_you_mean
from monitor.config.units import complain

LOCALTIME = Path("/etc/localtime")


def parse_timezone(value: object) -> ZoneInfo:
    """A name of the tz database, such as ``Europe/Berlin`` or ``UTC``."""
    if isinstance(value, ZoneInfo):
        return value
    zone = _zone(value) if isinstance(value, str) else None
    if zone is None:
        by_lower_case = {name.casefold(): name for name in available_timezones()}
        meant = did_you_mean(value, by_lower_case)
        for lower, name in by_lower_case.items():
            meant = meant.replace(f" {lower}?", f" {name}?")
        complain(f"must be a time zone such as Europe/Berlin or UTC{meant}")
    return zone


def system_timezone() -> ZoneInfo:
    """The zone of this machine: ``TZ``, else where /etc/localtime points, else UTC."""
    named = _zone(os.environ.get("TZ", "").removeprefix(":"))
    if named is not None:
        return named
    _, found, name = os.path.realpath(LOCALTIME).partition("zoneinfo/")
    return (_zone(name) if found else None) or ZoneInfo("UTC")


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


Timezone = Annotated[ZoneInfo, PlainValidator(parse_timezone)]
