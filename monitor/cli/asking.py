"""Ask the daemon to change something; without one, take its lock and do it in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitor.daemon.control import call, socket_path
from monitor.errors import InstanceRunning, MargincallError
from monitor.store.connection import require_store

if TYPE_CHECKING:
    from monitor.cli import Config


async def ask(config: Config, verb: str, *, alone: bool = True, **fields: Any) -> dict[str, Any]:
    """The answer of the daemon, or of ourselves in its place; raises MargincallError with its words for a refusal.

    ``alone`` False: only a daemon can do it.
    """
    from monitor.config.find import locate

    store = locate(config).store
    require_store(store)
    answer = await call(socket_path(store), verb, **fields)
    if answer is None and not alone:
        raise MargincallError("no daemon runs on this store", hint="Start it: margincall run")
    if answer is None:
        try:
            answer = await _alone(store, verb, fields)
        except InstanceRunning:
            answer = await call(socket_path(store), verb, **fields)
            if answer is None:
                raise
    if not answer.pop("ok"):
        raise MargincallError(answer["error"])
    return answer


async def _alone(store: Any, verb: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Grant the request on the store itself, which no daemon holds; raises InstanceRunning when one does after all."""
    from monitor.app import build_clerk

    async with build_clerk(store) as verbs:
        return {"ok": True, **await verbs[verb](fields)}
