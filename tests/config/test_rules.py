from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import BaseModel, ValidationError

from monitor.config.rules import RuleList
from monitor.rules import discover
from monitor.rules.base import Lines, RatioLine, RatioOrMultiple, Share
from tests.config.files import SMALLEST, problems

KINDS = ", ".join(sorted(discover()))
TWICE = RatioLine(Decimal(2), multiple=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """A kind with one field of every sort."""

    KIND: ClassVar[str] = "storm"
    DEFAULT: ClassVar[bool] = True

    wind: Share | None = Decimal("0.5")
    within: Lines = field(default_factory=lambda: Lines(warning=Decimal("0.1")))
    line: RatioOrMultiple = TWICE
    after: timedelta = timedelta(seconds=5)
    times: int = 3
    loud: bool = False
    sides: tuple[Literal["long", "short"], ...] = ("long",)

    def __post_init__(self) -> None:
        if self.wind is not None and self.wind > Decimal("0.9"):
            raise ValueError("storm: too much wind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """Not in force by default, and with a field that must be given."""

    KIND: ClassVar[str] = "calm"
    DEFAULT: ClassVar[bool] = False

    depth: Share


class Root(BaseModel):
    rules: Annotated[tuple[Any, ...], RuleList(lambda: {"storm": Storm, "calm": Calm})]


def read(*entries: object) -> tuple[Any, ...]:
    return Root.model_validate({"rules": list(entries)}).rules


def places(*entries: object) -> list[tuple[Any, ...]]:
    with pytest.raises(ValidationError) as caught:
        read(*entries)
    return [details["loc"] for details in caught.value.errors()]


def test_defaults_are_in_force_when_the_list_is_empty_or_absent():
    assert read() == (Storm(),)
    assert Root.model_validate({"rules": None}).rules == (Storm(),)


def test_rule_is_built_from_what_is_written_when_every_sort_of_field_is_given():
    entry = {
        "kind": "storm", "wind": "70%", "within": {"critical": "5%"}, "line": "3%", "after": "250ms", "times": "7", "loud": True,
        "sides": ["short"],
    }  # fmt: skip
    assert read(entry) == (
        Storm(
            wind=Decimal("0.7"),
            within=Lines(critical=Decimal("0.05")),
            line=RatioLine(Decimal("0.03"), multiple=False),
            after=timedelta(milliseconds=250),
            times=7,
            loud=True,
            sides=("short",),
        ),
    )


def test_rule_line_is_off_when_it_is_null():
    (storm,) = read({"kind": "storm", "wind": None})
    assert storm.wind is None


def test_list_adds_and_leaves_out_only_the_kinds_it_names():
    assert read({"kind": "calm", "depth": "5%"}) == (Storm(), Calm(depth=Decimal("0.05")))
    assert read({"kind": "storm", "off": True}) == ()
    assert read({"kind": "storm", "off": False, "times": "1"}) == (Storm(times=1),)


def test_every_wrong_field_is_placed_exactly_when_several_are_wrong():
    assert places(
        {"kind": "storm", "within": {"warning": "5", "colour": "x"}, "sides": ["up"], "loud": "yes", "speed": "1"},
        {"kind": "calm"},
        {"kind": "storm", "wind": "95%"},
        {"kind": "gale"},
        "storm",
    ) == [
        ("rules", 0, "within", "warning"),
        ("rules", 0, "within", "colour"),
        ("rules", 0, "loud"),
        ("rules", 0, "sides", 0),
        ("rules", 0, "speed"),
        ("rules", 1, "depth"),
        ("rules", 2),
        ("rules", 3, "kind"),
        ("rules", 4),
    ]


@pytest.mark.parametrize(
    ("rules", "shown"),
    [
        ("{kind: cushin}", f"config.yaml:6: rules[0].kind: must be one of {KINDS}; did you mean cushion?"),
        ("{kind: cushion, warning: 60}", "config.yaml:6: rules[0].warning: a share needs its %: write 60%"),
        ("{kind: cushion, warning: 0.6}", "config.yaml:6: rules[0].warning: a share needs its %: write 60%"),
        ("{kind: cushion, warnin: 60%}", "config.yaml:6: rules[0].warnin: unknown key; did you mean warning?"),
        ("{kind: cushion, within: {warnin: 60%}}", "config.yaml:6: rules[0].within.warnin: unknown key; did you mean warning?"),
        ("{kind: cushion, warning: 30%}", "config.yaml:6: rules[0]: cushion: the critical line must lie below the warning line"),
        ("{kind: data_stale, after: 20}",
         "config.yaml:6: rules[0].after: a duration needs its unit: write 20s for seconds (or ms, m, h, d)"),
        ("{kind: margin_ratio, critical: 2}",
         "config.yaml:6: rules[0].critical: write 2% (of the notional) or 2x (times the maintenance rate)"),
        ("{kind: cushion, off: yes}", "config.yaml:6: rules[0].off: must be true or false"),
        ("cushion", "config.yaml:6: rules[0]: must be a mapping such as {kind: cushion, warning: 60%}"),
        ("{kind: not_guarded}\n  - {kind: not_guarded}",
         "config.yaml:7: rules[1].kind: the same kind as in rules[0]; put both into one entry"),
    ],
)  # fmt: skip
def test_rule_is_refused_with_its_line_when_it_is_wrong(tmp_path, rules, shown):
    found = problems(tmp_path, f"{SMALLEST}rules:\n  - {rules}\n")
    assert found == [shown]


def test_rules_are_refused_when_they_are_no_list(tmp_path):
    assert problems(tmp_path, f"{SMALLEST}rules: {{kind: cushion}}\n") == ["config.yaml:5: rules: must be a list"]
