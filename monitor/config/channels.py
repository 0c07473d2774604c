"""Channels: the ways to people, and how they are named elsewhere in the configuration."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, PlainValidator

from monitor.config.strict import Strict
from monitor.config.units import Name, complain, parse_time_span

_LIMIT = re.compile(r"([1-9][0-9]{0,5})\s+per\s+([0-9].*)")


class Limit(NamedTuple):
    """At most so many messages in any stretch of ``per``."""

    messages: int
    per: timedelta


def parse_limit(value: object) -> Limit:
    """``20 per 1h``."""
    found = _LIMIT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        complain("must be messages per duration, such as 20 per 1h")
    return Limit(int(found[1]), parse_time_span(found[2]))


def _some_each_once(channels: tuple[str, ...]) -> tuple[str, ...]:
    """Nobody at all would be a silence without an end, in a place where nobody looks for one."""
    if not channels or len(set(channels)) < len(channels):
        complain("name at least one channel, each once")
    return channels


ChannelNames = Annotated[tuple[Name, ...], AfterValidator(_some_each_once)]


class ChannelSettings(Strict):
    """One way to people."""

    url_from: Name
    """Names the secret that holds the channel's apprise URL."""
    fallback: Name | None = None
    """Another channel, which tells what this one cannot."""
    limit: Annotated[Limit | None, PlainValidator(lambda value: None if value is None else parse_limit(value))] = None
    """How many messages in what time this channel may send, such as 20 per 1h; default: no limit of ours."""
