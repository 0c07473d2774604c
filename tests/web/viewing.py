"""A view of a guard with fakes all round it."""

from typing import Any

from monitor.web.view import Counts, Pace, View
from tests.daemon.guarding import Post


def view_of(post: Post, **changes: Any) -> View:
    """Of one channel, with nothing wrong."""
    values: dict[str, Any] = {
        "clock": post.clock,
        "memory": lambda: post.guard.memory,
        "policy": lambda: post.guard.policy,
        "kept": lambda: post.guard.kept,
        "late": list,
        "paces": lambda: {"main": Pace(took=0.25, weight=7)},
        "lag": lambda: 0.001,
        "usual_lag": lambda: 0.0005,
        "counts": lambda: Counts(rulings={"first": 3}, deliveries={("phone", "accepted"): 2}),
        "channels": lambda: ("phone",),
    }
    return View(**{**values, **changes})
