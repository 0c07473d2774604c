"""Logs: structlog for everything; text for a terminal, JSON lines for systemd and files; and no secret in any of them.

The scrubber has three layers, since each alone leaks (measured): known secret values in every form that they are written in,
patterns of foreign texts (signed URLs, bot tokens, credentials in URLs), and the names of keys that hold secrets. Loggers that
are not ours can print headers and URLs at DEBUG: they stay at INFO whatever level is asked for, and whatever they ask for. What
nobody catches goes the same way: a bare traceback on standard error would pass by the scrubber.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
from base64 import b64encode
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, TextIO
from urllib.parse import parse_qsl, quote, quote_plus, unquote

import structlog

from monitor.daemon.loglines import Lines, width_of

HIDDEN = "[hidden]"
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
SHORTEST_PART = 8
"""The same for the parts of a URL, among which are words such as a path."""
SHORTEST_ENCODED = 8
"""The same for values that are searched for in hexadecimal and base64."""
URL_SAFE = str.maketrans("+/", "-_")
"""From the alphabet of base64 to that of its form for URLs."""
OURS = (
    *("control", "cycle", "daemon", "deliver", "doctor", "guard", "heartbeat", "housekeeping", "inquiry", "keys", "schedule"),
    *("topup", "watchdog", "web"),
)
"""The loggers that can be asked for DEBUG; every other one is somebody else's and may print headers, URLs or bodies there."""


def forms_of(secret: str) -> set[str]:
    """Every form in which a secret is searched for: as it is, as URLs, JSON and Python write it, in hexadecimal and base64; and
    for a URL also its parts, since whoever quotes it quotes it in part (a bot's token inside another address).
    """
    forms: set[str] = set()
    for text in (secret, *_parts(secret)):
        raw = text.encode()
        quoted = (quote(text, safe=""), quote(text), quote_plus(text), quote(quote(text, safe=""), safe=""))
        forms.update((text, *quoted, *(_lower_escapes(one) for one in quoted), json.dumps(text)[1:-1], repr(text)[1:-1]))
        if len(raw) >= SHORTEST_ENCODED:
            forms.update((raw.hex(), raw.hex().upper(), *_inside_base64(raw)))
    return {form for form in forms if len(form) >= SHORTEST}


def _parts(secret: str) -> list[str]:
    """The parts of a URL that can be secrets: user, password, path and query, and a host that is no name (a token there)."""
    scheme, found, rest = secret.partition("://")
    if not found or not scheme.isalnum():
        return []
    before, _, query = rest.partition("?")
    place, *path = before.split("/")
    login, _, host = place.rpartition("@")
    values = [value for _, value in parse_qsl(query)]
    hosts = [] if "." in host or host.startswith("localhost") else [host, *host.split(":")]
    parts = [login, *login.split(":"), *hosts, *path, *values]
    return [part for part in (*parts, *(unquote(part) for part in parts)) if len(part) >= SHORTEST_PART]


def _lower_escapes(quoted: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), quoted)


def _inside_base64(raw: bytes) -> set[str]:
    """What is the same of ``raw`` in the base64 of any text that holds it, whatever stands before and after it."""
    forms: set[str] = set()
    for before in range(3):
        encoded = b64encode(b"\0" * before + raw).decode().rstrip("=")
        # The first characters mix with what stands before; the last one, where the bytes do not fill it, with what follows.
        start = (before * 8 + 5) // 6
        end = (before + len(raw)) * 8 // 6
        forms |= {encoded[start:end], encoded[start:end].translate(URL_SAFE)}
    return forms


class Scrubber:
    """A structlog processor that hides secrets in every value of an event, whatever its depth."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {form for secret in secrets if len(secret) >= SHORTEST for form in forms_of(secret)}
        self._known = re.compile("|".join(re.escape(form) for form in sorted(known, key=len, reverse=True))) if known else None

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Scrub one log event."""
        del logger, method
        for key in list(event):
            event[key] = self._value(key, event[key])
        return event

    def text(self, text: str) -> str:
        """``text`` without known secrets and without what looks like one."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
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


class JournalLines:
    """JSON after the priority that systemd's journal takes off (``sd-daemon(3)``), so that ``journalctl -p err`` works."""

    PRIORITIES: Mapping[str, int] = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}

    def __init__(self) -> None:
        self._json = structlog.processors.JSONRenderer()

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        """One event as its line."""
        priority = self.PRIORITIES.get(str(event.get("level")), 6)
        return f"<{priority}>{self._json(logger, method, event)!s}"


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether ``stream`` is the journal's: ``$JOURNAL_STREAM`` names its device and inode (``systemd.exec(5)``).

    The variable alone says nothing: whoever starts a shell from a unit hands it on.
    """
    try:
        seen = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM", "") == f"{seen.st_dev}:{seen.st_ino}"


def _renderer(stream: TextIO, environ: Mapping[str, str]) -> Any:
    if is_journal(stream, environ):
        return JournalLines()
    if stream.isatty():
        colours = not environ.get("NO_COLOR") and environ.get("TERM", "") != "dumb"
        return Lines(ours=frozenset(OURS), width=lambda: width_of(stream), colours=colours)
    return structlog.processors.JSONRenderer()


class _Handler(logging.StreamHandler[TextIO]):
    """One that fails quietly: the standard one prints what it could not write, before anybody scrubbed it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name in the standard library
        with suppress(OSError, ValueError):
            self.stream.write(f"a log line of {record.name} could not be written ({type(sys.exc_info()[1]).__name__})\n")


class _KnownOnly(logging.Filter):
    """Lets nothing below INFO through that is not ours, since a library may set its own loggers to DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO or record.name in OURS


def configure(level: str, *, secrets: Iterable[str] = (), environ: Mapping[str, str] = os.environ) -> None:
    """Send structlog and stdlib records through one chain to standard error, scrubbed; so too what a thread does not catch."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = _Handler(sys.stderr)
    handler.addFilter(_KnownOnly())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                Scrubber(secrets),
                _renderer(sys.stderr, environ),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    asked = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(logging.INFO, asked))
    for name in OURS:
        logging.getLogger(name).setLevel(asked)
    logging.getLogger("apscheduler").setLevel(max(logging.WARNING, asked))
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_thread
    sys.unraisablehook = _log_unraisable


def _log_thread(what: threading.ExceptHookArgs) -> None:
    """A thread that ended with what it did not catch."""
    if what.exc_type is not SystemExit and what.exc_value is not None:
        structlog.get_logger("daemon").error("thread.died", exc_info=what.exc_value)


def _log_unraisable(what: sys.UnraisableHookArgs) -> None:
    """What went wrong where nobody could be told, as while something was being thrown away."""
    structlog.get_logger("daemon").error("cleanup.failed", exc_info=what.exc_value)
