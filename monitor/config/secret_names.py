"""The secrets that a configuration names: where each is asked for, and what it must look like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from monitor.config.exchanges import account_model
from monitor.config.layers import Layers
from monitor.config.suggest import NAME, looks_like_a_key
from monitor.config.yamlfile import KeyPath

SHORTEST_TOKEN = 32
_WEB_URL = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)


def wrong_secret(place: KeyPath, secret: str) -> str | None:
    """What the secret should be, as far as it is asked for as a URL and is none."""
    if place[0] == "channels" and "://" not in secret:
        return "an apprise URL (service://...)"
    if place[0] == "heartbeat" and not _WEB_URL.fullmatch(secret):
        return "a URL that can be called (https://...)"
    if place[0] == "web" and len(secret) < SHORTEST_TOKEN:
        return f"long enough: a token has at least {SHORTEST_TOKEN} characters (openssl rand -hex 32 makes one)"
    return None


def named_secrets(layers: Layers) -> Iterator[tuple[KeyPath, str]]:
    """Where each secret is asked for, and its name; leaves out what is no name, which is a problem of its own."""
    yield from _keys_named(layers)
    for channel in _keys(layers, "channels"):
        value = layers.value_at(("channels", channel))
        if isinstance(value, Mapping) and _usable_name(value.get("url_from")):
            yield ("channels", channel, "url_from"), str(value["url_from"])
    heartbeat = layers.value_at(("heartbeat", "url_from"))
    if _usable_name(heartbeat):
        yield ("heartbeat", "url_from"), str(heartbeat)
    token = layers.value_at(("web", "token_from"))
    if _usable_name(token):
        yield ("web", "token_from"), str(token)


def _keys_named(layers: Layers) -> Iterator[tuple[KeyPath, str]]:
    """The secrets of each account's keys: the one that reads, and the one that may add margin."""
    for account in _keys(layers, "accounts"):
        value = layers.value_at(("accounts", account))
        if isinstance(value, Mapping):
            for option, default in (("credentials", account), ("top_up_credentials", None)):
                name = value.get(option, default)
                if _usable_name(name):
                    for secret in account_model(value).SECRETS:
                        yield ("accounts", account, option), f"{name}_{secret}"


def _keys(layers: Layers, part: str) -> list[str]:
    value = layers.value_at((part,))
    return [key for key in value if NAME.fullmatch(key)] if isinstance(value, Mapping) else []


def _usable_name(value: object) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None and not looks_like_a_key(value)
