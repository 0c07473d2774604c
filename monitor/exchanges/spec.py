"""What an exchange folder exports (`SPEC`), and what an account brings to it (`Access`).

A folder's ``__init__`` holds its ``SPEC`` and nothing heavy: its ``build`` imports the client, and with it ccxt, only when
an account is really built, so that verbs which read the store start fast.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from monitor.exchanges.pacing import Pacer
from monitor.margin.position import Contract
from monitor.ports import Clock, Exchange, MarginWriter
from monitor.topups.policy import Grain


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One account's way to its exchange; the secrets never show in a repr.

    ``endpoint`` (``http://127.0.0.1:8000``) replaces scheme, host and port of every URL; ``region`` names a regional site;
    ``proxy`` is a URL (http, https, socks4, socks5, socks5h).
    """

    account: str
    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    passphrase: str = field(default="", repr=False)
    endpoint: str | None = None
    region: str | None = None
    proxy: str | None = field(default=None, repr=False)
    demo_trading: bool = False
    contracts: frozenset[Contract] = frozenset(Contract)

    def ip_scope(self, exchange: str) -> str:
        """The pacing scope of limits that count by IP address: one for all accounts that leave by the same way."""
        way = "|".join((self.endpoint or "", self.region or "", self.proxy or "", "demo" if self.demo_trading else ""))
        if way == "|||":
            return exchange
        return f"{exchange}|{hashlib.sha256(way.encode()).hexdigest()[:8]}"

    def account_scope(self, exchange: str) -> str:
        """The pacing scope of limits that count by account."""
        return f"{exchange}|{self.account}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSpec:
    """One exchange: its name, the secrets an account needs, its families with the contracts each holds, and how to build.

    ``build`` imports ccxt and gives an adapter of the port ``Exchange``; it opens no connection yet. ``build_writer`` does the
    same for the port ``MarginWriter``; its Access holds the account's top-up credential. ``grains``: what amounts of margin the
    exchange accepts, by settle currency, with ``""`` for any other.
    """

    name: str
    secrets: tuple[str, ...]
    families: Mapping[str, frozenset[Contract]]
    build: Callable[[Access, Pacer, Clock], Exchange]
    build_writer: Callable[[Access, Pacer, Clock], MarginWriter]
    grains: Mapping[str, Grain]

    def families_for(self, contracts: Collection[Contract]) -> tuple[str, ...]:
        """The families that can hold one of ``contracts``, in this exchange's order."""
        return tuple(name for name, holds in self.families.items() if holds & set(contracts))
