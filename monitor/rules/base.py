"""The vocabulary of rules: levels, verdicts, subjects, and what a rule is.

A rule kind is one file in this folder: a frozen dataclass of parameters named in ``RULE``, with a ``judge`` method. It is
found by ``monitor.rules.discover()``; ``config`` reads its fields, types and docstrings to validate and explain the user's
YAML. Rule files never import each other and know nothing of alerts: they turn figures into a Judgement, and that is all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, NamedTuple


class Level(IntEnum):
    """How bad it is; higher is worse."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3
    EMERGENCY = 4

    @property
    def label(self) -> str:
        """The level as written in config, JSON and messages."""
        return self.name.lower()


class Unit(Enum):
    """How a number is written in the configuration: ``60%``, ``1.5x``; durations (timedelta) as ``30s``."""

    SHARE = "share"
    RATIO_OR_MULTIPLE = "ratio_or_multiple"


Share = Annotated[Decimal, Unit.SHARE]
"""A share between 0 and 1, written ``60%`` in the configuration."""


class Verdict(Enum):
    """The outcome of one rule on one subject. UNKNOWN resolves nothing."""

    BREACH = "breach"
    DEAD_BAND = "dead_band"
    CLEAR = "clear"
    UNKNOWN = "unknown"


class Judgement(NamedTuple):
    """What a rule says of one subject now.

    ``level``: the level in breach, or the level that the dead band holds; None when CLEAR or UNKNOWN. ``value`` and ``line``:
    the figure that was judged and the line it was held against (the rule's own unit). ``reason``: a few plain words.
    """

    verdict: Verdict
    level: Level | None = None
    value: Decimal | None = None
    line: Decimal | None = None
    reason: str = ""


CLEAR = Judgement(Verdict.CLEAR)
"""Nothing to say: the usual case, made once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """One share per level; a level without a line is not judged. Levels must get worse in order (the rule kind checks)."""

    warning: Share | None = None
    critical: Share | None = None
    emergency: Share | None = None


class Scope(Enum):
    """What a rule kind looks at: each guarded position, each open position that is not isolated, or each family's readings."""

    POSITION = "position"
    UNGUARDED = "unguarded"
    FAMILY = "family"


NO_HOLD = timedelta(0)
