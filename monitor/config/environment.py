"""The environment over the file: ``MARGINCALL_ACCOUNTS__MAIN__POLL__NEAR=1s`` sets ``accounts.main.poll.near``.

Names are read without regard to case. A value that begins with ``[`` or ``{`` is read as YAML (JSON is YAML), ``null``, ``true``
and ``false`` mean what they mean in the file, anything else is text; an empty value sets nothing. ``MARGINCALL_SECRET_...``
holds secrets and is not configuration.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from monitor.config.suggest import did_you_mean
from monitor.config.yamlfile import KeyPath, parse
from monitor.errors import ConfigError, Problem

PREFIX = "MARGINCALL_"
SECRET_PREFIX = "MARGINCALL_SECRET_"  # noqa: S105  the prefix of names, not a secret
DELIMITER = "__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the environment sets: a tree like the file's, and for each leaf in it the variable that set it."""

    tree: Mapping[str, object]
    variables: Mapping[KeyPath, str]
    problems: tuple[Problem, ...] = ()


def read_environment(environ: Mapping[str, str], *, keys: Collection[str]) -> Environment:
    """The overrides in ``environ`` for the top-level ``keys``.

    A variable with the prefix that names no known key is a problem when it is meant for us: it is nested, or nearly a key.
    """
    tree: dict[str, object] = {}
    variables: dict[KeyPath, str] = {}
    problems: list[Problem] = []
    for variable in sorted(environ):
        name = variable.upper()
        if not name.startswith(PREFIX) or name.startswith(SECRET_PREFIX) or not environ[variable]:
            continue
        path = tuple(name.removeprefix(PREFIX).lower().split(DELIMITER))
        if path[0] not in keys:
            meant = did_you_mean(path[0], keys, cutoff=0.75)
            if meant or len(path) > 1:
                problems.append(_problem(variable, f"names no option{meant}"))
        elif not all(path):
            problems.append(_problem(variable, "has an empty part; options are joined by two underscores"))
        else:
            try:
                value = _value(environ[variable], variable)
            except ConfigError as error:
                problems += error.problems
                continue
            if _put(tree, path, value):
                variables.update(dict.fromkeys(_leaves(value, path), variable))
            else:
                problems.append(_problem(variable, "contradicts another variable that sets the option above it"))
    return Environment(tree=tree, variables=variables, problems=tuple(problems))


def _value(text: str, variable: str) -> object:
    if text.lstrip()[:1] in {"[", "{"}:
        try:
            document = parse(text, file=variable)
        except ConfigError as error:
            raise _without_lines(error.problems) from None
        if document.problems:
            raise _without_lines(document.problems)
        return document.tree
    return {"null": None, "true": True, "false": False}.get(text.lower(), text)


def _put(tree: dict[str, object], path: tuple[str, ...], value: object) -> bool:
    """Set ``value`` at ``path``, making the mappings on the way; False where something else than a mapping stands there."""
    for part in path[:-1]:
        below = tree.setdefault(part, {})
        if not isinstance(below, dict):
            return False
        tree = below
    present = tree.get(path[-1])
    if isinstance(present, dict) and isinstance(value, dict):
        return all(_put(present, (key,), inner) for key, inner in value.items())
    tree[path[-1]] = value
    return True


def _leaves(value: object, path: KeyPath) -> list[KeyPath]:
    if isinstance(value, dict) and value:
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, (*path, key))]
    return [path]


def _without_lines(problems: tuple[Problem, ...]) -> ConfigError:
    return ConfigError(tuple(Problem(file=p.file, line=None, path=p.path, message=p.message) for p in problems))


def _problem(variable: str, message: str) -> Problem:
    return Problem(file=variable, line=None, path="", message=message)
