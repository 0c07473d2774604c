"""What differs between the configuration in force and a new one, and how much of the new one can be had without a restart.

Accounts, the store and the pages over HTTP stay as they are while the daemon runs: connections, locks and the books of what was
spent hang on them. Everything else can change between two decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from monitor.config.loading import Loaded

PLAIN = {
    "levels": "levels",
    "quiet_hours": "quiet hours",
    "escalation": "escalation",
    "routes": "routes",
    "overrides": "overrides",
    "top_up_account_caps": "top-up caps of accounts",
    "ignore": "what is ignored",
    "ack_lapses_after": "how long an acknowledgement lasts",
    "timezone": "time zone",
}
"""Options that are told as a whole, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """``changed``: what is other than before, one phrase each; ``restart``: the same of what cannot be had without one;
    ``loaded``: what is to be in force, the new configuration but for that. ``fresh``: the channels that are new or go another
    way; ``heartbeat`` and ``digest``: whether those are other than before.
    """

    changed: tuple[str, ...]
    restart: tuple[str, ...]
    loaded: Loaded
    fresh: frozenset[str]
    heartbeat: bool
    digest: bool


def compare(old: Loaded, new: Loaded) -> Difference:
    """How to get from ``old``, which is in force, to ``new``."""
    before, after = old.settings, new.settings
    channels = {name: (one, _secret(old, one.url_from)) for name, one in before.channels.items()}
    wanted = {name: (one, _secret(new, one.url_from)) for name, one in after.channels.items()}
    zoned = before.timezone != after.timezone
    heartbeat, digest = _heartbeat(old) != _heartbeat(new), before.digest != after.digest
    changed = [
        *_named("rule", {one.KIND: one for one in before.rules}, {one.KIND: one for one in after.rules}),
        *_named("channel", channels, wanted),
        *(f"{words} changed" for name, words in PLAIN.items() if getattr(before, name) != getattr(after, name)),
        *_named("top-up policy", {one.name: one for one in before.top_ups}, {one.name: one for one in after.top_ups}),
        *["heartbeat changed"] * heartbeat,
        *["digest changed"] * digest,
    ]
    if not changed and after.top_ups != before.top_ups:
        changed.append("order of the top-up policies changed")
    kept = {name: old.secrets[name] for name in _names_of_what_stays(old)}
    return Difference(
        changed=tuple(changed),
        restart=tuple(_waiting(old, new)),
        loaded=replace(
            new,
            settings=after.model_copy(update={"accounts": before.accounts, "web": before.web, "store": before.store}),
            store=old.store,
            secrets={**new.secrets, **kept},
        ),
        fresh=frozenset(name for name, one in wanted.items() if zoned or channels.get(name) != one),
        heartbeat=heartbeat,
        digest=digest or zoned,
    )


def _waiting(old: Loaded, new: Loaded) -> Iterator[str]:
    """What needs a restart."""
    yield from _named("account", _accounts(old), _accounts(new))
    if old.store != new.store:
        yield "store moved"
    if _pages(old) != _pages(new):
        yield "web changed"


def _named(what: str, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    """What became of each thing of one kind, in the order of the new file."""
    for name, one in new.items():
        if name not in old:
            yield f"{what} {name} added"
        elif one != old[name]:
            yield f"{what} {name} changed"
    yield from (f"{what} {name} removed" for name in old if name not in new)


def _accounts(loaded: Loaded) -> dict[str, object]:
    """Each account with the values of its keys."""
    return {
        name: (account, [_secret(loaded, secret) for secret in _keys(account.secret_names, account.top_up_secret_names)])
        for name, account in loaded.settings.accounts.items()
    }


def _pages(loaded: Loaded) -> object:
    web = loaded.settings.web
    return web, None if web is None or web.token_from is None else _secret(loaded, web.token_from)


def _heartbeat(loaded: Loaded) -> str | None:
    heartbeat = loaded.settings.heartbeat
    return None if heartbeat is None else _secret(loaded, heartbeat.url_from)


def _names_of_what_stays(loaded: Loaded) -> Iterator[str]:
    for account in loaded.settings.accounts.values():
        yield from _keys(account.secret_names, account.top_up_secret_names)
    web = loaded.settings.web
    if web is not None and web.token_from is not None:
        yield web.token_from


def _keys(*names: Mapping[str, str]) -> Iterable[str]:
    return [name for some in names for name in some.values()]


def _secret(loaded: Loaded, name: str) -> str:
    return loaded.secrets[name].get_secret_value()
