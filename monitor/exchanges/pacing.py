"""Silence where an exchange asked for it: bans, and keeping away from the limit while near it.

A *scope* is whatever a limit counts: an IP address on one exchange (``binance``, ``binance|3f2a..`` behind a proxy) or an
account (``bybit|main``). A *ban* stops every call of its scope and survives a restart; a *hold* stops them for a moment
before the exchange has to; a *hush* stops only the calls that can wait (tiers, balances), so that near a limit the polls go on.

The end of a ban is counted on the monotonic clock: a wall clock that jumps never ends one early.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from monitor.errors import RateLimited
from monitor.exchanges.allowance import Allowance
from monitor.ports import Clock

LONGEST_BAN = 3 * 24 * 3600.0
"""Seconds. Binance bans for three days at most (its limits page, read 2026-11-22); longer is a mistake in a header."""

SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)
_FORGIVEN_AFTER = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What a reply asks for: silence in ``scope`` (``ip`` or ``account``) for ``seconds``, or ``until`` a time; the longer one.

    Neither: the exchange named no time; ``fallback`` seconds then hold, doubled at every ban that follows soon after another.
    By itself it is a ban and its reply a refusal. ``hush`` and ``hold`` come with a good reply and are not stored: a hush stops
    the calls that can wait, a hold every call.
    """

    scope: str
    seconds: float | None = None
    until: datetime | None = None
    fallback: float = 60.0
    hush: bool = False
    hold: bool = False


class Pacer:
    """The bans and hushes of every scope of this process; one for all accounts.

    ``on_ban(scope, until)`` is called at each new ban so that it can be stored.
    """

    def __init__(self, clock: Clock, on_ban: Callable[[str, datetime], None] | None = None) -> None:
        self._clock = clock
        self._on_ban = on_ban
        self._banned_until: dict[str, float] = {}
        self._held_until: dict[str, float] = {}
        self._hushed_until: dict[str, float] = {}
        self._strikes: dict[str, int] = {}
        self._allowances: dict[tuple[str, str], Allowance] = {}

    def restore(self, bans: Mapping[str, datetime]) -> None:
        """Take over the bans of an earlier run."""
        for scope, until in bans.items():
            left = (until - self._clock.now()).total_seconds()
            if left > 0:
                self._banned_until[scope] = self._clock.monotonic() + min(left, LONGEST_BAN)

    def allowance(self, scope: str, call: str, limit: tuple[int, float]) -> Allowance:
        """The count of one call in ``scope``, at most so many in so many seconds: one for all sessions, as for the exchange."""
        return self._allowances.setdefault((scope, call), Allowance(*limit))

    def check(self, scopes: Iterable[str], *, can_wait: bool = False) -> None:
        """Raises RateLimited while one of ``scopes`` is banned or held, or hushed for a call that ``can_wait``."""
        now = self._clock.monotonic()
        for scope in scopes:
            left = self._banned_until.get(scope, 0.0) - now
            if left > 0:
                until = self._wall(left)
                raise RateLimited(silence_until(until), until=until)
            left = self._held_until.get(scope, 0.0) - now
            if can_wait:
                left = max(left, self._hushed_until.get(scope, 0.0) - now)
            if left > 0:
                raise RateLimited("close to the exchange's limit", until=self._wall(left))

    def ban(self, scope: str, pause: Pause) -> datetime:
        """Nothing is sent in ``scope`` for the time of ``pause``; returns its end. A ban is never shortened by another."""
        now = self._clock.monotonic()
        before = self._banned_until.get(scope)
        if before is None or now - before > _FORGIVEN_AFTER:
            self._strikes[scope] = 0
        elif now >= before:
            self._strikes[scope] += 1
        seconds = self._named_seconds(pause)
        if seconds is None:
            seconds = pause.fallback * 2.0 ** min(self._strikes.get(scope, 0), 16)
        end = max(now + min(seconds, LONGEST_BAN), before or 0.0)
        self._banned_until[scope] = end
        until = self._wall(end - now)
        if self._on_ban is not None and end != before:
            self._on_ban(scope, until)
        return until

    def spare(self, scope: str, pause: Pause) -> None:
        """Near a limit: a hush or a hold in ``scope``."""
        end = self._clock.monotonic() + min(pause.fallback if pause.seconds is None else pause.seconds, LONGEST_BAN)
        kept = self._held_until if pause.hold else self._hushed_until
        kept[scope] = max(end, kept.get(scope, 0.0))

    def _named_seconds(self, pause: Pause) -> float | None:
        """How long the exchange wants silence, None where it did not say; a time that is over counts as one second."""
        named = [] if pause.seconds is None else [pause.seconds]
        if pause.until is not None:
            named.append(max(1.0, (pause.until - self._clock.now()).total_seconds()))
        return max(named, default=None)

    def _wall(self, left: float) -> datetime:
        """The moment ``left`` seconds from now, aware UTC."""
        return self._clock.now() + timedelta(seconds=left)


def silence_until(until: datetime) -> str:
    """The words of a ban, the same at its first refusal and at each call that it stops."""
    return f"the exchange asked for silence until {until:%Y-%m-%d %H:%M:%S} UTC"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The ``Retry-After`` header (lower-case names) in seconds: a number, or the time until an HTTP date; None for neither."""
    text = headers.get("retry-after", "").strip()
    if SECONDS.fullmatch(text):
        return float(text)
    try:
        left = parsedate_to_datetime(text) - datetime.now(UTC)
    except (ValueError, TypeError):
        return None
    return max(0.0, left.total_seconds())
