"""Automatic margin, from the settings: what the owner allows, and what amounts each exchange accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.topups.policy import TopUps

if TYPE_CHECKING:
    from monitor.config import Loaded


def build_top_ups(loaded: Loaded) -> TopUps:
    """The policies, their caps, and the accounts that have a key which may add margin; imports no ccxt."""
    from monitor.config import discipline
    from monitor.exchanges import load as load_exchange

    names = {account.exchange for account in loaded.settings.accounts.values()}
    return discipline.top_ups(loaded.settings, {name: load_exchange(name).grains for name in sorted(names)})
