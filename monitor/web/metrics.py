"""Prometheus metrics, made anew at each scrape from the `View`. Rounding to float happens here and nowhere else.

Every name is in ``METRICS`` with its help; every reason that there is has its line from the start, with 0.
"""

from __future__ import annotations

import resource
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from monitor.alerts.model import AlertState, NotifyReason
from monitor.alerts.muting import MuteReason
from monitor.errors import StoreFault
from monitor.memory import FamilyState, Memory
from monitor.rules.base import Level
from monitor.topups.ledger import IntentState
from monitor.topups.refusal import RefusalReason
from monitor.web.health import is_fresh
from monitor.web.view import Counts, View

_POSITION = ("account", "symbol", "side")
METRICS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "margincall_position_margin_usage_ratio": ("Requirement / equity; 1 is liquidation. +Inf: no equity left.", _POSITION),
    "margincall_position_cushion_ratio": ("Headroom / what it was at entry; 0 is liquidation.", _POSITION),
    "margincall_position_liquidation_distance_ratio": ("How far liquidation is, as a share of the mark price.", _POSITION),
    "margincall_position_equity": ("Margin and unrealised profit, in settle currency.", (*_POSITION, "currency")),
    "margincall_family_age_seconds": ("Seconds since the last valid reading.", ("account", "family")),
    "margincall_family_fresh": ("1 while this run has read it and the last poll was good.", ("account", "family")),
    "margincall_cycle_seconds": ("How long the last poll took, from the question to the commit.", ("account",)),
    "margincall_request_weight_used": ("Request weight used in the exchange's own window.", ("account",)),
    "margincall_positions_not_guarded": ("Open positions that are not isolated or cannot be read.", ("account",)),
    "margincall_alerts": ("Living alerts.", ("state", "level")),
    "margincall_rulings_total": ("Decisions to speak or not to speak, by named reason.", ("reason",)),
    "margincall_deliveries_total": ("Messages by channel and what became of them.", ("channel", "outcome")),
    "margincall_channel_works": ("1 while the channel accepts messages.", ("channel",)),
    "margincall_top_ups": ("Intents to change a margin, of the last 24 hours or of a living position.", ("state",)),
    "margincall_top_up_refusals": ("Policies that do not act now although their trigger is reached.", ("reason",)),
    "margincall_journal_unknown": ("Writes whose outcome is not known yet.", ()),
    "margincall_top_ups_stopped": ("1 while the kill switch is thrown.", ()),
    "margincall_store_keeps": ("1 while the store takes what is decided.", ()),
    "margincall_workers_hanging": ("Workers that have not turned within their time.", ()),
    "margincall_loop_lag_seconds": ("How late the event loop was at most within the last minute.", ()),
    "margincall_loop_lag_p99_seconds": ("How late it was in all but one of a hundred looks of that minute.", ()),
    "margincall_memory_bytes": ("Memory in use (resident).", ()),
}
"""Every metric: its help and its labels. Accounts appear under the names that the owner gave them."""

NAMED = (
    *(reason.value for reason in NotifyReason),
    *(reason.value for reason in MuteReason),
    *(state.value for state in AlertState),
    *("acknowledged", "dead_band", "born", "deduplicated", "over", "over_untold"),
)
OUTCOMES = ("waiting", "sending", "accepted", "dead", "superseded", "expired")
Rows = Iterable[tuple[tuple[str, ...], float]]


def page(view: View) -> bytes:
    """The whole page in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(view))
    return generate_latest(registry)


class _Collector:
    """What the registry asks at each scrape."""

    def __init__(self, view: View) -> None:
        self._view = view

    def collect(self) -> Iterator[Metric]:
        """Every metric with its rows."""
        rows = _rows(self._view)
        for name, (text, labels) in METRICS.items():
            family: Metric
            if name.endswith("_total"):
                family = counter = CounterMetricFamily(name, text, labels=labels)
                for values, value in rows[name]:
                    counter.add_metric(values, value)
            else:
                family = gauge = GaugeMetricFamily(name, text, labels=labels)
                for values, value in rows[name]:
                    gauge.add_metric(values, value)
            yield family


def _rows(view: View) -> dict[str, Rows]:
    memory, now = view.memory(), view.clock.now()
    try:
        counts = view.counts()
    except StoreFault:
        counts = Counts()
    broken = {one.name for one in memory.channels.values() if one.broken_since is not None}
    paces = view.paces()
    intents = memory.top_ups.intents.values()
    return {
        **_positions(memory),
        **_families(memory, now, view.policy().watching_since),
        "margincall_cycle_seconds": [((name,), one.took) for name, one in paces.items() if one.took is not None],
        "margincall_request_weight_used": [((name,), float(one.weight)) for name, one in paces.items() if one.weight is not None],
        "margincall_alerts": _alerts(memory),
        "margincall_rulings_total": [((name,), float(counts.rulings.get(name, 0))) for name in dict.fromkeys(NAMED)],
        "margincall_deliveries_total": [
            ((channel, outcome), float(counts.deliveries.get((channel, outcome), 0)))
            for channel in view.channels()
            for outcome in OUTCOMES
        ],
        "margincall_channel_works": [((name,), float(name not in broken)) for name in view.channels()],
        "margincall_top_ups": _each(IntentState, (one.state.value for one in intents)),
        "margincall_top_up_refusals": _each(RefusalReason, (one.reason.value for one in memory.top_ups.refusals.values())),
        "margincall_journal_unknown": [((), float(sum(one.state is IntentState.UNKNOWN for one in intents)))],
        "margincall_top_ups_stopped": [((), float(memory.top_ups.stopped_at is not None))],
        "margincall_store_keeps": [((), float(view.kept()))],
        "margincall_workers_hanging": [((), float(len(view.late())))],
        "margincall_loop_lag_seconds": [((), view.lag())],
        "margincall_loop_lag_p99_seconds": [((), view.usual_lag())],
        "margincall_memory_bytes": [((), _resident())],
    }


def _positions(memory: Memory) -> dict[str, Rows]:
    usage, cushion, distance, equity = [], [], [], []
    for key, seen in sorted(memory.positions.items()):
        if seen.mode:
            continue
        judged, who = seen.assessment.judged, (key.account, key.symbol, key.side.value)
        usage.append((who, float("inf") if judged.margin_usage is None else float(judged.margin_usage)))
        cushion += _known(who, judged.cushion)
        distance += _known(who, judged.liquidation_distance)
        equity.append(((*who, seen.assessment.position.instrument.settle_currency), float(judged.equity)))
    return {
        "margincall_position_margin_usage_ratio": usage,
        "margincall_position_cushion_ratio": cushion,
        "margincall_position_liquidation_distance_ratio": distance,
        "margincall_position_equity": equity,
    }


def _known(who: tuple[str, ...], value: Decimal | None) -> list[tuple[tuple[str, ...], float]]:
    return [] if value is None else [(who, float(value))]


def _families(memory: Memory, now: datetime, since: datetime) -> dict[str, Rows]:
    watched = [(key, one) for key, one in sorted(memory.families.items()) if one.state is not FamilyState.NOT_OPENED]
    unguarded = Counter({key.account: 0 for key, _ in watched})
    for key, one in watched:
        unguarded[key.account] += len(one.unguarded)
    return {
        "margincall_family_age_seconds": [
            ((key.account, key.family), (now - one.last_good).total_seconds())
            for key, one in watched
            if one.last_good is not None
        ],
        "margincall_family_fresh": [((key.account, key.family), float(is_fresh(one, since))) for key, one in watched],
        "margincall_positions_not_guarded": [((name,), float(number)) for name, number in unguarded.items()],
    }


def _alerts(memory: Memory) -> Rows:
    living = Counter((alert.state.value, alert.level.label) for alert in memory.alerts.values())
    return [((state.value, level.label), float(living[state.value, level.label])) for state in AlertState for level in Level]


def _each(every: type[IntentState | RefusalReason], found: Iterable[str]) -> Rows:
    counted = Counter(found)
    return [((one.value,), float(counted[one.value])) for one in every]


def _resident() -> float:
    """Bytes now, from /proc; where there is none, the most it ever was."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return float(most if sys.platform == "darwin" else most * 1024)
    return float(pages * resource.getpagesize())
