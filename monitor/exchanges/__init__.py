"""The exchanges, one folder each. Importing this package imports neither an exchange nor ccxt."""

from __future__ import annotations

import importlib
import pkgutil

from monitor.exchanges.spec import ExchangeSpec


def names() -> tuple[str, ...]:
    """The exchanges there are, by their folders."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg))


def load(name: str) -> ExchangeSpec:
    """The ``SPEC`` of the folder ``name``; raises LookupError for a name that has none."""
    if name not in names():
        raise LookupError(f"no exchange named {name}")
    spec: ExchangeSpec = importlib.import_module(f"{__name__}.{name}").SPEC
    return spec
