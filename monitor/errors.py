"""Every error that margincall raises on purpose, on one page.

    MargincallError                     one sentence, ``retryable``, ``hint`` (what a person can do)
    ├── BadQuantity                     text that is not a finite decimal number
    ├── BadReading                      a well-formed reply whose content cannot be true
    ├── ConfigError                     the configuration cannot be used; carries every Problem at once (exit 78)
    ├── InstanceRunning                 another daemon holds this store
    ├── NoSuchAlert                     a person named an alert or a silence that is not there
    ├── TopUpRefused                    a person's own margin change, or a request about policies, cannot be done
    ├── TopUpsStopped                   the kill switch is thrown: nothing may be sent
    ├── ExchangeFault                   a call to an exchange did not give an answer that can be used
    │   ├── Unreachable                 DNS, refused, TLS, reset: no reply at all
    │   ├── TimedOut                    no whole reply within the deadline
    │   ├── BadReply                    a reply that is empty, HTML, cut, null, too large or in the wrong envelope
    │   ├── ExchangeDown                the exchange says that it is ill (5xx, maintenance, system busy)
    │   ├── RateLimited                 too many requests; carries the time before which nothing may be sent
    │   ├── ClockSkew                   the exchange refused our timestamp
    │   ├── AuthRejected                key, signature, IP or permission refused: a person must act
    │   ├── NotOpened                   the account has not opened this part of the exchange
    │   ├── CallRefused                 any other refusal, with the exchange's own code
    │   ├── CallForbidden               the call is not on margincall's own allow-list (a bug of ours, stopped)
    │   ├── WriteNotSent                a write that certainly did not leave this machine: nothing has changed
    │   ├── WriteRefused                a write that the exchange certainly refused: nothing has changed
    │   └── OutcomeUnknown              a write that did not answer clearly: reconcile, never repeat
    ├── NotifyFault                     a channel did not accept a message
    │   ├── ChannelUnavailable          may work later; carries retry_after where the service names one
    │   └── ChannelRefused              will not work until a person mends it (401, 403, 404, bad URL)
    └── StoreFault                      the store cannot do what was asked
        ├── StoreMissing                no store file where one was looked for (exit 2)
        ├── StoreUnavailable            full, locked or read-only: may work later
        ├── StoreCorrupt                the file is damaged
        └── StoreTooNew                 written by a newer margincall

Adapters translate at their own door (``raise ... from error``) and raise nothing else. No message of these classes holds a
secret: they are built from our own words, the exchange's code and its short text, never from ``str()`` of a foreign error.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


class MargincallError(Exception):
    """Something margincall knows how to describe; ``hint`` says what a person can do about it."""

    retryable: ClassVar[bool] = False
    hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = hint or type(self).hint


class BadQuantity(MargincallError, ValueError):
    """A text that should be a finite decimal number is not one."""


class BadReading(MargincallError):
    """A reply is well formed but cannot be true (a negative price, a position without its margin)."""

    retryable = True
    hint = "If it lasts, compare the position on the exchange's own page and report the reply."


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with the configuration.

    ``file`` and ``line`` (from 1) are empty where the value did not come from a file; ``path`` is dotted
    (``accounts.main.poll.near``); ``message`` never holds a secret's value.
    """

    file: str
    line: int | None
    path: str
    message: str

    def render(self) -> str:
        """``file:line: path: message``, leaving out what is not known."""
        where = self.file + (f":{self.line}" if self.line is not None else "")
        return ": ".join(part for part in (where, self.path, self.message) if part)


class ConfigError(MargincallError):
    """The configuration cannot be used; ``problems`` lists everything that is wrong with it."""

    exit_code: ClassVar[int] = 78

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(problem.render() for problem in problems))
        self.problems = problems


class InstanceRunning(MargincallError):
    """Another margincall daemon is running on this store."""

    hint = "Stop it first, or use the verbs that read the store."


class NoSuchAlert(MargincallError):
    """A person named an alert or a silence that is not there (any more)."""

    hint = "`margincall alerts list` shows what is open."


class TopUpRefused(MargincallError):
    """A person asked for a margin change or for something about the policies, and it cannot be done."""

    hint = "`margincall topups list` shows the policies and what keeps them from acting."


class TopUpsStopped(MargincallError):
    """The kill switch is thrown: no margin is changed until `margincall topups start`."""

    hint = "`margincall topups start` releases it; a STOP file in the store's folder must be removed."


class ExchangeFault(MargincallError):
    """A call to an exchange did not give an answer that can be used; ``code`` is the exchange's own, where it gave one."""

    retryable = True

    def __init__(self, message: str, *, code: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class Unreachable(ExchangeFault):
    """No reply: the name did not resolve, or the connection was refused, reset or not trusted."""

    hint = "Check this machine's network and the exchange's status page."


class TimedOut(ExchangeFault):
    """No whole reply within the deadline."""

    hint = "Check this machine's network and the exchange's status page."


class BadReply(ExchangeFault):
    """A reply without meaning: empty, HTML, cut, null, too large, or not in the exchange's envelope."""

    hint = "The exchange or something before it is ill; it is asked again at the next poll."


class ExchangeDown(ExchangeFault):
    """The exchange says that it cannot answer now (5xx, maintenance, overload)."""

    hint = "Check the exchange's status page."


class RateLimited(ExchangeFault):
    """The exchange asked for silence; nothing is sent before ``until`` (aware UTC)."""

    hint = "Fewer accounts or slower polls on this IP address."

    def __init__(self, message: str, *, until: datetime, code: str = "", hint: str = "") -> None:
        super().__init__(message, code=code, hint=hint)
        self.until = until


class ClockSkew(ExchangeFault):
    """The exchange refused the timestamp of a signed request."""

    hint = "Keep this machine's clock in step (NTP)."


class AuthRejected(ExchangeFault):
    """The exchange refused the key, its signature, this IP address or the key's permission."""

    retryable = False
    hint = "Check that the secret is this key's, and on the exchange that the key exists, may read, and allows this machine's IP."


class NotOpened(ExchangeFault):
    """The account has not opened this part of the exchange; there is nothing to watch in it."""

    retryable = False


class CallRefused(ExchangeFault):
    """The exchange refused the call with a code that has no class of its own here."""

    retryable = False


class CallForbidden(ExchangeFault):
    """A call that is not on margincall's own allow-list was stopped before it was sent."""

    retryable = False
    hint = "This is a bug in margincall: please report it."


class WriteNotSent(ExchangeFault):
    """A write certainly did not leave this machine (no name, no connection, no trust, our own pause): nothing has changed."""


class WriteRefused(ExchangeFault):
    """The exchange refused a write with a code of the allow-list of refusals: nothing has changed."""

    retryable = False


class OutcomeUnknown(ExchangeFault):
    """A write was sent and its result is not known: read the position again, never repeat the write."""

    retryable = False


class NotifyFault(MargincallError):
    """A channel did not accept a message."""


class ChannelUnavailable(NotifyFault):
    """A channel could not take the message now; ``retry_after`` seconds where the service named a wait."""

    retryable = True

    def __init__(self, message: str, *, retry_after: float | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class ChannelRefused(NotifyFault):
    """A channel will not take messages until a person mends it (bad token, unknown chat, unusable URL)."""

    hint = "Check the channel's URL, token and target; `margincall test-alert` tries it."


class StoreFault(MargincallError):
    """The store cannot do what was asked."""


class StoreMissing(StoreFault):
    """There is no store file at any of the places where one was looked for."""

    exit_code: ClassVar[int] = 2


class StoreUnavailable(StoreFault):
    """The store is full, locked or read-only for now."""

    retryable = True
    hint = "Check free disk space and the folder's rights."


class StoreCorrupt(StoreFault):
    """The store file is damaged."""

    hint = "Move the file aside; margincall starts a new one. History before that stays in the old file."


class StoreTooNew(StoreFault):
    """The store was written by a newer margincall than this one."""

    hint = "Upgrade margincall, or give `store:` another path."
