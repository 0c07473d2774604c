"""Matches: which alerts a route speaks of, and which positions and accounts have rules of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Self

from pydantic import AfterValidator, PlainValidator, model_validator

from monitor.alerts.matching import Matcher
from monitor.config.channels import ChannelNames
from monitor.config.exchanges import exchanges
from monitor.config.rules import Entry, RuleEntries
from monitor.config.strict import Strict, complain_at
from monitor.config.suggest import did_you_mean
from monitor.config.units import complain
from monitor.config.yamlfile import KeyPath
from monitor.lives.event import EventKind
from monitor.margin.position import Side
from monitor.rules import discover
from monitor.rules.base import Scope

Check = Callable[[str], str | None]
"""What is wrong with one pattern, None for nothing."""

_OF_POSITIONS = {Scope.POSITION, Scope.UNGUARDED}
_OF_ACCOUNTS = {Scope.FAMILY, Scope.ACCOUNT}
_LOWER_CASE = re.compile(r"[a-z]")


def is_pattern(text: str) -> bool:
    """Whether ``text`` may stand for many: it has a ``*`` or a ``?``."""
    return "*" in text or "?" in text


def _patterns(check: Check) -> PlainValidator:
    def read(value: object) -> tuple[str, ...]:
        if isinstance(value, str):
            if (message := _wrong(value, check)) is not None:
                complain(message)
            return (value,)
        if not isinstance(value, list):
            complain("must be a text or a list of texts")
        if not value:
            complain("name at least one, or leave the key out")
        wrong = {index: message for index, one in enumerate(value) if (message := _wrong(one, check)) is not None}
        if wrong:
            complain_at(wrong)
        return tuple(value)

    return PlainValidator(read)


def _wrong(value: object, check: Check) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return "must be a text; put quotes around one that begins with * or ?"
    if "[" in value or "]" in value:
        return "only * (anything) and ? (any one character) are patterns"
    return check(value)


def _any(text: str) -> str | None:
    """An account's name is held against the accounts that there are: see ``references``."""
    del text
    return None


def _one_of(choices: Callable[[], list[str]]) -> Check:
    def check(text: str) -> str | None:
        known = choices()
        if is_pattern(text) or text in known:
            return None
        return f"must be one of {', '.join(known)}{did_you_mean(text, known)}"

    return check


def _symbol(text: str) -> str | None:
    if _LOWER_CASE.search(text):
        return "a symbol is written in capitals, such as DOGE/USDT:USDT"
    if not is_pattern(text) and not ("/" in text and ":" in text):
        return "a symbol is written with its settle currency, such as DOGE/USDT:USDT, or as a pattern such as DOGE/*"
    return None


def _sides() -> list[str]:
    return [side.value for side in Side]


def _told_kinds() -> list[str]:
    """Everything that a message may be about: rules, events, automatic margin, and what happened while nothing watched."""
    return sorted({*discover(), *(kind.value for kind in EventKind), "top_up", "meanwhile"})


class Match(Strict):
    """What must fit: every key that is given, each by one of its texts."""

    account: Annotated[tuple[str, ...], _patterns(_any)] = ()
    """The name of an account, or several."""
    exchange: Annotated[tuple[str, ...], _patterns(_one_of(lambda: sorted(exchanges())))] = ()
    """An exchange, or several."""
    symbol: Annotated[tuple[str, ...], _patterns(_symbol)] = ()
    """A symbol such as DOGE/USDT:USDT, or several; a pattern such as DOGE/* (readings of a whole account have no symbol)."""
    side: Annotated[tuple[str, ...], _patterns(_one_of(_sides))] = ()
    """long or short."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            complain(f"an empty match fits everything: name at least one of {', '.join(type(self).model_fields)}")
        return self

    def matcher(self) -> Matcher:
        """The same for decisions."""
        return Matcher(**{name: getattr(self, name) for name in type(self).model_fields})


class RouteMatch(Match):
    """What must fit an alert."""

    rule: Annotated[tuple[str, ...], _patterns(_one_of(_told_kinds))] = ()
    """The kind of a rule or of an event, top_up or meanwhile; or several."""


class RouteSettings(Strict):
    """Other channels for some alerts."""

    match: RouteMatch
    """Which alerts: by account, exchange, symbol, side or rule."""
    channels: ChannelNames
    """Who hears of them, in place of their level's channels."""


def _some_rules(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    if not entries:
        complain("name at least one rule: without any, nothing is different there")
    return entries


class OverrideSettings(Strict):
    """Other rules for some positions or accounts."""

    match: Match
    """Which positions and accounts: by account, exchange, symbol or side."""
    rules: Annotated[RuleEntries, AfterValidator(_some_rules)]
    """Their rules; the list replaces only the kinds it names."""

    @model_validator(mode="after")
    def _rules_that_can_apply(self) -> Self:
        complaints: dict[KeyPath, str] = {}
        for index, entry in enumerate(self.rules):
            scope = discover()[entry.kind].SCOPE
            if scope not in _OF_POSITIONS | _OF_ACCOUNTS:
                complaints["rules", index, "kind"] = (
                    f"{entry.kind} looks at no position or account: set it in the list of all rules"
                )
            elif scope in _OF_ACCOUNTS and (self.match.symbol or self.match.side):
                complaints["rules", index, "kind"] = (
                    f"{entry.kind} looks at whole accounts: match it by account or exchange alone"
                )
        if complaints:
            complain_at(complaints)
        return self
