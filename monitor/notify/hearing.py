"""Hearing: what a service answered while one thread was sending, and nothing of it in the logs.

apprise returns a bare yes or no. What is behind a no decides what to do (a person must mend the token, or wait so long), so
while a thread is ``hearing`` two places are listened to:

- every reply of ``requests``, which nearly all of apprise's services use: its status and ``Retry-After``, or the wait that
  Telegram and Discord name in the body of a 429. The library has no hook for this, so ``Session.send`` is wrapped, once, and
  only listens in threads that ask for it;
- apprise's own log lines, for the status that they end in (``error=401.``) where a service speaks through something else.

Those log lines, and urllib3's, can quote a URL with a token in it: in a thread that is hearing they go no further.
"""

from __future__ import annotations

import functools
import importlib
import json
import logging
import math
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

_PINNED = ("apprise", "urllib3", "requests")
_HEARD = ("apprise", "requests", "urllib3", "urllib3.connection", "urllib3.connectionpool", "urllib3.util.retry")

LONGEST_BODY = 65_536
"""Bytes of a reply that is looked into."""

_STATUS = re.compile(r"\berror=([1-5]\d\d)\b")

_thread = threading.local()
_installing = threading.Lock()
_installed = False


@dataclass(slots=True)
class Heard:
    """The last failed reply, or else the last one. ``trouble``: in our words, why there was no reply."""

    status: int | None = None
    retry_after: float | None = None
    trouble: str = ""

    def reply(self, status: int, retry_after: float | None) -> None:
        """A reply came."""
        if status >= 300 or self.status is None or self.status < 300:
            self.status, self.retry_after = status, retry_after


@contextmanager
def hearing() -> Iterator[Heard]:
    """Within: what services answer to this thread is noted in the result, and nothing is logged for it."""
    _install()
    heard = Heard()
    _thread.heard = heard
    try:
        yield heard
    finally:
        _thread.heard = None


def pin_loggers() -> None:
    """Keep the libraries' loggers from DEBUG, whatever the program's level: there they write tokens in the open."""
    for name in _PINNED:
        logger = logging.getLogger(name)
        if logger.level < logging.INFO:
            logger.setLevel(logging.INFO)


def seconds_of(retry_after: str | None, now: datetime) -> float | None:
    """The wait of a ``Retry-After`` header (RFC 9110, 10.2.3: seconds or a date; fractions are seen too), None if unreadable."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(retry_after) - now).total_seconds()
        except (ValueError, TypeError):
            # TypeError: a date without a zone.
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def seconds_in(body: bytes) -> float | None:
    """The wait that a JSON body names: Telegram's ``parameters.retry_after``, Discord's ``retry_after``, in seconds."""
    if len(body) > LONGEST_BODY:
        return None
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    parameters = told.get("parameters")
    wait = parameters.get("retry_after") if isinstance(parameters, dict) else told.get("retry_after")
    # bool is an int to Python.
    if isinstance(wait, bool) or not isinstance(wait, int | float) or not math.isfinite(wait):
        return None
    return max(0.0, float(wait))


class _Ear(logging.Filter):
    """Takes a hearing thread's records out of the log and reads the status in them."""

    def filter(self, record: logging.LogRecord) -> bool:
        heard: Heard | None = getattr(_thread, "heard", None)
        if heard is None:
            return True
        status = _STATUS.search(record.getMessage())
        if status and heard.status is None:
            heard.status = int(status[1])
        return False


def _install() -> None:
    """Set up listening, once in the life of the process."""
    global _installed  # noqa: PLW0603 - one process has one `requests`
    with _installing:
        if _installed:
            return
        for name in _HEARD:
            logging.getLogger(name).addFilter(_Ear())
        requests = importlib.import_module("requests")
        send = requests.Session.send

        @functools.wraps(send)
        def send_heard(session: Any, request: Any, **options: Any) -> Any:
            heard: Heard | None = getattr(_thread, "heard", None)
            if heard is None:
                return send(session, request, **options)
            try:
                response = send(session, request, **options)
            except requests.RequestException as error:
                heard.trouble = _trouble_of(error, requests.exceptions)
                raise
            wait = seconds_of(response.headers.get("Retry-After"), datetime.now(UTC))
            if wait is None and response.status_code == HTTPStatus.TOO_MANY_REQUESTS and not options.get("stream"):
                wait = seconds_in(response.content)
            heard.reply(response.status_code, wait)
            return response

        requests.Session.send = send_heard
        _installed = True


def _trouble_of(error: Exception, kinds: Any) -> str:
    """Why there was no reply, in our own words."""
    if isinstance(error, kinds.Timeout):
        return "it did not answer in time"
    if isinstance(error, kinds.SSLError):
        return "its certificate is not trusted"
    if isinstance(error, kinds.ConnectionError):
        return "no connection"
    return "the connection broke"
