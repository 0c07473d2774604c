"""A configuration that is read again while the daemon runs: what it changes is built before anything in force is touched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from monitor.app.parts import build_digest, build_heartbeat, build_policy, build_workers
from monitor.clock import SystemClock
from monitor.ports import Notifier, Store

if TYPE_CHECKING:
    from monitor.config import ChannelSettings, Loaded
    from monitor.daemon.deliver import ChannelWorker
    from monitor.daemon.doctor import Doctor
    from monitor.daemon.guard import Guard
    from monitor.daemon.reload import Reload, Renewal


class Renewing:
    """``loaded``: the configuration in force. ``build`` makes the channels of these names, or raises ConfigError. ``hide`` is
    told every secret, old and new, before the first of the new ones is used.
    """

    def __init__(
        self,
        loaded: Loaded,
        guard: Guard,
        clock: SystemClock,
        doctor: Doctor,
        *,
        workers: Sequence[ChannelWorker],
        notifiers: Sequence[Notifier],
        build: Callable[[Loaded, Iterable[str]], list[Notifier]],
        build_for: Callable[[Loaded, Sequence[Notifier]], list[ChannelWorker]],
        hide: Callable[[Iterable[str]], None],
    ) -> None:
        self._loaded = self._next = loaded
        self._known = {secret.get_secret_value() for secret in loaded.secrets.values()}
        self._guard, self._clock, self._doctor = guard, clock, doctor
        self._workers, self._notifiers = workers, notifiers
        self._build, self._build_for, self._hide = build, build_for, hide

    async def __call__(self) -> Renewal:
        """Read the file again; raises ConfigError with every problem. Nothing in force changes."""
        from monitor.config import load
        from monitor.config.changes import compare
        from monitor.daemon.reload import Renewal

        new = await asyncio.to_thread(load, self._loaded.config)
        self._known |= {secret.get_secret_value() for secret in new.secrets.values()}
        self._hide(self._known)
        difference = compare(self._loaded, new)
        loaded = self._next = difference.loaded
        wanted = loaded.settings.channels
        built = self._build(loaded, [name for name in wanted if name in difference.fresh])
        policy = build_policy(loaded, since=self._clock.now())
        mine = {one.name: one for one in self._workers}
        made = {one.name: one for one in self._build_for(loaded, built)}
        notifiers = {one.name: one for one in (*self._notifiers, *built)}
        before = self._loaded.settings.channels
        heirs = {name: _heir(name, before, wanted) for name in before if name not in wanted}
        return Renewal(
            changed=difference.changed,
            restart=difference.restart,
            policy=policy,
            workers=[made.get(name) or mine[name] for name in wanted],
            notifiers=[notifiers[name] for name in wanted],
            fallbacks={name: one.fallback for name, one in wanted.items()},
            heirs=heirs,
            heartbeat=build_heartbeat(loaded, self._clock, self._guard) if difference.heartbeat else None,
            digest=build_digest(loaded, self._clock, self._guard, self._doctor) if difference.digest else None,
            keep_heartbeat=not difference.heartbeat,
            keep_digest=not difference.digest,
        )

    def settle(self) -> None:
        """What was last built is in force."""
        self._loaded = self._next


def _heir(name: str, before: Mapping[str, ChannelSettings], wanted: Container[str]) -> str | None:
    """The first of the fallbacks of a channel that is still there."""
    heir = before[name].fallback
    while heir is not None and heir not in wanted:
        heir = before[heir].fallback
    return heir


def build_reload(
    loaded: Loaded,
    guard: Guard,
    store: Store,
    clock: SystemClock,
    doctor: Doctor,
    *,
    workers: list[ChannelWorker],
    notifiers: list[Notifier],
    build: Callable[[Loaded, Iterable[str]], list[Notifier]],
    changed: Callable[[str, str | None], Awaitable[None]],
    hide: Callable[[Iterable[str]], None],
) -> Reload:
    """Whoever reloads: ``workers`` and ``notifiers`` are the daemon's own lists, which change with it."""
    from monitor.daemon.reload import Reload

    def build_for(new: Loaded, some: Sequence[Notifier]) -> list[ChannelWorker]:
        return build_workers(new, some, store, clock, memory=guard.memory, changed=changed)

    renewing = Renewing(
        loaded, guard, clock, doctor, workers=workers, notifiers=notifiers, build=build, build_for=build_for, hide=hide
    )
    return Reload(guard, store, clock, workers=workers, notifiers=notifiers, renew=renewing, settle=renewing.settle)
