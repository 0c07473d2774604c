"""Which exchanges there are: the folders under ``exchanges/`` that have a ``settings.py`` with a class ``Settings``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated

from pydantic import Field, PlainValidator

import monitor.exchanges
from monitor.config.account import AccountSettings
from monitor.config.suggest import did_you_mean
from monitor.config.units import complain


@cache
def exchanges() -> dict[str, type[AccountSettings]]:
    """The settings of an account on each exchange, by the folder's name."""
    found: dict[str, type[AccountSettings]] = {}
    for module in iter_modules(monitor.exchanges.__path__):
        if any((Path(folder) / module.name / "settings.py").is_file() for folder in monitor.exchanges.__path__):
            found[module.name] = import_module(f"{monitor.exchanges.__name__}.{module.name}.settings").Settings
    return found


def account_model(value: object) -> type[AccountSettings]:
    """The settings class for an account as written; where its exchange is not known, one that says so."""
    exchange = value.get("exchange") if isinstance(value, Mapping) else None
    return exchanges().get(exchange, UnknownExchange) if isinstance(exchange, str) else UnknownExchange


def read_account(value: object) -> AccountSettings:
    """The account as its own exchange understands it."""
    return value if isinstance(value, AccountSettings) else account_model(value).model_validate(value)


def _refuse_exchange(value: object) -> str:
    known = sorted(exchanges())
    complain(f"must be one of {', '.join(known)}{did_you_mean(value, known)}")


class UnknownExchange(AccountSettings):
    """An account whose exchange is missing or not known: everything else in it is still checked."""

    exchange: Annotated[str, PlainValidator(_refuse_exchange)] = Field(default="", validate_default=True)
    """The exchange that holds the account."""
