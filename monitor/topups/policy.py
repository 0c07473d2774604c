"""Top-up policies: where, when, how much and how far the owner lets margincall add margin. Off unless said otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from monitor.alerts.matching import Matcher
from monitor.alerts.model import Subject

REHEARSAL = timedelta(hours=24)
"""How long a policy runs in dry_run before ``auto`` takes effect, unless the owner skips it."""
COOLDOWN = timedelta(seconds=60)


class Mode(StrEnum):
    """What a policy may do: nothing, only say what it would do, or add margin. A later ``ask`` has its place here."""

    OFF = "off"
    DRY_RUN = "dry_run"
    AUTO = "auto"


class Measure(StrEnum):
    """The figure that a trigger or a target speaks of."""

    CUSHION = "cushion"
    MARGIN_USAGE = "margin_usage"
    LIQUIDATION_DISTANCE = "liquidation_distance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A value of a figure, as a share (0 to 1). Cushion and distance are worse when lower, margin usage when higher."""

    measure: Measure
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """Upper bounds, amounts by settle currency. A position whose currency has no cap is never topped up.

    ``per_position`` counts per epoch and per rolling 24 hours, ``per_day`` and ``actions_per_day`` per rolling 24 hours, all
    positions of the policy together.
    """

    per_action: Mapping[str, Decimal] = field(default_factory=dict)
    per_position: Mapping[str, Decimal] = field(default_factory=dict)
    per_day: Mapping[str, Decimal] = field(default_factory=dict)
    actions_per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBeyond:
    """No good money after bad: a long is not helped below ``price`` (a short above), nor once its unrealised loss passes ``loss``
    as a share of all margin ever put in.
    """

    price: Decimal | None = None
    loss: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpPolicy:
    """One policy. Exactly one of ``target`` and ``step`` (amounts by settle currency) is set.

    ``keep_free``: by currency, the free balance that is never touched. ``partial``: when the balance is short, less than what
    reaches the target may be added, loudly. ``skip_rehearsal``: auto without the dry_run period, on the owner's word.
    """

    name: str
    match: Matcher
    mode: Mode
    trigger: Line
    target: Line | None = None
    step: Mapping[str, Decimal] = field(default_factory=dict)
    caps: Caps = Caps()
    keep_free: Mapping[str, Decimal] = field(default_factory=dict)
    cooldown: timedelta = COOLDOWN
    not_beyond: NotBeyond = NotBeyond()
    partial: bool = False
    skip_rehearsal: bool = False
    rehearsal: timedelta = REHEARSAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Grain:
    """What amounts an exchange accepts: multiples of ``step``, none below ``least`` (settle currency)."""

    step: Decimal
    least: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUps:
    """Every policy, the first that matches counts; ``account_caps``: by account and currency, above all policies, per rolling
    24 hours; ``able``: accounts that have a credential which may add margin; ``grains``: by exchange and settle currency, with
    ``""`` for any other currency. ``unfit``: by account, why its credential must not be used after all. ``acts``: whether
    this run adds margin at all; a single one does not.
    """

    policies: Sequence[TopUpPolicy] = ()
    account_caps: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    able: frozenset[str] = frozenset()
    grains: Mapping[str, Mapping[str, Grain]] = field(default_factory=dict)
    acts: bool = True
    unfit: Mapping[str, str] = field(default_factory=dict)

    def policy_for(self, subject: Subject) -> TopUpPolicy | None:
        """The policy in charge of this position, whatever its mode."""
        return next((one for one in self.policies if one.match.matches(subject)), None)
