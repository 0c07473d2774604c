"""From pydantic's errors to plain English: what is wrong, what was meant, and never what was given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from monitor.config.exchanges import account_model
from monitor.config.layers import Layers
from monitor.config.rules import RULES
from monitor.config.settings import Settings
from monitor.config.suggest import did_you_mean
from monitor.config.yamlfile import KeyPath

_RULE_LISTS: tuple[KeyPath, ...] = (("rules",), ("overrides", "rules"))
"""Where lists of rules stand, indexes aside."""
_MUST_BE = {
    "string": "text",
    "bool": "true or false",
    "dict": "a mapping of `name: ...` lines",
    "model": "a mapping of `option: value` lines",
    "list": "a list",
    "tuple": "a list",
    "int": "a whole number",
    "decimal": "a number",
}


def explain(error: ValidationError, layers: Layers) -> Iterator[tuple[KeyPath, str]]:
    """Each thing that is wrong: its place and its message."""
    for details in error.errors(include_input=False, include_url=False):
        if details["type"] == "default_factory_not_called":  # near, because calm is wrong
            continue
        path = tuple(part for part in details["loc"] if part != "[key]")
        yield path, _message(details, path, layers)


def _message(details: ErrorDetails, path: KeyPath, layers: Layers) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "plain":
        return details["msg"]
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        known = list(_fields(path[:-1], layers))
        return f"unknown key{did_you_mean(path[-1], known) or _listed(known)}"
    if kind == "missing":
        field = _fields(path[:-1], layers).get(str(path[-1]))
        return f"is missing: {field.description}" if field and field.description else "is missing"
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", str(context["expected"]))
        return f"must be {'one of ' * (len(choices) > 1)}{', '.join(choices)}{did_you_mean(layers.value_at(path), choices)}"
    if kind == "none_required":
        field = _fields(path[:-1], layers).get(str(path[-1]))
        return field.description if field and field.description else "leave this out"
    what = _MUST_BE.get(kind.rsplit("_", 1)[0].removesuffix("_attributes"))
    return f"must be {what}" if what else "cannot be used here"


def _listed(known: list[str]) -> str:
    return f"; known here: {', '.join(known)}" if known else ""


def _fields(path: KeyPath, layers: Layers) -> dict[str, FieldInfo]:
    """The options that are known at ``path``, by name as written."""
    model, rest = _start(path, layers)
    parts = iter(rest)
    for part in parts:
        field = _by_name(model).get(str(part))
        if field is None:
            return {}
        if get_origin(field.annotation) in {dict, list, tuple}:
            next(parts, None)
        model = next(_models(field.annotation), None)
    return _by_name(model)


def _start(path: KeyPath, layers: Layers) -> tuple[type[BaseModel] | None, KeyPath]:
    """The model to start from, and the way on from there: what an account or a rule may hold depends on what is written in it."""
    if path[:1] == ("accounts",) and len(path) > 1:
        return account_model(layers.value_at(path[:2])), path[2:]
    for listed in (path[:1], path[:3:2]):
        if listed in _RULE_LISTS and len(path) >= (depth := 2 * len(listed)):
            return RULES.model(layers.value_at(path[:depth])), path[depth:]
    return Settings, path


def _by_name(model: type[BaseModel] | None) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()} if model else {}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
