"""Play runs: each picks a crash point and another one for the daemon that follows, and ends when all has been accepted."""

from __future__ import annotations

import math
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.chaos import scripts
from tests.e2e.chaos.ledger import account, rows
from tests.e2e.chaos.scene import PATIENCE, STORE, Scene
from tests.e2e.chaos.table import PLACES, Place

ON_EVERY_WAY = [place for place in PLACES if place.script is scripts.fall]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run: the places, with the passing, at which its daemons are to die one after the other."""

    number: int
    place: Place
    armed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a run. ``deaths``: at which crash points. ``twice``: the most duplicates on one channel."""

    plan: Plan
    seconds: float
    deaths: tuple[str, ...]
    reboots: int
    raised: int
    lost: tuple[str, ...]
    twice: int
    trouble: str = ""

    @property
    def twice_per_kill(self) -> int:
        """The most duplicates on one channel for each kill, rounded up."""
        return math.ceil(self.twice / max(1, len(self.deaths) + self.reboots))


def plans(runs: int, seed: int) -> list[Plan]:
    """Every place in turn, in an order of its own for each seed; a second death follows in one run of three."""
    chance = random.Random(seed)
    made: list[Plan] = []
    while len(made) < runs:
        for place in chance.sample(PLACES, len(PLACES)):
            armed = [f"{place.name}:{chance.randint(1, place.passings)}"]
            if chance.random() < 1 / 3:
                other = chance.choice(ON_EVERY_WAY)
                armed.append(f"{other.name}:{chance.randint(1, other.passings)}")
            made.append(Plan(number=len(made) + 1, place=place, armed=tuple(armed)))
    return made[:runs]


def play(todo: Sequence[Plan], *, jobs: int, tell: Callable[[Result], None]) -> list[Result]:
    """Play them on ``jobs`` scenes side by side, each with a store that goes on from run to run."""
    shares = [todo[start::jobs] for start in range(min(jobs, len(todo)))]
    with ThreadPoolExecutor(jobs) as pool:
        done = [pool.submit(_play_on_one, share, tell) for share in shares]
        return [result for each in done for result in each.result()]


def _play_on_one(todo: Sequence[Plan], tell: Callable[[Result], None]) -> list[Result]:
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    results = []
    try:
        with Scene.on(folder) as scene:
            try:
                scene.furnish()
                for plan in todo:
                    results.append(_run(scene, plan))
                    tell(results[-1])
                    if results[-1].trouble:
                        break
            finally:
                scene.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return results


def _run(scene: Scene, plan: Plan) -> Result:
    """One run, from a daemon that does not run to an outbox that is empty."""
    began, first, since = time.monotonic(), len(scene.arrivals), _last(scene)
    scene.planned[:], scene.deaths[:] = plan.armed, ()
    scene.armed, scene.reboots = "", 0
    trouble = ""
    try:
        while plan.armed[0] not in scene.deaths:
            assert time.monotonic() < began + PATIENCE, f"{plan.armed[0]} was never passed"
            plan.place.script(scene)
        scene.planned.clear()
        scene.revive()
        scene.settle()
    except AssertionError as error:
        trouble = str(error)
    deaths = tuple(scene.deaths)
    scene.rest()
    found = account([row for row in rows(scene.folder / STORE) if row.id > since], scene.arrivals[first:])
    return Result(
        plan=plan,
        seconds=time.monotonic() - began,
        deaths=deaths,
        reboots=scene.reboots,
        raised=found.raised,
        lost=(*found.lost, *([trouble] if trouble else [])),
        twice=max(found.twice.values(), default=0),
        trouble=trouble,
    )


def _last(scene: Scene) -> int:
    """The number of the last delivery before this run."""
    store = scene.folder / STORE
    return max((row.id for row in rows(store)), default=0) if store.exists() else 0
