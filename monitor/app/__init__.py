"""The composition root: the only place that knows every room, and the only one that builds adapters.

Imports are lazy, so that a verb pays only for what it uses: ccxt alone costs 0.7 s and 100 MiB.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.clock import SystemClock
from monitor.crashpoint import crashpoint
from monitor.errors import ChannelRefused, ConfigError, Problem, StoreCorrupt
from monitor.margin.position import Contract
from monitor.memory import Memory
from monitor.policy import Intervals, Policy
from monitor.ports import Exchange, Notifier, Store

if TYPE_CHECKING:
    from monitor.config import Loaded
    from monitor.daemon.control import Verb
    from monitor.daemon.daily import Daily
    from monitor.daemon.deliver import ChannelWorker
    from monitor.daemon.guard import Guard
    from monitor.daemon.heartbeat import Heartbeat
    from monitor.daemon.run import Parts
    from monitor.exchanges.pacing import Pacer


def secrets_of(loaded: Loaded) -> list[str]:
    """Every secret value in use, for the scrubber."""
    return [secret.get_secret_value() for secret in loaded.secrets.values()]


def build_intervals(loaded: Loaded) -> dict[str, Intervals]:
    """How often each account is polled."""
    accounts = loaded.settings.accounts.items()
    return {name: Intervals(calm=account.poll.calm, near=account.poll.near) for name, account in accounts}


def build_policy(loaded: Loaded, *, since: datetime, once: bool = False) -> Policy:
    """What the owner wants, from the settings."""
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
    )


def build_exchanges(loaded: Loaded, clock: SystemClock, pacer: Pacer) -> list[Exchange]:
    """An adapter for each account; imports ccxt."""
    from monitor.exchanges import load as load_exchange
    from monitor.exchanges.spec import Access

    exchanges = []
    for name, account in loaded.settings.accounts.items():
        secrets = {option: loaded.secrets[secret].get_secret_value() for option, secret in account.secret_names.items()}
        access = Access(
            account=name,
            endpoint=account.endpoint,
            region=account.region,
            proxy=account.proxy,
            demo_trading=account.demo_trading,
            contracts=frozenset(Contract(contract) for contract in account.contracts),
            **secrets,
        )
        exchanges.append(load_exchange(account.exchange).build(access, pacer, clock))
    return exchanges


def build_channels(loaded: Loaded, names: Sequence[str] = ()) -> list[Notifier]:
    """The configured channels, or those named; imports apprise. Raises ChannelRefused for a URL that apprise cannot use."""
    from monitor.notify.apprise import AppriseNotifier

    return [
        AppriseNotifier(name, loaded.secrets[channel.url_from].get_secret_value())
        for name, channel in loaded.settings.channels.items()
        if not names or name in names
    ]


@asynccontextmanager
async def build_clerk(store_path: Path) -> AsyncIterator[dict[str, Verb]]:
    """The verbs of the control socket on a store that no daemon holds; raises InstanceRunning."""
    from monitor.daemon.guard import Guard
    from monitor.daemon.verbs import verbs_of
    from monitor.store.lock import InstanceLock
    from monitor.store.sqlite import SqliteStore

    clock = SystemClock()
    with InstanceLock(store_path):
        store = await SqliteStore.open(store_path)
        try:
            guard = Guard(
                memory=await store.load(),
                policy=Policy(rules=(), intervals={}, watching_since=clock.now()),
                store=store,
                clock=clock,
                channels=(),
                wake=_nothing,
                direct=_nothing,
            )
            yield verbs_of(guard)
        finally:
            await store.close()


def _nothing(*_: object) -> None:
    """A clerk sends nothing."""


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
            worker.fall_back_to(workers[fallback])
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


def build_digest(loaded: Loaded, clock: SystemClock, guard: Guard) -> Daily | None:
    """The daily digest, where it is wanted."""
    from monitor.config.discipline import digest_channels
    from monitor.daemon.daily import Daily
    from monitor.digest import digest

    if loaded.settings.digest is None:
        return None
    channels = digest_channels(loaded.settings)

    async def tell() -> None:
        await guard.say(lambda memory, policy, now: digest(memory, policy, now, channels))

    return Daily(loaded.settings.digest.at, loaded.settings.timezone, clock, tell)


def _usable_channels(loaded: Loaded) -> list[Notifier]:
    """Every channel, or ConfigError naming each one whose URL apprise cannot use."""
    channels: list[Notifier] = []
    problems = []
    for name in loaded.settings.channels:
        try:
            channels += build_channels(loaded, [name])
        except ChannelRefused as error:
            problems.append(Problem(file=str(loaded.config), line=None, path=f"channels.{name}.url_from", message=error.message))
    if problems:
        raise ConfigError(tuple(problems))
    return channels


async def _open_store(path: Path) -> tuple[Store, Path | None]:
    """The store, and where a damaged one was moved: a guard with an empty memory is better than none."""
    from monitor.store.aside import move_aside
    from monitor.store.sqlite import SqliteStore

    try:
        return await SqliteStore.open(path), None
    except StoreCorrupt:
        aside = move_aside(path)
        return await SqliteStore.open(path), aside


@asynccontextmanager
async def build_daemon(loaded: Loaded, *, once: bool = False) -> AsyncIterator[Parts]:
    """Everything that `run` runs, with the store's lock held; raises InstanceRunning beside a running daemon."""
    from monitor.daemon.control import Control, socket_path
    from monitor.daemon.deliver import push_all, wake_all
    from monitor.daemon.guard import Guard
    from monitor.daemon.run import Parts
    from monitor.daemon.verbs import verbs_of
    from monitor.daemon.watching import pruned
    from monitor.exchanges.pacing import Pacer
    from monitor.margin.reading import FamilyKey
    from monitor.store.lock import InstanceLock

    clock = SystemClock()
    async with AsyncExitStack() as stack:
        crashpoint("start.locking")
        stack.enter_context(InstanceLock(loaded.store))
        crashpoint("start.locked")
        channels = _usable_channels(loaded)
        store, aside = await _open_store(loaded.store)
        crashpoint("start.opened")
        stack.push_async_callback(store.close)
        loop = asyncio.get_running_loop()
        keeping: set[asyncio.Task[None]] = set()

        def keep_ban(scope: str, until: datetime) -> None:
            task = loop.create_task(store.keep_ban(scope, until))
            keeping.add(task)
            task.add_done_callback(keeping.discard)

        pacer = Pacer(clock, on_ban=keep_ban)
        pacer.restore(await store.bans())
        exchanges = build_exchanges(loaded, clock, pacer)
        watched = [
            FamilyKey(exchange=one.exchange, account=one.account, family=family) for one in exchanges for family in one.families
        ]
        memory = pruned(await store.load(), watched, [channel.name for channel in channels])
        crashpoint("start.remembered")
        for exchange in exchanges:
            seen = [
                one
                for key, one in memory.positions.items()
                if (key.exchange, key.account) == (exchange.exchange, exchange.account)
            ]
            exchange.expect([one.assessment.position for one in seen if not one.mode])

        async def channel_changed(name: str, error: str | None) -> None:
            await guard.channel_changed(name, error)

        workers = build_workers(loaded, channels, store, clock, memory=memory, changed=channel_changed)
        guard = Guard(
            memory=memory,
            policy=build_policy(loaded, since=clock.now(), once=once),
            store=store,
            clock=clock,
            channels=[channel.name for channel in channels],
            wake=lambda: wake_all(workers),
            direct=lambda message: push_all(workers, message),
        )
        if aside is not None:
            await guard.tell_store_lost(aside.name)
        try:
            yield Parts(
                clock=clock,
                store=store,
                exchanges=exchanges,
                channels=channels,
                intervals=build_intervals(loaded),
                guard=guard,
                workers=workers,
                control=Control(socket_path(loaded.store), verbs_of(guard)),
                heartbeat=build_heartbeat(loaded, clock, guard),
                digest=build_digest(loaded, clock, guard),
            )
        finally:
            await asyncio.gather(*keeping, return_exceptions=True)
