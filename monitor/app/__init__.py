"""The composition root: the only place that knows every room, and the only one that builds adapters.

Imports are lazy, so that a verb pays only for what it uses: ccxt alone costs 0.7 s and 100 MiB.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.app.pages import build_pages
from monitor.app.parts import (
    build_channels,
    build_digest,
    build_doctor,
    build_exchanges,
    build_heartbeat,
    build_intervals,
    build_policy,
    build_workers,
)
from monitor.app.renewal import build_reload
from monitor.app.top_ups import build_top_up_workers, lock_accounts
from monitor.clock import SystemClock
from monitor.crashpoint import crashpoint
from monitor.errors import ChannelRefused, ConfigError, Problem, StoreCorrupt, StoreFault, StoreUnavailable
from monitor.memory import Commit, Memory, not_ahead
from monitor.policy import Policy
from monitor.ports import Exchange, Notifier, Store
from monitor.spend import recovered
from monitor.topups.state import TopUpChanges

if TYPE_CHECKING:
    from monitor.config import Loaded
    from monitor.daemon.control import Verb
    from monitor.daemon.guard import Guard
    from monitor.daemon.run import Parts
    from monitor.daemon.topup import TopUpWorker

__all__ = ["build_channels", "build_clerk", "build_daemon", "build_exchanges", "build_intervals", "build_policy", "secrets_of"]


def secrets_of(loaded: Loaded) -> list[str]:
    """Every secret value in use, for the scrubber."""
    return [secret.get_secret_value() for secret in loaded.secrets.values()]


@asynccontextmanager
async def build_clerk(store_path: Path) -> AsyncIterator[dict[str, Verb]]:
    """The verbs of the control socket on a store that no daemon holds; raises InstanceRunning."""
    from monitor.daemon.guard import Guard
    from monitor.daemon.margin_verbs import margin_verbs_of
    from monitor.daemon.verbs import verbs_of
    from monitor.store.lock import InstanceLock
    from monitor.store.sqlite import SqliteStore
    from monitor.store.switch import stop_file

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
            yield {**verbs_of(guard), **margin_verbs_of(guard, clock, stop_file(store_path), _nothing)}
        finally:
            await store.close()


def _nothing(*_: object) -> None:
    """A clerk sends nothing."""


def _usable_channels(loaded: Loaded, names: Iterable[str]) -> list[Notifier]:
    """The channels of these names, or ConfigError naming each one whose URL apprise cannot use."""
    channels: list[Notifier] = []
    problems = []
    for name in names:
        try:
            channels += build_channels(loaded, [name])
        except ChannelRefused as error:
            problems.append(Problem(file=str(loaded.config), line=None, path=f"channels.{name}.url_from", message=error.message))
    if problems:
        raise ConfigError(tuple(problems))
    return channels


def _lock(stack: AsyncExitStack, path: Path, *, once: bool) -> StoreFault | None:
    """Take the store's lock until ``stack`` ends; what keeps it from that, where it is the disk. Raises InstanceRunning."""
    from monitor.store.lock import InstanceLock

    try:
        stack.enter_context(InstanceLock(path))
    except StoreUnavailable as error:
        if once:
            raise
        return error
    return None


async def _open_store(path: Path, clock: SystemClock, *, once: bool, unlocked: StoreFault | None) -> tuple[Store, Memory, str]:
    """The store, its memory, and the name of a damaged one that was moved aside, if any.

    A guard with an empty memory is better than none, but adds no margin. So too without any store, where it cannot be used now
    (nor be locked); but a single run, which would tell everything anew each time, says so and ends.
    """
    from monitor.store.absent import AbsentStore
    from monitor.store.aside import move_aside

    moved = ""
    try:
        if unlocked is not None:
            raise unlocked
        try:
            return *await _opened(path), moved
        except StoreCorrupt:
            moved = move_aside(path).name
            # The journal is lost with it: nobody knows what was spent, or what is on its way, until a person has looked.
            return *await _opened(path, Commit(at=clock.now(), top_ups=TopUpChanges(stopped=True))), moved
    except StoreUnavailable as error:
        if once:
            raise
        absent = AbsentStore(error.message, clock.now())
        return absent, await absent.load(), moved


async def _opened(path: Path, first: Commit | None = None) -> tuple[Store, Memory]:
    """The store and what it remembers, after the ``first`` commit: rows that make no sense are damage, too."""
    from monitor.store.sqlite import SqliteStore

    store = await SqliteStore.open(path)
    try:
        if first is not None:
            await store.commit(first, channels=())
        return store, await store.load()
    except BaseException:
        await store.close()
        raise


def _verbs(loaded: Loaded, clock: SystemClock, guard: Guard, top_ups: Sequence[TopUpWorker]) -> dict[str, Verb]:
    """What the daemon answers to."""
    from monitor.daemon.margin_verbs import margin_verbs_of
    from monitor.daemon.verbs import verbs_of
    from monitor.store.switch import stop_file

    def poke() -> None:
        for worker in top_ups:
            worker.poke()

    return {**verbs_of(guard), **margin_verbs_of(guard, clock, stop_file(loaded.store), poke)}


def _tell_what_was_open(exchanges: Sequence[Exchange], memory: Memory) -> None:
    """Each exchange learns what an earlier run saw there last."""
    for exchange in exchanges:
        seen = [
            one for key, one in memory.positions.items() if (key.exchange, key.account) == (exchange.exchange, exchange.account)
        ]
        exchange.expect([one.assessment.position for one in seen if not one.mode])


@asynccontextmanager
async def build_daemon(
    loaded: Loaded, *, once: bool = False, hide: Callable[[Iterable[str]], None] = _nothing
) -> AsyncIterator[Parts]:
    """Everything that `run` runs, with the store's lock held; raises InstanceRunning beside a running daemon.

    ``hide`` is told all secrets again when a reload brings new ones.
    """
    from monitor.daemon.control import Control, socket_path
    from monitor.daemon.guard import Guard
    from monitor.daemon.outgoing import push_all, wake_all
    from monitor.daemon.run import Parts
    from monitor.daemon.vitals import Vitals
    from monitor.daemon.watching import pruned
    from monitor.exchanges.pacing import Pacer
    from monitor.margin.reading import FamilyKey

    clock = SystemClock()
    async with AsyncExitStack() as stack:
        crashpoint("start.locking")
        unlocked = _lock(stack, loaded.store, once=once)
        if not once:
            stack.enter_context(lock_accounts(loaded))
        crashpoint("start.locked")
        channels = _usable_channels(loaded, loaded.settings.channels)
        store, remembered, aside = await _open_store(loaded.store, clock, once=once, unlocked=unlocked)
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
        memory = pruned(not_ahead(remembered, clock.now()), watched, [channel.name for channel in channels])
        crashpoint("start.remembered")
        _tell_what_was_open(exchanges, memory)

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
        if aside:
            await guard.tell_store_lost(aside)
        await guard.spend(lambda memory, policy, now: recovered(memory, memory.top_ups.lease, now, policy))
        crashpoint("topup.recovered")
        top_ups = [] if once else build_top_up_workers(loaded, clock, pacer, guard)
        vitals = Vitals()
        doctor = build_doctor(loaded, exchanges, guard, store, clock)
        reload = build_reload(
            loaded,
            guard,
            store,
            clock,
            doctor,
            workers=workers,
            notifiers=channels,
            build=_usable_channels,
            changed=channel_changed,
            hide=hide,
        )
        try:
            yield Parts(
                clock=clock,
                store=store,
                exchanges=exchanges,
                channels=channels,
                intervals=build_intervals(loaded),
                guard=guard,
                workers=workers,
                control=Control(socket_path(loaded.store), _verbs(loaded, clock, guard, top_ups) | {"reload": reload.verb}),
                heartbeat=build_heartbeat(loaded, clock, guard),
                digest=build_digest(loaded, clock, guard, doctor),
                doctor=doctor,
                top_ups=top_ups,
                pages=build_pages(loaded, clock, guard, vitals, workers=workers),
                reload=reload,
                vitals=vitals,
            )
        finally:
            await asyncio.gather(*keeping, return_exceptions=True)
