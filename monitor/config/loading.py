"""Load the whole configuration, or say everything that is wrong with it at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr, ValidationError

from monitor.config.environment import read_environment
from monitor.config.explain import explain
from monitor.config.find import beside, find_config, find_store, written_path
from monitor.config.inline import inline_secrets
from monitor.config.layers import Layers
from monitor.config.references import wrong_references
from monitor.config.rules import repeated_kinds
from monitor.config.secret_names import named_secrets, wrong_secret
from monitor.config.secrets import SecretSource, credentials_folder
from monitor.config.settings import Settings
from monitor.config.top_up_references import wrong_top_ups
from monitor.config.yamlfile import KeyPath, read_file
from monitor.errors import ConfigError, Problem
from monitor.rules.base import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A configuration that can be used. ``secrets``: by name, those of every account and channel, and the heartbeat's."""

    settings: Settings
    config: Path
    store: Path
    secrets: Mapping[str, SecretStr]

    @property
    def secrets_dir(self) -> Path | None:
        """The folder of secrets that the configuration names."""
        written = self.settings.secrets_dir
        return None if written is None else beside(self.config, written)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in force."""
        return self.settings.rules


def load(path: Path | None = None, *, environ: Mapping[str, str] = os.environ, read_secrets: bool = True) -> Loaded:
    """The configuration in ``path``, else where ``find_config`` finds it, with the environment over it.

    ``read_secrets=False`` looks for no secret. Raises ConfigError with every problem that there is.
    """
    config = find_config(path, environ=environ)
    layers = Layers(document=read_file(config), environment=read_environment(environ, keys=Settings.model_fields))
    problems = [*layers.document.problems, *layers.environment.problems]
    if not isinstance(layers.document.tree, dict | None):
        problems.append(layers.problem((), "must be a mapping of `option: value` lines"))
    refused: set[KeyPath] = set()
    for tree in (layers.file_tree, layers.environment.tree):
        for place, message in inline_secrets(tree):
            if place not in refused:
                refused.add(place)
                problems.append(layers.problem(place, message))
    written = [
        *repeated_kinds(layers.value_at(("rules",)), ("rules",)),
        *_repeated_in_overrides(layers),
        *wrong_references(layers),
        *wrong_top_ups(layers),
    ]
    problems += [layers.problem(place, message) for place, message in written if not _within(place, refused)]
    settings = None
    try:
        settings = Settings.layered(environment=layers.environment.tree, file=layers.file_tree)
    except ValidationError as error:
        problems += [layers.problem(place, message) for place, message in explain(error, layers) if not _within(place, refused)]
    secrets: dict[str, SecretStr] = {}
    if read_secrets:
        secrets, missing = _secrets(layers, environ, config)
        problems += missing
    if problems or settings is None:
        file = layers.document.file
        raise ConfigError(tuple(sorted(dict.fromkeys(problems), key=lambda problem: (problem.file != file, problem.line or 0))))
    store, _ = find_store(settings.store, config, environ=environ)
    return Loaded(settings=settings, config=config.absolute(), store=store, secrets=secrets)


def _repeated_in_overrides(layers: Layers) -> Iterator[tuple[KeyPath, str]]:
    overrides = layers.value_at(("overrides",))
    for index, override in enumerate(overrides if isinstance(overrides, list) else ()):
        if isinstance(override, Mapping):
            yield from repeated_kinds(override.get("rules"), ("overrides", index, "rules"))


def _within(place: KeyPath, refused: set[KeyPath]) -> bool:
    return any(place[:length] in refused for length in range(len(place) + 1))


def _secrets(layers: Layers, environ: Mapping[str, str], config: Path) -> tuple[dict[str, SecretStr], list[Problem]]:
    """Every secret that the configuration names, as far as it can be read, and what is wrong with the others."""
    folder = written_path(layers.value_at(("secrets_dir",)))
    secrets_dir = beside(config, folder, environ=environ) if folder else None
    source = SecretSource(environ=environ, secrets_dir=secrets_dir, credentials=credentials_folder(config))
    secrets: dict[str, SecretStr] = {}
    problems: list[Problem] = []
    for place, name in named_secrets(layers):
        try:
            secrets[name] = source.read(name)
        except ConfigError as error:
            problems += [layers.problem(place, problem.message) for problem in error.problems]
            continue
        if (message := wrong_secret(place, secrets[name].get_secret_value())) is not None:
            problems.append(layers.problem(place, f"the secret {name} is not {message}"))
    return secrets, problems
