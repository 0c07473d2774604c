"""Price paths: what the mark prices do over the seconds of a scenario.

``calm`` wanders, ``crash`` has the shape of the published prices of 10 October 2025, 20:45 to 22:15 UTC, ``whipsaw`` swings 200
times around one level, ``gap`` jumps once past everything; ``recorded.from_csv`` plays a series. All are shares of the price at
the start, so one path serves every contract; the same seed gives the same prices at any speed.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from monitor.practice.scenarios import curves

EVERYTHING_ELSE = "*"


@dataclass(frozen=True, slots=True)
class Curve:
    """Straight lines between points of (second, share of the starting price); two points at one second are a jump."""

    points: tuple[tuple[Decimal, Decimal], ...]

    def at(self, second: Decimal) -> Decimal:
        """The share at ``second``; the ends stand for everything beyond them."""
        index = bisect_right(self.points, second, key=lambda point: point[0])
        if index == 0:
            return self.points[0][1]
        if index == len(self.points):
            return self.points[-1][1]
        (begin, low), (end, high) = self.points[index - 1], self.points[index]
        return low + (high - low) * (second - begin) / (end - begin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A named path. ``curves`` by base coin, ``*`` for the others; ``noise`` the most that a second strays, as a share.

    ``fundings``: (second, rate) at which every contract settles funding.
    """

    name: str
    seconds: int
    curves: Mapping[str, Curve]
    noise: Decimal = Decimal("0.0002")
    fundings: tuple[tuple[Decimal, Decimal], ...] = field(default=())

    def share(self, base: str, second: Decimal, seed: int) -> Decimal:
        """The price of ``base`` at ``second`` as a share of its start; depends on nothing but the arguments."""
        curve = self.curves.get(base) or self.curves[EVERYTHING_ELSE]
        chance = random.Random(f"{seed}/{self.name}/{base}/{int(second)}")  # noqa: S311 - weather, not secrets
        stray = self.noise * chance.randint(-1000, 1000) / 1000
        return curve.at(second) * (1 + stray) if second else curve.at(second)


def read_points(written: str) -> Curve:
    """A curve from ``second:share`` pairs."""
    pairs = (pair.partition(":") for pair in written.split())
    return Curve(tuple((Decimal(second), Decimal(share)) for second, _, share in pairs))


def deeper(curve: Curve, times: Decimal) -> Curve:
    """The same moves, ``times`` as large."""
    return Curve(tuple((second, 1 - (1 - share) * times) for second, share in curve.points))


def calm() -> Scenario:
    """Ten minutes within half a percent, one funding on the way."""
    curve = read_points("0:1 90:1.003 210:0.998 330:1.004 450:0.997 600:1.001")
    return Scenario(name="calm", seconds=600, curves={EVERYTHING_ELSE: curve}, fundings=((Decimal(300), Decimal("0.0001")),))


def crash() -> Scenario:
    """90 minutes of 10 October 2025: Bitcoin down 8 %, Atom 73 %, the others twice as far as Bitcoin."""
    bitcoin, atom = read_points(curves.BITCOIN), read_points(curves.ATOM)
    return Scenario(
        name="crash", seconds=5400, curves={"BTC": bitcoin, "ATOM": atom, EVERYTHING_ELSE: deeper(bitcoin, Decimal(2))}
    )


def whipsaw(*, level: Decimal = Decimal("0.96"), swing: Decimal = Decimal("0.01"), swings: int = 200) -> Scenario:
    """Down to ``level`` in a minute, then ``swings`` times ``swing`` down and up around it, ten seconds each."""
    points = [(Decimal(0), Decimal(1)), (Decimal(60), level)]
    for number in range(swings):
        begin = Decimal(60 + 10 * number)
        points += [(begin + Decimal("2.5"), level - swing / 2), (begin + Decimal("7.5"), level + swing / 2)]
    end = 60 + 10 * swings
    points.append((Decimal(end), level))
    return Scenario(name="whipsaw", seconds=end, curves={EVERYTHING_ELSE: Curve(tuple(points))}, noise=Decimal(0))


def gap(*, to: Decimal = Decimal("0.7")) -> Scenario:
    """A quiet minute, then one jump to ``to``, and a minute after it."""
    curve = Curve(((Decimal(0), Decimal(1)), (Decimal(60), Decimal(1)), (Decimal(60), to), (Decimal(120), to)))
    return Scenario(name="gap", seconds=120, curves={EVERYTHING_ELSE: curve})


SCENARIOS = {scenario.name: scenario for scenario in (calm(), crash(), whipsaw(), gap())}
"""The scripted ones, by name."""
