"""The runs: which paths, how many positions on each, and all variants over the same positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing import Pool
from random import Random

from bench.alarms import recorded
from bench.alarms.book import LEVERAGES, entries
from bench.alarms.prices import Path
from bench.alarms.replay import CALM, Watched, replay
from bench.alarms.shares import HORIZON
from bench.alarms.variants import TODAY, VARIANTS
from bench.alarms.walks import walk

HOUR = 3600
WATCH = 48 * HOUR
ENTRY_HOURS = 12
ANNUAL = (0.5, 0.75, 1.0, 1.25, 1.5)
SLOW_WATCH, SLOW_LEVERAGES = 14 * 24 * HOUR, (2, 3)
SWEPT = ("walk", "day_1s")
"""The groups over which every variant is run; over the slow one those of ``within``, over the others today's defaults alone."""
CRASH_ONLY = ("seconds", "minutes", "closes")
MARKS_1H = "binance-usdm_XRPUSDT_1h-mark_2021-11-15_2021-11-19.csv"
MARKS_8H = "binance-usdm_XRPUSDT_8h-mark_2021-11-18_2021-12-18.csv"


@dataclass(frozen=True, slots=True)
class Task:
    """One path and its positions. ``group``: walk; slow (two weeks of low leverage); day_1s, day_1m, marks_1h, marks_8h; or the
    crash hours alone, seen as seconds, minutes, closes.
    """

    group: str
    name: str
    seed: int
    positions: int
    annual: float = 0.0


@dataclass(frozen=True, slots=True)
class Result:
    """What one task brought: for each variant's name the positions, in the same order."""

    task: Task
    by_variant: dict[str, list[Watched]]


def tasks(*, seed: int, walks: int, on_walk: int, on_series: int) -> Iterator[Task]:
    """Everything to be run; only the walks where the recorded series are not there."""
    for index in range(walks):
        yield Task("walk", f"walk-{index}", seed, on_walk, ANNUAL[index % len(ANNUAL)])
    for index in range(walks // 2):
        yield Task("slow", f"slow-{index}", seed, on_walk, ANNUAL[index % len(ANNUAL)])
    folder = recorded.folder()
    if folder is None:
        return
    for file in sorted(folder.glob("*_2025-10-10_*_1m.csv")):
        fine = file.with_name(file.name.replace("_1m", recorded.FINE)).exists()
        yield Task("day_1s" if fine else "day_1m", file.name, seed, on_series)
        if fine:
            for group in CRASH_ONLY:
                yield Task(group, file.name, seed, on_series)
    yield Task("marks_1h", MARKS_1H, seed, 2 * on_series)
    yield Task("marks_8h", MARKS_8H, seed, 2 * on_series)


def path_of(task: Task) -> Path:
    """The prices of a task."""
    if task.group == "walk":
        hours = ENTRY_HOURS + (WATCH + HORIZON) // HOUR
        return walk(task.name, seed=f"{task.seed}/{task.name}", annual=task.annual, hours=hours)
    if task.group == "slow":
        hours = ENTRY_HOURS + (SLOW_WATCH + HORIZON) // HOUR
        return walk(task.name, seed=f"{task.seed}/{task.name}", annual=task.annual, hours=hours, step=60)
    folder = recorded.folder()
    if folder is None:
        raise FileNotFoundError("the recorded series are not here")
    file = folder / task.name
    if task.group.startswith("marks"):
        return recorded.true_marks(file, HOUR if task.group == "marks_1h" else 8 * HOUR)
    if task.group in {"minutes", "closes"}:
        return recorded.minutes_only(file, closes_only=task.group == "closes")
    path = recorded.day(file)
    return path if task.group.startswith("day") else recorded.crash_hours(path)


def run(task: Task) -> Result:
    """Open the task's positions at random and watch each with every variant.

    On walks and true marks a position is watched 48 h (slow: 14 days), and its end is looked for 12 h longer; on the recorded
    day it is watched until the day ends.
    The crash hours are run three times over the same positions, opened in their first half hour.
    """
    path = path_of(task)
    crash_only = task.group in CRASH_ONLY
    rng = Random(f"{task.seed}/{'crash' if crash_only else task.group}/{task.name}")
    if crash_only:
        watch, follow, last, step = path.seconds, 0, HOUR // 2, 60
    elif task.group.startswith("day"):
        watch, follow, last, step = path.seconds, 0, 22 * HOUR, path.step
    else:
        watch, follow, step = SLOW_WATCH if task.group == "slow" else WATCH, HORIZON, path.step
        last = path.seconds - watch - follow
    leverages = SLOW_LEVERAGES if task.group == "slow" else LEVERAGES
    book = entries(rng, task.positions, inverse=path.inverse, first=0, last=last, step=step, calm=CALM, leverages=leverages)
    if crash_only:
        book = [replace(one, first_poll=one.second) for one in book]
    chosen = [
        variant
        for variant in VARIANTS
        if variant.name == TODAY or task.group in SWEPT or (task.group == "slow" and "within" in variant.name)
    ]
    by_variant = {}
    for variant in chosen:
        by_variant[variant.name] = [
            replay(path, one, variant, watch=watch, known=min(path.seconds, one.second + watch + follow)) for one in book
        ]
    return Result(task, by_variant)


def run_all(todo: Sequence[Task], *, processes: int) -> list[Result]:
    """Every task, in order; each draws from its own seed, so the result does not depend on the number of processes."""
    if processes == 1:
        return [run(task) for task in todo]
    with Pool(processes) as pool:
        return pool.map(run, todo, chunksize=1)
