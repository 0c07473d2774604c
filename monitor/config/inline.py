"""Refuse secrets that were written into the configuration itself, with the line and the way to do it right.

The file is backed up, copied into questions and committed; a key in it is a key lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.config.environment import SECRET_PREFIX
from monitor.config.suggest import NAME, looks_like_a_key
from monitor.config.yamlfile import KeyPath

_API_KEY = ("apikey", "accesskey", "apitoken", "publickey")
_SECRET = ("secret", "apisecret", "secretkey", "privatekey")
_PASSPHRASE = ("passphrase", "password", "passwd", "apipassphrase")
_OPTIONS = {
    **dict.fromkeys(_API_KEY, "api_key"),
    **dict.fromkeys(_SECRET, "secret"),
    **dict.fromkeys(_PASSPHRASE, "passphrase"),
    "token": "token",
}
"""What a key of the file means, its case and underscores aside, by the name of the secret it should be."""


def inline_secrets(tree: object) -> Iterator[tuple[KeyPath, str]]:
    """Each place of ``tree`` that holds a secret, with what to do instead; never the secret."""
    yield from _below(tree, ())


def _below(tree: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            inner = (*path, key)
            if (message := _secret_here(inner, value)) is not None:
                yield inner, message
            else:
                yield from _below(value, inner)
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _below(value, (*path, index))


def _secret_here(path: KeyPath, value: object) -> str | None:
    """What to say if ``value`` is a secret."""
    key = str(path[-1])
    if len(path) == 2 and path[0] in {"accounts", "channels"} and looks_like_a_key(key):
        return _advice("what looks like a key itself", "main_api_key", "accounts.main.credentials: main")
    if value is None or isinstance(value, Mapping):
        return None
    option = _OPTIONS.get(key.casefold().replace("_", "").replace("-", ""))
    owner = path[1] if len(path) > 1 and isinstance(path[1], str) and NAME.fullmatch(path[1]) else "main"
    if path[0] == "heartbeat" and (key == "url" or option or (isinstance(value, str) and _looks_secret(value))):
        return _advice("the heartbeat's URL", "heartbeat_url", "heartbeat: {url_from: heartbeat_url}")
    if path[0] == "channels" and (key == "url" or option or (isinstance(value, str) and "://" in value)):
        return _advice("a channel's URL or token", f"{owner}_url", f"channels.{owner}.url_from: {owner}_url")
    if option is not None:
        return _advice("a key or password", f"{owner}_{option}", f"accounts.{owner}.credentials: {owner}")
    if key == "top_up_credentials" and isinstance(value, str) and looks_like_a_key(value):
        return _advice(
            "what looks like a key itself", f"{owner}_trade_api_key", f"accounts.{owner}.top_up_credentials: {owner}_trade"
        )
    if key in {"credentials", "url_from"} and isinstance(value, str) and looks_like_a_key(value):
        return _advice("what looks like a key itself", f"{owner}_api_key", f"accounts.{owner}.credentials: {owner}")
    return None


def _looks_secret(text: str) -> bool:
    return "://" in text or looks_like_a_key(text)


def _advice(what: str, name: str, instead: str) -> str:
    return (
        f"{what} must not be written here: take it out and make a new one, this one may have been seen. "
        f"Put it into a file {name} under secrets_dir or $CREDENTIALS_DIRECTORY, or into {SECRET_PREFIX}{name.upper()}, "
        f"and write `{instead}`"
    )
