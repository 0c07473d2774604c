"""One channel over apprise: any of the services that it knows, by one URL, which is a secret.

apprise's own dispatch is not used: all its sends share one small pool of threads, in which a dozen slow services starve a
healthy one, and the process cannot end while one hangs (measured with 2.2.0). Instead the channel calls its service's own
``notify`` in a daemon thread of its own. Trying again is the outbox's work, because it must survive a restart.

No error of this module quotes apprise, the service or the URL: any of them can hold the token.
"""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from monitor.alerts.model import Message, NotifyReason
from monitor.errors import ChannelRefused, ChannelUnavailable
from monitor.notify.hearing import hearing, pin_loggers
from monitor.notify.lane import Lane
from monitor.notify.priority import Voices
from monitor.notify.text import PLAIN_LENGTH, clean, fitted, is_short, plain, shortened
from monitor.rules.base import Level

SEND_SECONDS = 30.0
STUCK_SENDS = 2

SPACING_SECONDS = 1.0
"""The longest pause between two messages of a channel. apprise's guess for many services is 5.5 s, too long for the second
alert of a falling market; a service that wants more says so (429), and the outbox obeys."""

_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})

_TEXT_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY})
"""A shorter and plainer text may pass."""

_KINDS = {Level.INFO: "info", Level.WARNING: "warning", Level.CRITICAL: "failure", Level.EMERGENCY: "failure"}
"""apprise's word for each level: it picks the icon and colour where a service has them."""

_AS_TEXT = {"body_format": "text"}

_STUMBLED = "the service's code stumbled over the message"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one attempt; ``status``: of the HTTP reply, where there was one; ``trouble``: in our own words."""

    accepted: bool
    status: int | None
    retry_after: float | None
    trouble: str


class AppriseNotifier:
    """The channel ``name`` behind ``url``; ``limit`` (seconds) is how long a send may take.

    Raises ChannelRefused for a URL that apprise cannot use; the message names its scheme at most.
    """

    def __init__(self, name: str, url: str, *, limit: float = SEND_SECONDS) -> None:
        self.name = name
        self._limit = limit
        self._voices = Voices(_service_of(name, url), url.strip())
        self._turn = asyncio.Lock()
        self._lane: Lane[Message, _Outcome] | None = None
        self._stuck: list[Lane[Message, _Outcome]] = []
        self._waiting: asyncio.Future[_Outcome] | None = None
        self._closed = False

    async def send(self, message: Message) -> None:
        """As the port says. After ``STUCK_SENDS`` sends that hang, refuses at once until one of them comes back."""
        async with self._turn:
            outcome = await self._outcome_of(message)
        if outcome.accepted:
            return
        if outcome.status in _REFUSED:
            raise ChannelRefused(f"channel {self.name}: the service answered {_spoken(outcome.status)}")
        if outcome.status is not None and outcome.status >= 300:
            why = f"the service answered {_spoken(outcome.status)}"
        else:
            why = outcome.trouble or "the service did not accept the message"
        raise ChannelUnavailable(f"channel {self.name}: {why}", retry_after=outcome.retry_after)

    async def close(self) -> None:
        """As the port says."""
        self._closed = True
        if self._lane is not None:
            self._lane.end()
            self._lane = None
        if self._waiting is not None:
            self._waiting.cancel()

    async def _outcome_of(self, message: Message) -> _Outcome:
        lane = self._free_lane()
        self._waiting = asyncio.wrap_future(lane.submit(message))
        try:
            async with asyncio.timeout(self._limit):
                return await self._waiting
        except TimeoutError:
            self._leave(lane)
            # Raised from nothing, here and below: a chain of causes would be printed with what it quotes.
            raise ChannelUnavailable(f"channel {self.name}: no answer within {self._limit:g} seconds") from None
        except asyncio.CancelledError:
            self._leave(lane)
            task = asyncio.current_task()
            if self._closed and (task is None or not task.cancelling()):
                raise ChannelUnavailable(f"channel {self.name}: closed") from None
            raise
        finally:
            self._waiting = None

    def _free_lane(self) -> Lane[Message, _Outcome]:
        if self._closed:
            raise ChannelUnavailable(f"channel {self.name}: closed")
        if self._lane is None:
            self._stuck = [lane for lane in self._stuck if lane.alive]
            if len(self._stuck) >= STUCK_SENDS:
                raise ChannelUnavailable(f"channel {self.name}: {STUCK_SENDS} earlier messages are still on their way")
            self._lane = Lane(self.name, self._hand_over)
        return self._lane

    def _leave(self, lane: Lane[Message, _Outcome]) -> None:
        """Leave a thread to its hanging send; it ends with it."""
        lane.end()
        self._stuck.append(lane)
        self._lane = None

    def _hand_over(self, message: Message) -> _Outcome:
        """In the lane's thread: send, and once more, short, plain and as the URL says, where the service refuses it so."""
        kind = "success" if message.why is NotifyReason.RESOLVED else _KINDS[message.level]
        service, usual = self._voices.for_message(message), self._voices.usual
        outcome = self._attempt(service, *_fitting(service, clean(message.title), clean(message.body)), kind)
        stumbled = outcome.trouble == _STUMBLED or outcome.status in _TEXT_REFUSED
        # A service may refuse the priority alone: a phone number without voice, an account without critical alerts.
        unheard = service is not usual and outcome.status is not None and 400 <= outcome.status < 500
        if outcome.accepted or outcome.status == HTTPStatus.TOO_MANY_REQUESTS or not (stumbled or unheard):
            return outcome
        title, body = plain(message.title), shortened(plain(message.body), PLAIN_LENGTH)
        return self._attempt(usual, *_fitting(usual, title, body), kind)

    def _attempt(self, service: Any, title: str, body: str, kind: str) -> _Outcome:
        _forget_future_io(service)
        with hearing() as heard:
            try:
                accepted = bool(service.notify(body=body, title=title, notify_type=kind, **_AS_TEXT, **_overflow(service)))
            except Exception:  # noqa: BLE001 - 170 services, each with errors of its own; none of them is to be quoted
                return _Outcome(accepted=False, status=heard.status, retry_after=heard.retry_after, trouble=_STUMBLED)
        return _Outcome(accepted=accepted, status=heard.status, retry_after=heard.retry_after, trouble=heard.trouble)


def _fitting(service: Any, title: str, body: str) -> tuple[str, str]:
    """Title and body, cut so that the service's own limits hold for what apprise makes of them (escapes, a title in the body)."""
    if not body.strip():
        body = title.strip() or "margincall"
    if _overflow(service) == {}:
        return title, body
    if service.title_maxlen > 0:
        title = title[: service.title_maxlen]
    longest = service.body_maxlen

    def fits(text: str) -> bool:
        if not is_short(text):
            return False
        with hearing():
            calls = list(service._build_send_calls(body=text or " ", title=title, **_AS_TEXT, overflow="upstream"))  # noqa: SLF001 - what it would send is told nowhere else
        return longest <= 0 or all(len(call["body"]) <= longest for call in calls)

    try:
        return title, fitted(body, fits) or title or "margincall"
    except Exception:  # noqa: BLE001 - as for sending; then apprise cuts as it can
        return title, body


def _overflow(service: Any) -> dict[str, str]:
    """Apprise cuts what is still too long, unless the URL says that it is to be split."""
    mode = service.overflow_mode
    return {} if getattr(mode, "value", mode) == "split" else {"overflow": "truncate"}


def _service_of(name: str, url: str) -> Any:
    """The service object of a URL; apprise is imported only now, since verbs that read never need it."""
    pin_loggers()
    apprise = importlib.import_module("apprise")
    asset = apprise.AppriseAsset(storage_mode="memory", secure_logging=True)
    with hearing():
        try:
            service = apprise.Apprise.instantiate(url.strip(), asset=asset)
        except Exception:  # noqa: BLE001 - as for sending
            service = None
    if service is None:
        scheme = url.strip().partition("://")[0].lower()
        # What stands before "://" may be no scheme at all but a pasted token.
        known = scheme in importlib.import_module("apprise.manager_plugins").NotificationManager().schemas()
        what = f"its {scheme}:// URL cannot be used" if known else "its URL is not one that apprise knows"
        raise ChannelRefused(f"channel {name}: {what}")
    service.request_rate_per_sec = min(service.request_rate_per_sec, SPACING_SECONDS)
    return service


def _spoken(status: int) -> str:
    """An HTTP status with its name."""
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


def _forget_future_io(service: Any) -> None:
    """Apprise spaces sends by the wall clock and would sleep an hour after that clock went back one."""
    last = getattr(service, "_last_io_datetime", None)
    if last is not None and last > datetime.now():  # noqa: DTZ005 - apprise keeps local time here
        service._last_io_datetime = None  # noqa: SLF001 - the only door
