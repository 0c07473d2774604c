"""The tables of ``docs/false-alarms.md``, as Markdown, from what was watched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from bench.alarms.book import BANDS
from bench.alarms.recorded import CRASH, DAY
from bench.alarms.replay import Watched
from bench.alarms.runs import Result
from bench.alarms.shares import ALWAYS, HORIZON, Hours, Tally, messages_a_day, overlap, quantile, tally
from bench.alarms.variants import CUSHION, TODAY, USAGE, VARIANTS
from monitor.alerts.model import NotifyReason
from monitor.rules.base import Level

LEVELS = (
    ("warning, cushion", CUSHION.KIND, Level.WARNING),
    ("critical, cushion", CUSHION.KIND, Level.CRITICAL),
    ("emergency, cushion", CUSHION.KIND, Level.EMERGENCY),
    ("emergency, usage", USAGE.KIND, Level.EMERGENCY),
)
MORNING: Hours = ((0, CRASH[0] - HORIZON),)
"""Alerts whose 12 h are over before the crash."""
BEFORE: Hours = ((CRASH[0] - HORIZON, CRASH[0]),)
"""Alerts whose 12 h reach into the crash."""
AFTER: Hours = ((CRASH[1], DAY),)
SHARES = (0.0, 0.05, 0.5, 0.95)
HEADS = ("alerts", "a position-day", "false", "shortest lead", "5 %", "median", "95 %", "liquidated", "unwarned")


def duration(seconds: float | None) -> str:
    """A time in the unit that a person would use, never rounded to look longer."""
    if seconds is None:
        return "-"
    if seconds < 120:
        return f"{int(seconds)} s"
    return f"{int(seconds // 60)} min" if seconds < 7200 else f"{int(seconds / 360) / 10} h"


def percent(share: float | None) -> str:
    """A share in whole per cent."""
    return "-" if share is None else f"{100 * share:.0f} %"


def false_share(found: Tally) -> str:
    """The share of false alarms; from one to another share where some are undecided."""
    least, most = percent(found.false_at_least), percent(found.false_at_most)
    return least if least == most else f"{least.removesuffix(' %')} to {most}"


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, the first column to the left and the others to the right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def watched_in(results: Sequence[Result], *groups: str, variant: str = TODAY) -> list[Watched]:
    """Every position of these groups under one variant."""
    return [one for result in results if result.task.group in groups for one in result.by_variant.get(variant, [])]


def _row(name: str, found: Tally) -> list[str]:
    return [
        name,
        str(found.alerts),
        f"{found.a_day:.2f}",
        false_share(found),
        *(duration(quantile(found.leads, share)) for share in SHARES),
        str(found.liquidations),
        str(found.unwarned),
    ]


def levels(watched: Sequence[Watched], hours: Hours = ALWAYS) -> str:
    """A row for each level of each rule."""
    rows = [_row(name, tally(watched, rule, level, hours)) for name, rule, level in LEVELS]
    return markdown(("level, rule", *HEADS), rows)


def by_leverage(watched: Sequence[Watched]) -> str:
    """False shares, median and 5 % leads, and messages, for each band of leverage."""
    rows = []
    for low, high in BANDS:
        band = [one for one in watched if low <= one.leverage <= high]
        found = [tally(band, rule, level) for _, rule, level in LEVELS]
        rows.append(
            [
                f"{low}x to {high}x",
                str(len(band)),
                percent(found[0].liquidations / len(band)) if band else "-",
                _three(found, false_share),
                _three(found, lambda one: f"{one.a_day:.2f}"),
                _three(found, lambda one: duration(quantile(one.leads, 0.05))),
                _three(found, lambda one: duration(quantile(one.leads, 0.5))),
                f"{messages_a_day(band):.1f}",
            ]
        )
    heads = ("leverage", "positions", "liquidated", "false", "alerts a day", "5 % lead", "median lead", "messages a day")
    return markdown(heads, rows)


def sweep(results: Sequence[Result], group: str, *, hours: Hours = ALWAYS) -> str:
    """Each variant that was run over this group, beside today's defaults. The undecided count as false."""
    rows = []
    for variant in VARIANTS:
        watched = watched_in(results, group, variant=variant.name)
        if not watched:
            continue
        found = [tally(watched, rule, level, hours) for _, rule, level in LEVELS]
        rows.append(
            [
                variant.name,
                _four(found, lambda one: percent(one.false_at_most)),
                _four(found, lambda one: f"{one.a_day:.2f}"),
                _four(found, lambda one: duration(quantile(one.leads, 0.05))),
                _four(found, lambda one: str(one.unwarned)),
                f"{messages_a_day(watched, hours):.1f}",
            ]
        )
    heads = ("", "false", "alerts a day", "5 % lead", "unwarned", "messages a day")
    return markdown(heads, rows)


def bars(results: Sequence[Result]) -> str:
    """The same positions in the same crash hours, seen by the second and by the minute."""
    rows = []
    for group, name in (("seconds", "second by second"), ("minutes", "minute bars, four prices"), ("closes", "minute closes")):
        watched = watched_in(results, group)
        found = [tally(watched, rule, level) for _, rule, level in LEVELS]
        rows.append(
            [
                name,
                str(found[0].liquidations),
                _four(found, lambda one: str(one.alerts)),
                _four(found, lambda one: duration(quantile(one.leads, 0.05))),
                _four(found, lambda one: duration(quantile(one.leads, 0.5))),
                _four(found, lambda one: str(one.unwarned)),
            ]
        )
    return markdown(("seen", "liquidated", "alerts", "5 % lead", "median lead", "unwarned"), rows)


def sources(watched: Sequence[Watched]) -> str:
    """Where the messages of a day come from: what is new, what repeats at which level, what is over."""
    days = sum(overlap(one.opened, one.until, ALWAYS) for one in watched) / DAY or 1
    kinds: Counter[str] = Counter()
    for one in watched:
        for said in one.spoken:
            live = [notice for notice in said.notices if notice.why is not NotifyReason.RESOLVED]
            if not live:
                kinds["all-clear"] += 1
                continue
            lead = max(live, key=lambda notice: (notice.level, notice.why is not NotifyReason.REPEAT))
            kinds[f"{'repeat' if lead.why is NotifyReason.REPEAT else 'new'}, {lead.level.label}"] += 1
    names = [f"{kind}, {level}" for level in ("warning", "critical", "emergency") for kind in ("new", "repeat")] + ["all-clear"]
    total = sum(kinds.values())
    rows = [[name, f"{kinds[name] / days:.2f}", percent(kinds[name] / total if total else None)] for name in names]
    return markdown(("message", "a position-day", "share"), [*rows, ["all", f"{total / days:.2f}", "100 %"]])


def _three(found: Sequence[Tally], text: Callable[[Tally], str]) -> str:
    return " / ".join(text(one) for one in found[:3])


def _four(found: Sequence[Tally], text: Callable[[Tally], str]) -> str:
    return " / ".join(text(one) for one in found)


def all_tables(results: Sequence[Result]) -> dict[str, str]:
    """Every table by its name in the document; those of recorded series only where there are any."""
    walks = watched_in(results, "walk")
    tables = {
        "walks": levels(walks),
        "leverage": by_leverage(walks),
        "messages": sources(walks),
        "sweep": sweep(results, "walk"),
        "within": sweep(results, "slow"),
    }
    if any(result.task.group not in {"walk", "slow"} for result in results):
        fine, coarse = watched_in(results, "day_1s"), watched_in(results, "day_1m")
        tables |= {
            "crash": levels(fine, (CRASH,)),
            "crash-minutes": levels(coarse, (CRASH,)),
            "morning": levels([*fine, *coarse], MORNING),
            "before": levels([*fine, *coarse], BEFORE),
            "after": levels([*fine, *coarse], AFTER),
            "crash-sweep": sweep(results, "day_1s", hours=(CRASH,)),
            "marks-1h": levels(watched_in(results, "marks_1h")),
            "marks-8h": levels(watched_in(results, "marks_8h")),
            "bars": bars(results),
        }
    return tables
