"""Automatic margin, from the settings: what the owner allows, what amounts each exchange accepts, and who does it.

Nothing here is built for an account that names no top_up_credentials.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from monitor.app.parts import access_of
from monitor.clock import SystemClock
from monitor.ports import MarginWriter
from monitor.topups.policy import TopUps

if TYPE_CHECKING:
    from monitor.config import Loaded
    from monitor.daemon.guard import Guard
    from monitor.daemon.topup import TopUpWorker
    from monitor.exchanges.pacing import Pacer


def build_top_ups(loaded: Loaded) -> TopUps:
    """The policies, their caps, and the accounts that have a key which may add margin; imports no ccxt."""
    from monitor.config import discipline
    from monitor.exchanges import load as load_exchange

    names = {account.exchange for account in loaded.settings.accounts.values()}
    return discipline.top_ups(loaded.settings, {name: load_exchange(name).grains for name in sorted(names)})


def build_writers(loaded: Loaded, clock: SystemClock, pacer: Pacer) -> dict[str, MarginWriter]:
    """For each account with a key for it, the one that changes its margins; imports ccxt."""
    from monitor.exchanges import load as load_exchange

    return {
        name: load_exchange(account.exchange).build_writer(access_of(loaded, name, account.top_up_secret_names), pacer, clock)
        for name, account in loaded.settings.accounts.items()
        if account.top_up_credentials is not None
    }


def build_top_up_workers(loaded: Loaded, clock: SystemClock, pacer: Pacer, guard: Guard) -> list[TopUpWorker]:
    """A worker for each account whose margins may be changed."""
    from monitor.daemon.topup import TopUpWorker
    from monitor.store.switch import stop_file

    accounts, stops = loaded.settings.accounts, stop_file(loaded.store)
    writers = build_writers(loaded, clock, pacer).items()
    return [TopUpWorker(one, guard, clock, stop_file=stops, demo=accounts[name].demo_trading) for name, one in writers]


def lock_accounts(loaded: Loaded) -> ExitStack:
    """The right to change margins, of every account where that is wanted; raises InstanceRunning where another one has it."""
    from monitor.store.account_lock import AccountLock

    with ExitStack() as stack:
        for name, account in loaded.settings.accounts.items():
            if account.top_up_credentials is None:
                continue
            place = (account.exchange, account.endpoint or "", account.region or "", "demo" if account.demo_trading else "")
            keys = {
                loaded.secrets[names["api_key"]].get_secret_value()
                for names in (account.secret_names, account.top_up_secret_names)
            }
            stack.enter_context(AccountLock(name, *((*place, key) for key in sorted(keys))))
        return stack.pop_all()
