"""Logs: structlog for everything; text for a terminal, JSON lines under systemd; and no secret in any of them.

The scrubber has three layers, since each alone leaks (measured): known secret values, patterns of foreign texts (signed URLs,
bot tokens, credentials in URLs), and the names of keys that hold secrets. Foreign loggers that print headers and URLs at DEBUG
are kept at INFO whatever level is asked for.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote, quote_plus

import structlog

HIDDEN = "[hidden]"
FOREIGN = ("ccxt", "apprise", "urllib3", "requests", "aiohttp", "apscheduler", "asyncio")
SECRET_KEYS = re.compile(
    r"api.?key|secret|passphrase|password|token|signature|authorization|x-mbx-apikey|ok-access", re.IGNORECASE
)
PATTERNS = (
    re.compile(r"(?i)(signature=)[^&\s\"']+"),
    re.compile(r"(?i)\b(bot)?\d{6,}:[A-Za-z0-9_-]{20,}"),
    re.compile(r"(?i)(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
    re.compile(r"(?i)((?:x-mbx-apikey|x-bapi-api-key|x-bapi-sign|ok-access-[a-z]+)['\"]?\s*[:=]\s*['\"]?)[^\s'\",}]+"),
)
SHORTEST = 6
"""Known values shorter than this are not searched for: they would hide ordinary words."""


class Scrubber:
    """A structlog processor that hides secrets in every value of an event, whatever its depth."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {
            form for secret in secrets if len(secret) >= SHORTEST for form in (secret, quote(secret, safe=""), quote_plus(secret))
        }
        self._known = sorted(known, key=len, reverse=True)

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Scrub one log event."""
        del logger, method
        for key in list(event):
            event[key] = self._value(key, event[key])
        return event

    def text(self, text: str) -> str:
        """``text`` without known secrets and without what looks like one."""
        for secret in self._known:
            text = text.replace(secret, HIDDEN)
        for pattern in PATTERNS:
            text = pattern.sub(lambda match: (match.group(1) or "") + HIDDEN if match.re.groups else HIDDEN, text)
        return text

    def _value(self, key: str, value: Any) -> Any:
        if SECRET_KEYS.search(key):
            return HIDDEN
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {str(name): self._value(str(name), inner) for name, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value("", inner) for inner in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(str(value))


def configure(level: str, *, secrets: Iterable[str] = (), environ: Mapping[str, str] = os.environ) -> None:
    """Send structlog and stdlib records through one chain to standard error, scrubbed."""
    for_people = sys.stderr.isatty() and "JOURNAL_STREAM" not in environ
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if for_people
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, Scrubber(secrets), renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in FOREIGN:
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLevelName(level.upper())))
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
