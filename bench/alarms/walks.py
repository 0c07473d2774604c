"""Simulated marks: a seeded walk with fat tails and clustered volatility, as the prices of coins have.

The spread of a step follows three things: an annual volatility, a slow log-normal factor that wanders about 1 (so that wild
hours come together), and rare jumps. Its mean variance is that of the annual volatility. There is no drift and no cascade:
nobody's liquidation moves the price.
"""

from __future__ import annotations

from array import array
from math import exp, sqrt
from random import Random

from bench.alarms.prices import Path

YEAR = 365 * 86_400
STEP = 2
CLUSTER = 0.55
"""Standard deviation of the logarithm of the spread."""
MEMORY = 6 * 60
"""Minutes after which a wild hour is forgotten to 1/e."""
JUMPS_A_DAY = 4
JUMP_SHARE = 0.15
"""Share of the variance that comes in jumps."""


def walk(name: str, *, seed: str, annual: float, hours: int, step: int = STEP) -> Path:
    """A path of so many hours, ``step`` seconds (60 at most) a step, from a price of 1; ``annual`` volatility as a share
    (0.8: 80 %).
    """
    rng = Random(seed)
    gauss, uniform = rng.gauss, rng.random
    variance = annual * annual * step / YEAR
    calm = sqrt(variance * (1 - JUMP_SHARE))
    jump_chance = JUMPS_A_DAY * step / 86_400
    # A Laplace jump of scale b has variance 2 b^2.
    jump_scale = sqrt(variance * JUMP_SHARE / jump_chance / 2)
    keep = exp(-1 / MEMORY)
    fresh = CLUSTER * sqrt(1 - keep * keep)
    x, log_price, spread = gauss(0, CLUSTER), 0.0, calm
    marks: array[float] = array("d", [1.0])
    for index in range(hours * 3600 // step):
        if index % (60 // step) == 0:
            x = keep * x + gauss(0, fresh)
            # E[exp(2x)] = exp(2 s^2): taken off, so that the mean variance stays what was asked for.
            spread = calm * exp(x - CLUSTER * CLUSTER)
        log_price += gauss(0, spread)
        if uniform() < jump_chance:
            log_price += rng.expovariate(1 / jump_scale) * (1 if uniform() < 0.5 else -1)
        marks.append(exp(log_price))
    return Path(name, step, marks)
