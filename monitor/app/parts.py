"""The adapters and workers, each built from the settings. Imports are lazy, so that a verb pays only for what it uses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from monitor.clock import SystemClock
from monitor.margin.position import Contract
from monitor.memory import Memory
from monitor.policy import Intervals, Policy
from monitor.ports import Exchange, Notifier, Store

if TYPE_CHECKING:
    from monitor.config import Loaded
    from monitor.daemon.daily import Daily
    from monitor.daemon.deliver import ChannelWorker
    from monitor.daemon.doctor import Doctor
    from monitor.daemon.guard import Guard
    from monitor.daemon.heartbeat import Heartbeat
    from monitor.exchanges.pacing import Pacer
    from monitor.exchanges.spec import Access


def build_intervals(loaded: Loaded) -> dict[str, Intervals]:
    """How often each account is polled."""
    accounts = loaded.settings.accounts.items()
    return {name: Intervals(calm=account.poll.calm, near=account.poll.near) for name, account in accounts}


def build_policy(loaded: Loaded, *, since: datetime, once: bool = False) -> Policy:
    """What the owner wants, from the settings."""
    from monitor.app.top_ups import build_top_ups
    from monitor.config import discipline

    return Policy(
        rules=tuple(loaded.settings.rules),
        intervals=build_intervals(loaded),
        watching_since=since,
        zone=loaded.settings.timezone,
        once=once,
        routing=discipline.routing(loaded.settings),
        quiet_hours=discipline.quiet_hours(loaded.settings),
        overrides=discipline.overrides(loaded.settings),
        dust=discipline.dust(loaded.settings),
        ack_lapses=loaded.settings.ack_lapses_after,
        events=loaded.settings.events.levels(),
        top_ups=replace(build_top_ups(loaded), acts=not once),
    )


def build_exchanges(loaded: Loaded, clock: SystemClock, pacer: Pacer) -> list[Exchange]:
    """An adapter for each account; imports ccxt."""
    from monitor.exchanges import load as load_exchange

    return [
        load_exchange(account.exchange).build(access_of(loaded, name, account.secret_names), pacer, clock)
        for name, account in loaded.settings.accounts.items()
    ]


def access_of(loaded: Loaded, name: str, secret_names: Mapping[str, str]) -> Access:
    """What an account brings to its exchange with the key that ``secret_names`` (by the client's options) name."""
    from monitor.exchanges.spec import Access

    account = loaded.settings.accounts[name]
    secrets = {option: loaded.secrets[secret].get_secret_value() for option, secret in secret_names.items()}
    return Access(
        account=name,
        endpoint=account.endpoint,
        region=account.region,
        proxy=account.proxy,
        demo_trading=account.demo_trading,
        contracts=frozenset(Contract(contract) for contract in account.contracts),
        **secrets,
    )


def build_channels(loaded: Loaded, names: Sequence[str] = ()) -> list[Notifier]:
    """The configured channels, or those named; imports apprise. Raises ChannelRefused for a URL that apprise cannot use."""
    from monitor.notify.apprise import AppriseNotifier

    return [
        AppriseNotifier(name, loaded.secrets[channel.url_from].get_secret_value())
        for name, channel in loaded.settings.channels.items()
        if not names or name in names
    ]


def build_workers(
    loaded: Loaded,
    channels: Sequence[Notifier],
    store: Store,
    clock: SystemClock,
    *,
    memory: Memory,
    changed: Callable[[str, str | None], Awaitable[None]],
) -> list[ChannelWorker]:
    """A worker for each channel, with its quota, its fallback, and what an earlier run knew of its health."""
    from monitor.daemon.deliver import ChannelWorker
    from monitor.daemon.health import Quota

    settings = loaded.settings.channels
    workers = {}
    for channel in channels:
        limit, known = settings[channel.name].limit, memory.channels.get(channel.name)
        workers[channel.name] = ChannelWorker(
            channel,
            store,
            clock,
            broken=known is not None and known.broken_since is not None,
            quota=None if limit is None else Quota(messages=limit.messages, per=limit.per),
            zone=loaded.settings.timezone,
            changed=changed,
        )
    for name, worker in workers.items():
        fallback = settings[name].fallback
        if fallback is not None:
            worker.fall_back_to(workers.get(fallback))
    return list(workers.values())


def build_heartbeat(loaded: Loaded, clock: SystemClock, guard: Guard) -> Heartbeat | None:
    """The watcher outside, where one is configured."""
    from monitor.daemon.heartbeat import Heartbeat, health_of

    if loaded.settings.heartbeat is None:
        return None

    def broken() -> list[str]:
        return [one.name for one in guard.memory.channels.values() if one.broken_since is not None]

    url = loaded.secrets[loaded.settings.heartbeat.url_from].get_secret_value()
    return Heartbeat(url, clock, lambda since: health_of(guard.memory, since, kept=guard.kept, broken=broken))


def build_doctor(loaded: Loaded, exchanges: Sequence[Exchange], guard: Guard, store: Store, clock: SystemClock) -> Doctor:
    """The daily look: what `check` tells, but for what the daemon reads and tells anyway."""
    from monitor.app.doctor import polled_lines, sections_now
    from monitor.daemon.doctor import Doctor

    return Doctor(exchanges, guard, store, clock, local=partial(sections_now, loaded.config), inspect=polled_lines)


def build_digest(loaded: Loaded, clock: SystemClock, guard: Guard, doctor: Doctor) -> Daily | None:
    """The daily digest, where it is wanted, with the doctor's verdict."""
    from monitor.config.discipline import digest_channels
    from monitor.daemon.daily import Daily
    from monitor.digest import digest

    if loaded.settings.digest is None:
        return None
    channels = digest_channels(loaded.settings)

    async def tell() -> None:
        await guard.say(lambda memory, policy, now: digest(memory, policy, now, channels, verdict=doctor.verdict))

    return Daily(loaded.settings.digest.at, loaded.settings.timezone, clock, tell)
