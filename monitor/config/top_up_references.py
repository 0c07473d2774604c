"""What top-up policies need beside themselves: names that differ, accounts that there are, and keys that may trade.

Looked at as written, like ``references``, so that these problems are told together with all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.alerts.matching import Matcher
from monitor.alerts.model import Subject, SubjectKind
from monitor.config.layers import Layers
from monitor.config.references import defined, instead
from monitor.config.suggest import NAME
from monitor.config.yamlfile import KeyPath


def wrong_top_ups(layers: Layers) -> Iterator[tuple[KeyPath, str]]:
    """Each name that stands twice, each account that is not there, and each ``auto`` that no credential could carry out."""
    accounts = defined(layers, "accounts")
    yield from _same_credentials(layers, accounts)
    caps = layers.value_at(("top_up_account_caps",))
    for name in caps if isinstance(caps, Mapping) and accounts else ():
        if NAME.fullmatch(name) and name not in accounts:
            yield ("top_up_account_caps", name), f"there is no such account{instead(name, accounts)}"
    able = [name for name in accounts if layers.value_at(("accounts", name, "top_up_credentials")) is not None]
    policies = layers.value_at(("top_ups",))
    names: set[str] = set()
    for index, policy in enumerate(policies if isinstance(policies, list) else ()):
        if not isinstance(policy, Mapping):
            continue
        name = policy.get("name")
        if isinstance(name, str) and name in names:
            yield ("top_ups", index, "name"), "another policy has this name: each needs its own"
        names.update({name} if isinstance(name, str) else ())
        matched = [account for account in accounts if _may_match(policy.get("match"), layers, account)]
        if policy.get("mode") == "auto" and matched and not set(matched) & set(able):
            yield (
                ("top_ups", index, "mode"),
                "auto needs a second key, one that may trade: none of the accounts it matches names its top_up_credentials",
            )


def _same_credentials(layers: Layers, accounts: list[str]) -> Iterator[tuple[KeyPath, str]]:
    """The watch works with a key that may only read, and must go on when the other key is refused."""
    for name in accounts:
        second = layers.value_at(("accounts", name, "top_up_credentials"))
        if second is not None and second == (layers.value_at(("accounts", name, "credentials")) or name):
            yield ("accounts", name, "top_up_credentials"), "must name another key than credentials: the watch only needs to read"


def _may_match(match: object, layers: Layers, account: str) -> bool:
    """Whether some position of ``account`` could match, as far as accounts and exchanges tell; True for what is no match."""
    if not isinstance(match, Mapping):
        return True
    exchange = layers.value_at(("accounts", account, "exchange"))
    patterns = Matcher(account=_texts(match.get("account")), exchange=_texts(match.get("exchange")))
    return patterns.matches(Subject(SubjectKind.ACCOUNT, str(exchange), account))


def _texts(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    return tuple(one for one in listed if isinstance(one, str))
