"""References: every channel and account that the configuration names must be one that it has.

Looked at as written, beside the checks of each part for itself, so that these problems are told together with all others. What
is no name at all is a problem of its own and passes here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from monitor.config.layers import Layers
from monitor.config.levels import LevelsSettings
from monitor.config.matches import is_pattern
from monitor.config.suggest import NAME, did_you_mean, looks_like_a_key
from monitor.config.yamlfile import KeyPath


def wrong_references(layers: Layers) -> Iterator[tuple[KeyPath, str]]:
    """Each place that names what is not there, with what was likely meant, and each circle of fallbacks."""
    channels = defined(layers, "channels")
    if channels:
        for place, name in _channels_named(layers):
            if isinstance(name, str) and NAME.fullmatch(name) and name not in channels:
                yield place, f"there is no such channel{instead(name, channels)}"
        yield from _circles(layers, channels)
    accounts = defined(layers, "accounts")
    if accounts:
        for place, name in _accounts_named(layers):
            if isinstance(name, str) and name.strip() and not is_pattern(name) and name not in accounts:
                yield place, f"there is no such account{instead(name, accounts)}"


def instead(name: str, there: Sequence[str]) -> str:
    """What was likely meant by ``name``, else what there is; never what could be a key."""
    shown = [one for one in there if not looks_like_a_key(one)]
    return did_you_mean(name, shown) or f"; there are: {', '.join(shown)}"


def defined(layers: Layers, part: str) -> list[str]:
    """The names that stand under ``part``, such as those of the accounts."""
    value = layers.value_at((part,))
    return [name for name in value if NAME.fullmatch(name)] if isinstance(value, Mapping) else []


def _channels_named(layers: Layers) -> Iterator[tuple[KeyPath, object]]:
    for level in LevelsSettings.model_fields:
        yield from _listed(("levels", level, "channels"), layers.value_at(("levels", level, "channels")))
    for part in ("escalation", "routes"):
        for place, entry in _listed((part,), layers.value_at((part,))):
            if isinstance(entry, Mapping):
                yield from _listed((*place, "channels"), entry.get("channels"))
    yield from _listed(("digest", "channels"), layers.value_at(("digest", "channels")))
    for channel in defined(layers, "channels"):
        yield _fallback_place(channel), layers.value_at(_fallback_place(channel))


def _accounts_named(layers: Layers) -> Iterator[tuple[KeyPath, object]]:
    for part in ("routes", "overrides", "top_ups"):
        for place, entry in _listed((part,), layers.value_at((part,))):
            match = entry.get("match") if isinstance(entry, Mapping) else None
            account = match.get("account") if isinstance(match, Mapping) else None
            inner = (*place, "match", "account")
            yield from _listed(inner, account) if isinstance(account, list) else [(inner, account)]


def _circles(layers: Layers, channels: Sequence[str]) -> Iterator[tuple[KeyPath, str]]:
    """Each circle once, at the first of its channels in the order of the file."""
    told: set[str] = set()
    for start in channels:
        way = [start]
        while (following := layers.value_at(_fallback_place(way[-1]))) in channels and following not in way:
            way.append(str(following))
        if following == start and start not in told:
            told.update(way)
            yield _fallback_place(start), f"the fallbacks go round in a circle: {' -> '.join((*way, start))}"


def _listed(place: KeyPath, value: object) -> Iterator[tuple[KeyPath, object]]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        yield (*place, index), item


def _fallback_place(channel: str) -> KeyPath:
    return ("channels", channel, "fallback")
