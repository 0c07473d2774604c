"""Rules: what is worth telling. One file per kind; a new kind is one new file here (and its test), nothing else."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from monitor.rules.base import Rule


@cache
def discover() -> dict[str, type[Rule]]:
    """Every rule kind by its name as written in the configuration: the ``RULE`` of each file in this folder."""
    kinds: dict[str, type[Rule]] = {}
    for module in iter_modules(__path__):
        rule = getattr(import_module(f"{__name__}.{module.name}"), "RULE", None)
        if rule is not None:
            kinds[rule.KIND] = rule
    return kinds


def kind_of(name: str) -> type[Rule]:
    """The rule kind of this name; ``Rule`` itself, for its defaults, where the name is not known (any more)."""
    return discover().get(name, Rule)
