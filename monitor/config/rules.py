"""The rules of the configuration: from the parameters of each rule kind to pydantic models, and back to the rule.

A rule kind is a plain frozen dataclass that knows nothing of YAML. Its fields are mapped here by their types: a share is
written ``60%``, a ``timedelta`` ``30s``, nested dataclasses are mappings. What a kind's own ``__post_init__`` refuses becomes a
problem at that rule.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import cache
from types import UnionType
from typing import Annotated, Any, ClassVar, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, PlainValidator, StrictBool, create_model
from pydantic_core import CoreSchema, core_schema

from monitor.config.strict import Strict, complain_at
from monitor.config.suggest import did_you_mean, dotted
from monitor.config.units import Duration, Multiple, RatioOrMultiple, Share, complain
from monitor.config.yamlfile import KeyPath
from monitor.rules import discover
from monitor.rules.base import Rule, Unit

_WRITTEN: dict[Unit, Any] = {Unit.SHARE: Share, Unit.RATIO_OR_MULTIPLE: RatioOrMultiple, Unit.MULTIPLE: Multiple}


class Parameters(Strict):
    """The parameters of one dataclass, as written."""

    TARGET: ClassVar[type]

    def build(self) -> Any:
        """The dataclass itself; what its ``__post_init__`` raises becomes this place's problem."""
        return self.TARGET(**{field.name: getattr(self, field.name) for field in dataclasses.fields(self.TARGET)})


class RuleParameters(Parameters):
    """One entry of the rules list."""

    kind: str
    """Which rule."""
    off: StrictBool = False
    """Leaves this kind out."""


class Entry(NamedTuple):
    """One entry of the list, read: its kind, and its rule unless it is off."""

    kind: str
    rule: Rule | None


@cache
def parameters(target: type, base: type[Parameters] = RuleParameters) -> type[Parameters]:
    """The model for the fields of the dataclass ``target``."""
    hints = get_type_hints(target, include_extras=True)
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(target):
        default: Any = Field()
        if field.default_factory is not dataclasses.MISSING:
            default = Field(default_factory=field.default_factory)
        elif field.default is not dataclasses.MISSING:
            default = Field(default=field.default)
        fields[field.name] = (_written(hints[field.name]), default)
    model = create_model(target.__name__, __base__=base, __module__=__name__, **fields)
    model.TARGET = target
    return model


def _written(hint: Any) -> Any:
    """The pydantic type for a dataclass field's type."""
    if get_origin(hint) is Annotated:
        marks = [mark for mark in get_args(hint)[1:] if isinstance(mark, Unit)]
        return _WRITTEN[marks[0]] if marks else hint
    if get_origin(hint) in {Union, UnionType}:
        return Union[tuple(_written(part) for part in get_args(hint))]  # noqa: UP007  built from parts at run time
    if get_origin(hint) is tuple:
        return tuple[tuple(part if part is ... else _written(part) for part in get_args(hint))]  # type: ignore[misc]
    if hint is timedelta:
        return Duration
    if hint is bool:
        return StrictBool
    if dataclasses.is_dataclass(hint):
        return Annotated[parameters(hint, Parameters), AfterValidator(_build)]  # type: ignore[arg-type]
    return hint


def _build(model: Parameters) -> Any:
    return model.build()


@dataclasses.dataclass(frozen=True, slots=True)
class RuleList:
    """Reads the list: it replaces only the kinds it names, over those in force by default; ``off`` leaves a kind out."""

    kinds: Callable[[], Mapping[str, type]]

    def model(self, entry: object) -> type[Parameters] | None:
        """The model for one entry as written, None where its kind is not known."""
        kind = entry.get("kind") if isinstance(entry, Mapping) else None
        return parameters(self.kinds()[kind]) if isinstance(kind, str) and kind in self.kinds() else None

    def read(self, entry: object) -> Entry:
        """One entry of the list."""
        if not isinstance(entry, Mapping):
            complain("must be a mapping such as {kind: cushion, warning: 60%}")
        model = self.model(entry)
        if model is None:
            kinds = sorted(self.kinds())
            complain_at({"kind": f"must be one of {', '.join(kinds)}{did_you_mean(entry.get('kind'), kinds)}"})
        checked = model.model_validate(entry)
        return Entry(entry["kind"], None if getattr(checked, "off", False) else checked.build())

    def combine(self, entries: Iterable[Entry]) -> tuple[Any, ...]:
        """The rules in force."""
        return self.over([rule() for rule in self.kinds().values() if rule.DEFAULT], entries)  # type: ignore[attr-defined]

    def over(self, rules: Iterable[Any], entries: Iterable[Entry]) -> tuple[Any, ...]:
        """``rules`` with the kinds that ``entries`` name replaced, added or left out."""
        by_kind = {rule.KIND: rule for rule in rules}
        for kind, rule in entries:
            by_kind.pop(kind, None) if rule is None else by_kind.update({kind: rule})
        return tuple(by_kind.values())

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's hook: a list, each entry of it by its own kind."""
        del source, handler
        entries = core_schema.list_schema(core_schema.no_info_plain_validator_function(self.read))
        listed = core_schema.no_info_before_validator_function(lambda value: [] if value is None else value, entries)
        return core_schema.no_info_after_validator_function(self.combine, listed)


def repeated_kinds(entries: object, place: KeyPath) -> list[tuple[KeyPath, str]]:
    """A complaint for each entry whose kind the list at ``place`` has named before."""
    complaints: list[tuple[KeyPath, str]] = []
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        kind = entry.get("kind") if isinstance(entry, Mapping) else None
        if isinstance(kind, str) and seen.setdefault(kind, index) != index:
            first = dotted((*place, seen[kind]))
            complaints.append(((*place, index, "kind"), f"the same kind as in {first}; put both into one entry"))
    return complaints


RULES = RuleList(discover)
Rules = Annotated[tuple[Rule, ...], RULES]
RuleEntries = tuple[Annotated[Entry, PlainValidator(RULES.read)], ...]
"""The entries alone, for a list that is laid over other rules later."""
