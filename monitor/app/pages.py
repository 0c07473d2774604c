"""The pages over HTTP, where the owner wants them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitor.clock import SystemClock

if TYPE_CHECKING:
    from monitor.config import Loaded
    from monitor.daemon.deliver import ChannelWorker
    from monitor.daemon.guard import Guard
    from monitor.daemon.vitals import Vitals
    from monitor.web.server import WebServer
    from monitor.web.view import Counts


def build_pages(
    loaded: Loaded, clock: SystemClock, guard: Guard, vitals: Vitals, *, workers: Sequence[ChannelWorker]
) -> WebServer | None:
    """The server of health and metrics, None where it is not configured."""
    from monitor.store.reader import StoreReader
    from monitor.web.server import WebServer
    from monitor.web.view import Counts, Pace, View

    settings = loaded.settings.web
    if settings is None:
        return None

    def counts() -> Counts:
        with StoreReader(loaded.store) as reader:
            return Counts(rulings=reader.rulings_by_name(), deliveries=reader.deliveries_by_state())

    view = View(
        clock=clock,
        memory=lambda: guard.memory,
        policy=lambda: guard.policy,
        kept=lambda: guard.kept,
        late=lambda: vitals.hanging,
        paces=lambda: {name: Pace(took=took) for name, took in vitals.took.items()},
        lag=lambda: vitals.lag,
        usual_lag=lambda: vitals.usual_lag,
        counts=counts,
        channels=lambda: [worker.name for worker in workers],
    )
    token = "" if settings.token_from is None else loaded.secrets[settings.token_from].get_secret_value()
    return WebServer(view, host=settings.listen.host, port=settings.listen.port, token=token)
