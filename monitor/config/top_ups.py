"""Top-up policies as written: off unless their mode says otherwise; each amount names its coin, each coin has all three caps."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, PlainValidator, StrictBool, model_validator

from monitor.config.matches import Match, is_pattern
from monitor.config.strict import Strict, complain_at
from monitor.config.units import Amounts, Name, TimeSpan, complain, parse_count, parse_price, parse_share
from monitor.config.yamlfile import KeyPath
from monitor.margin.quantities import plain
from monitor.topups.policy import COOLDOWN, Caps, Line, Measure, Mode, NotBeyond, TopUpPolicy

HIGHEST_CUSHION = Decimal("0.8")
"""A cushion is at most 1 at entry: what lies further up costs a multiple of the margin there is."""
APART = {
    Measure.CUSHION: Decimal("0.05"),
    Measure.MARGIN_USAGE: Decimal("0.05"),
    Measure.LIQUIDATION_DISTANCE: Decimal("0.01"),
}
"""How far a target must lie from a trigger of the same figure: less, and a wobble of the price costs another action."""
_CAPS = ("per_action", "per_position", "per_day")

OptionalShare = Annotated[Decimal | None, PlainValidator(parse_share)]


class LineSettings(Strict):
    """A value of exactly one figure."""

    cushion: OptionalShare = None
    """The room left between the entry and liquidation; 0% is liquidation."""
    margin_usage: OptionalShare = None
    """Requirement / equity; 100% is liquidation."""
    liquidation_distance: OptionalShare = None
    """How far liquidation is away, as a share of the price; 0% is liquidation."""

    @model_validator(mode="after")
    def _one_figure(self) -> Self:
        if len(self.model_fields_set) != 1:
            complain(f"name exactly one of {', '.join(type(self).model_fields)}")
        line = self.line
        if not 0 < line.value < 1:
            complain_at({line.measure.value: "must lie between 0% and 100%, without these two"})
        return self

    @property
    def line(self) -> Line:
        """The same for decisions."""
        (name,) = self.model_fields_set
        return Line(measure=Measure(name), value=getattr(self, name))


class CapsSettings(Strict):
    """The most that may be added, by coin."""

    per_action: Amounts
    """The most that one action adds, such as {USDT: 100}."""
    per_position: Amounts
    """The most that one position gets in its whole life, and in any 24 hours, such as {USDT: 300}."""
    per_day: Amounts
    """The most that this policy adds in any 24 hours, all positions together, such as {USDT: 500}."""
    actions_per_day: Annotated[int | None, PlainValidator(parse_count)] = None
    """How many actions of this policy any 24 hours may have; default: as many as the amounts allow."""

    @model_validator(mode="after")
    def _the_same_coins(self) -> Self:
        capped: dict[str, Mapping[str, Decimal]] = {name: getattr(self, name) for name in _CAPS}
        coins = sorted({coin for amounts in capped.values() for coin in amounts})
        if not coins:
            complain("name at least one coin: a position whose coin has no cap is never topped up")
        complaints = {
            name: f"names no {', '.join(missing)}: each coin needs all of {', '.join(_CAPS)}"
            for name, amounts in capped.items()
            if (missing := [coin for coin in coins if coin not in amounts])
        }
        if complaints:
            complain_at(complaints)
        return self


class NotBeyondSettings(Strict):
    """Where good money would follow bad."""

    price: Annotated[Decimal | None, PlainValidator(parse_price)] = None
    """A long is not helped below this mark price, a short not above it; needs a match of one symbol and one side."""
    loss: OptionalShare = None
    """Not once the unrealised loss passes this share of all margin ever put in, such as 80%."""

    @model_validator(mode="after")
    def _some_bound(self) -> Self:
        if not self.model_fields_set:
            complain("name price, loss or both; leave not_beyond out for no bound")
        if self.loss == 0:
            complain_at({"loss": "must be above 0%: at 0% nothing would ever be added"})
        return self


class TopUpSettings(Strict):
    """One policy of automatic margin."""

    name: Name
    """A name of your own, by which it is shown, paused and resumed."""
    match: Match
    """Which positions: by account, exchange, symbol or side."""
    mode: Literal["off", "dry_run", "auto"] = "off"
    """off, dry_run (only tells what it would do) or auto (adds margin, after 24h of dry_run)."""
    trigger: LineSettings
    """Where it acts, such as {cushion: 30%}; or margin_usage, or liquidation_distance."""
    target: LineSettings | None = None
    """Where an action shall land, such as {cushion: 60%}; or margin_usage, or liquidation_distance."""
    step: Amounts = Field(default_factory=dict)
    """Instead of a target: a fixed amount for each action, such as {USDT: 50}."""
    caps: CapsSettings
    """The most that may be added: per_action, per_position, per_day, and actions_per_day."""
    keep_free: Amounts = Field(default_factory=dict)
    """The free balance that is never touched, such as {USDT: 200}."""
    cooldown: TimeSpan = COOLDOWN
    """The least time between two actions on one position."""
    not_beyond: NotBeyondSettings | None = None
    """No good money after bad: bounds of price and loss, such as {price: 80000, loss: 80%}."""
    partial: StrictBool = False
    """Whether less than the target needs may be added where the balance is short and it still buys distance."""
    skip_rehearsal: StrictBool = False
    """auto acts at once, without 24h of dry_run."""

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        complaints = {**self._wrong_way(), **self._wrong_coins(), **self._wrong_bound()}
        if complaints:
            complain_at(complaints)
        return self

    def _wrong_way(self) -> dict[KeyPath, str]:
        """What is wrong with the way from the trigger to the target."""
        if (self.target is None) == (not self.step):
            return {("target",): "give a target or a step: exactly one of the two"}
        if self.target is None:
            return {}
        start, end = self.trigger.line, self.target.line
        place = ("target", end.measure.value)
        if end.measure is Measure.CUSHION and end.value > HIGHEST_CUSHION:
            return {place: f"at most {_percent(HIGHEST_CUSHION)}: what lies above costs a multiple of the margin there is"}
        apart = APART[end.measure]
        way = start.value - end.value if end.measure is Measure.MARGIN_USAGE else end.value - start.value
        if start.measure is end.measure and way < apart:
            better = "below" if end.measure is Measure.MARGIN_USAGE else "above"
            return {place: f"must lie at least {_percent(apart)} {better} the trigger, or a wobble of the price costs an action"}
        return {}

    def _wrong_coins(self) -> dict[KeyPath, str]:
        """Coins that have no cap, and steps that no cap lets through."""
        per_action = self.caps.per_action
        complaints: dict[KeyPath, str] = {
            (part, coin): f"caps name no {coin}: a position in it is never topped up"
            for part, amounts in (("step", self.step), ("keep_free", self.keep_free))
            for coin in amounts
            if coin not in per_action
        }
        for coin, amount in self.step.items():
            if coin in per_action and amount > per_action[coin]:
                complaints["step", coin] = "more than caps.per_action: no such step would ever be made"
        return complaints

    def _wrong_bound(self) -> dict[KeyPath, str]:
        """A price that is not that of one symbol, or of which nobody knows on which side it is the worse one."""
        symbols, sides = self.match.symbol, self.match.side
        if self.not_beyond is None or self.not_beyond.price is None:
            return {}
        if len(symbols) == len(sides) == 1 and not any(map(is_pattern, (*symbols, *sides))):
            return {}
        return {("not_beyond", "price"): "a price belongs to one symbol and one side: name both in match"}

    def policy(self) -> TopUpPolicy:
        """The same for decisions."""
        bound = self.not_beyond or NotBeyondSettings.model_construct()
        return TopUpPolicy(
            name=self.name,
            match=self.match.matcher(),
            mode=Mode(self.mode),
            trigger=self.trigger.line,
            target=None if self.target is None else self.target.line,
            step=self.step,
            caps=Caps(
                per_action=self.caps.per_action,
                per_position=self.caps.per_position,
                per_day=self.caps.per_day,
                actions_per_day=self.caps.actions_per_day,
            ),
            keep_free=self.keep_free,
            cooldown=self.cooldown,
            not_beyond=NotBeyond(price=bound.price, loss=bound.loss),
            partial=self.partial,
            skip_rehearsal=self.skip_rehearsal,
        )


class AccountCapsSettings(Strict):
    """The most that all policies together may add in one account."""

    per_day: Amounts
    """The most in any 24 hours, by coin, such as {USDT: 800}."""

    @model_validator(mode="after")
    def _some_coin(self) -> Self:
        if not self.per_day:
            complain_at({"per_day": "name at least one coin, such as {USDT: 800}"})
        return self


def _percent(share: Decimal) -> str:
    return plain(share * 100) + "%"
