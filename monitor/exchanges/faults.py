"""From what went wrong to an error of ours, by cause, HTTP status and the exchange's code; never by ccxt's class alone.

ccxt gives 429 and 418 one class, calls a cut body a refusal, and a failed name look-up the same as a reset. Its texts hold
signed URLs and headers, so none of them goes on: neither in a message nor as the cause of our error.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Collection
from typing import Any

import aiohttp

from monitor.errors import (
    AuthRejected,
    BadReply,
    CallRefused,
    ClockSkew,
    ExchangeDown,
    ExchangeFault,
    MargincallError,
    TimedOut,
    Unreachable,
)
from monitor.exchanges.dialect import Dialect, Refusal, Reply

_SECRET_LIKE = re.compile(r"https?://\S+|(?:signature|sign|key|token|secret)\s*[=:]\s*\S+|[A-Za-z0-9+/_=-]{32,}", re.IGNORECASE)
_BLANKS = re.compile(r"[\x00-\x20\x7f]+")
_TRANSPORT: tuple[tuple[tuple[type[BaseException], ...], type[ExchangeFault], str], ...] = (
    ((TimeoutError,), TimedOut, "no whole answer in time"),
    ((aiohttp.ClientHttpProxyError, aiohttp.ClientProxyConnectionError), Unreachable, "the proxy did not let us through"),
    ((ssl.SSLError, ssl.CertificateError, aiohttp.ClientSSLError), Unreachable, "the exchange's certificate is not trusted"),
    ((aiohttp.ClientConnectorDNSError,), Unreachable, "the exchange's name did not resolve"),
    ((aiohttp.ClientConnectorError,), Unreachable, "the connection was refused"),
    ((aiohttp.ClientPayloadError,), BadReply, "the answer broke off"),
    ((aiohttp.ClientConnectionError, OSError), Unreachable, "the connection was lost"),
    ((aiohttp.ClientError,), BadReply, "the answer is not HTTP"),
)
"""What went wrong on the way, the narrower cause before the wider."""

_CCXT_CLASSES: dict[str, type[ExchangeFault]] = {
    "AuthenticationError": AuthRejected,
    "PermissionDenied": AuthRejected,
    "AccountNotEnabled": AuthRejected,
    "AccountSuspended": AuthRejected,
    "InvalidNonce": ClockSkew,
    "OnMaintenance": ExchangeDown,
    "ExchangeNotAvailable": ExchangeDown,
    "RequestTimeout": ExchangeDown,
}


def of_transport(error: BaseException, path: str) -> ExchangeFault:
    """The fault behind an exception of the way there and back; ``path`` names the call."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    for seen in chain:
        if isinstance(seen, ExchangeFault):
            return seen
        for kinds, fault, text in _TRANSPORT:
            if isinstance(seen, kinds):
                return fault(f"{text} ({path})")
    return BadReply(f"the answer could not be read ({type(error).__name__}, {path})")


def of_reply(reply: Reply, dialect: Dialect, *, ccxt_view: Callable[[], None], secrets: Collection[str]) -> ExchangeFault | None:
    """The fault that a whole reply tells, None for a good one.

    The exchange's own code decides; a code unknown to us is looked up in ccxt's table before it becomes a CallRefused.
    """
    is_json = isinstance(reply.payload, dict | list)
    refusal = dialect.refusal(reply.payload) if is_json else None
    if refusal is None:
        return None if is_json and reply.status < 400 else _of_status(reply.status, reply.path)
    known = dialect.codes.get(refusal.code)
    if known is None and reply.status >= 500:
        known = ExchangeDown
    if known is None:
        known = _ccxt_class(ccxt_view)
    if known is None and reply.status in {401, 403}:
        known = AuthRejected
    hint = dialect.hints.get(refusal.code, "")
    return (known or CallRefused)(_told(refusal, reply.path, secrets), code=refusal.code, hint=hint)


def _of_status(status: int, path: str) -> ExchangeFault:
    """The fault of a reply without a word of the exchange."""
    code = str(status)
    if status >= 500:
        return ExchangeDown(f"the exchange answered {status} ({path})", code=code)
    if status in {401, 403}:
        return AuthRejected(f"the exchange answered {status} ({path})", code=code)
    if status == 451:
        return AuthRejected(f"the exchange does not serve this location ({path})", code=code)
    if status >= 400:
        return CallRefused(f"the exchange answered {status} ({path})", code=code)
    return BadReply(f"the answer holds no data: empty, cut or not JSON ({path})")


def _ccxt_class(ccxt_view: Callable[[], None]) -> type[ExchangeFault] | None:
    """What ccxt's table of codes makes of the reply, where that says more than "refused"."""
    try:
        ccxt_view()
    except MargincallError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever ccxt raises is only looked at, by the names of its classes
        for seen in type(error).__mro__:
            if seen.__name__ in _CCXT_CLASSES:
                return _CCXT_CLASSES[seen.__name__]
    return None


def _told(refusal: Refusal, path: str, secrets: Collection[str]) -> str:
    """The refusal in one line: its code, the exchange's short text without anything secret, and the call."""
    return f"the exchange said {refusal.code}: {scrubbed(refusal.text, secrets)} ({path})"


def scrubbed(text: Any, secrets: Collection[str]) -> str:
    """Foreign text fit for a message: no secrets, no URLs, nothing that looks like a key, one line, at most 120 characters."""
    line = _BLANKS.sub(" ", str(text))
    for secret in secrets:
        if secret:
            line = line.replace(secret, "***")
    return _SECRET_LIKE.sub("***", line)[:120].strip()
