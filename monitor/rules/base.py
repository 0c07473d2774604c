"""The vocabulary of rules: levels, verdicts, subjects, and what a rule is.

A rule kind is one file in this folder: a frozen dataclass of parameters named in ``RULE``, with a ``judge`` method. It is
found by ``monitor.rules.discover()``; ``config`` reads its fields, types and docstrings to validate and explain the user's
YAML. Rule files never import each other and know nothing of alerts: they turn figures into a Judgement, and that is all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from itertools import pairwise
from typing import Annotated, ClassVar, NamedTuple

from monitor.margin.assessment import Assessment
from monitor.margin.reading import KeyFacts


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
    MULTIPLE = "multiple"


Share = Annotated[Decimal, Unit.SHARE]
"""A share between 0 and 1, written ``60%`` in the configuration."""
Multiple = Annotated[Decimal, Unit.MULTIPLE]
"""So many times something, written ``2x`` in the configuration."""


class Verdict(Enum):
    """The outcome of one rule on one subject. UNKNOWN resolves nothing."""

    BREACH = "breach"
    DEAD_BAND = "dead_band"
    CLEAR = "clear"
    UNKNOWN = "unknown"


class Judgement(NamedTuple):
    """What a rule says of one subject now.

    ``level``: the level in breach, or the level that the dead band holds; None when CLEAR or UNKNOWN. ``value`` and ``line``:
    the figure that was judged and the line it was held against (the rule's own unit). ``reason``: a few plain words. ``steps``:
    how many dead bands the value lies past its line; more is worse.
    """

    verdict: Verdict
    level: Level | None = None
    value: Decimal | None = None
    line: Decimal | None = None
    reason: str = ""
    steps: int = 0


CLEAR = Judgement(Verdict.CLEAR)
"""Nothing to say: the usual case, made once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """One share per level; a level without a line is not judged. Levels must get worse in order (the rule kind checks)."""

    warning: Share | None = None
    critical: Share | None = None
    emergency: Share | None = None


class Scope(Enum):
    """What a rule kind looks at: guarded positions, open ones that are not isolated, families' readings, accounts, channels."""

    POSITION = "position"
    UNGUARDED = "unguarded"
    FAMILY = "family"
    ACCOUNT = "account"
    CHANNEL = "channel"


NO_HOLD = timedelta(0)


class RatioLine(NamedTuple):
    """A line on equity / notional: a share (``multiple`` False), or so many times the maintenance rate."""

    value: Decimal
    multiple: bool


RatioOrMultiple = Annotated[RatioLine, Unit.RATIO_OR_MULTIPLE]
"""Written ``5%`` (of the notional) or ``2x`` (times the maintenance rate) in the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What every rule kind has. ``hold``: a breach counts once it lasted this long. ``clear_hold``: so does the all-clear."""

    KIND: ClassVar[str]
    SCOPE: ClassVar[Scope]
    DEFAULT: ClassVar[bool] = False
    """Whether the kind is in force without being named in the configuration."""
    REPEATS: ClassVar[bool] = True
    """Whether an alert of this kind is told again while it lasts."""
    TELLS_END: ClassVar[bool] = True
    """Whether the end of a told alert is told."""
    MAKES_NEAR: ClassVar[bool] = True
    """Whether a position with such an alert is polled at the near interval: it says how near liquidation is."""

    hold: timedelta = NO_HOLD
    """A breach counts once it has lasted this long; 0s tells it at once."""
    clear_hold: timedelta = timedelta(seconds=10)
    """The all-clear counts once it has lasted this long."""


class PositionRule(Rule):
    """A rule on the figures of one guarded position."""

    __slots__ = ()
    SCOPE: ClassVar[Scope] = Scope.POSITION

    def judge(self, assessment: Assessment, held: Level | None) -> Judgement:
        """The verdict on one assessment; ``held`` is the level of this rule's alert on the position now, None without one."""
        raise NotImplementedError

    def judge_first(self, assessment: Assessment) -> Judgement:
        """The verdict on the first assessment of a position's life."""
        return self.judge(assessment, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeSeen:
    """A guarded position with what is remembered of its life. ``inert``: why its top-up policy could not act; None: not asked.

    ``tiers_moved``: by how much newer maintenance tiers moved liquidation nearer, as a share of the mark (below 0: farther);
    ``tiers_age``: how long ago. Both None where the tiers have not changed.
    """

    assessment: Assessment
    tiers_moved: Decimal | None = None
    tiers_age: timedelta | None = None
    inert: str | None = ""


class LifeRule(Rule):
    """A rule on what happened in the life of a guarded position.

    It is asked only where something did: a remembered change, a mark, an alert on the position, a policy that could not act.
    """

    __slots__ = ()
    SCOPE: ClassVar[Scope] = Scope.POSITION

    def judge(self, seen: LifeSeen, held: Level | None) -> Judgement:
        """The verdict on one position."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class UnguardedSeen:
    """An open position that is not isolated now. ``was_guarded``: margincall guarded this very position before."""

    mode: str
    was_guarded: bool


class UnguardedRule(Rule):
    """A rule on open positions that are not isolated."""

    __slots__ = ()
    SCOPE: ClassVar[Scope] = Scope.UNGUARDED

    def judge(self, seen: UnguardedSeen, held: Level | None) -> Judgement:
        """The verdict on one such position."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilySeen:
    """How a family's readings stand. ``age``: time since the last snapshot, or since the first try where there was none.

    ``interval``: of its polls now. ``near``: one of its positions is past its first line. ``failed``: the last poll failed.
    ``fresh``: the last poll of this run was good. ``marks_still``: for how long valid readings have brought the very same mark
    prices for all positions; None without positions. ``unreadable``: how many readings in a row held positions that cannot be
    read. ``at_once``: a failed poll is to be told without waiting (a single run).
    """

    age: timedelta
    interval: timedelta
    near: bool
    failed: bool
    fresh: bool
    error: str
    at_once: bool = False
    marks_still: timedelta | None = None
    unreadable: int = 0


class FamilyRule(Rule):
    """A rule on the freshness of a family."""

    __slots__ = ()
    SCOPE: ClassVar[Scope] = Scope.FAMILY
    BLINDS: ClassVar[bool] = True
    """Whether a breach means that the family cannot be read; else it is read, but what is read may be old."""
    WHOLE: ClassVar[bool] = True
    """Whether it speaks of the family as a whole; else the family is as fresh as it was."""

    def judge(self, seen: FamilySeen, held: Level | None) -> Judgement:
        """The verdict on one family."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySeen:
    """What an account's key may do. ``lost``: rights that it had before, and ``lost_age`` how long ago that was noticed."""

    facts: KeyFacts
    now: datetime
    lost: tuple[str, ...] = ()
    lost_age: timedelta | None = None


class AccountRule(Rule):
    """A rule on an account's key, asked when the exchange told what it may do."""

    __slots__ = ()
    SCOPE: ClassVar[Scope] = Scope.ACCOUNT
    REPEATS: ClassVar[bool] = False
    MAKES_NEAR: ClassVar[bool] = False

    def judge(self, seen: KeySeen, held: Level | None) -> Judgement:
        """The verdict on one account's key."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSeen:
    """How a channel works. ``broken``: it does not take messages, and waiting alone will hardly help; ``error``: why."""

    broken: bool
    error: str


class ChannelRule(Rule):
    """A rule on a channel's work."""

    __slots__ = ()
    SCOPE: ClassVar[Scope] = Scope.CHANNEL

    def judge(self, seen: ChannelSeen, held: Level | None) -> Judgement:
        """The verdict on one channel."""
        raise NotImplementedError


def judge_lines(
    value: Decimal, lines: Sequence[tuple[Level, Decimal | None]], band: Decimal, held: Level | None, *, lower_is_worse: bool
) -> Judgement:
    """Hold ``value`` against ``lines`` (worst level first): BREACH at or past a line, DEAD_BAND within ``band`` of a held one."""
    sign = 1 if lower_is_worse else -1
    for level, line in lines:
        if line is None:
            continue
        room = (value - line) * sign
        if room <= 0:
            return Judgement(Verdict.BREACH, level, value, line, "", steps_past(line, value, band))
        if held is not None and level <= held and room <= band:
            return Judgement(Verdict.DEAD_BAND, level, value, line)
    return CLEAR


def steps_past(line: Decimal, value: Decimal, band: Decimal) -> int:
    """How many whole dead bands ``value`` lies past ``line``, whichever way is worse: a coarse measure of getting worse."""
    return int(abs(value - line) / band) if band > 0 else 0


def require_order(kind: str, lines: Sequence[tuple[str, Decimal | None]], *, lower_is_worse: bool) -> None:
    """Raise ValueError unless the lines that are set get strictly worse in the order given (warning first)."""
    named = [(name, value) for name, value in lines if value is not None]
    for (milder, mild), (worse, bad) in pairwise(named):
        if (bad >= mild) if lower_is_worse else (bad <= mild):
            way = "below" if lower_is_worse else "above"
            raise ValueError(f"{kind}: the {worse} line must lie {way} the {milder} line")
