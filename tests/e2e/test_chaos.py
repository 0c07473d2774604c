"""A daemon killed at a crash point loses no alert: ten runs of what ``make chaos-alerts`` plays by the hundred."""

import ast
from collections import Counter
from pathlib import Path

import pytest

import monitor
from tests.e2e.chaos.ledger import Row, account
from tests.e2e.chaos.play import plans, play
from tests.e2e.chaos.table import OTHERS, PLACES
from tests.e2e.stage import Arrival

ELSEWHERE = ("topup.",)
"""How the names of crash points begin that other tests are for."""


def planted() -> list[str]:
    """The name of every crash point in the code; ``telling.*`` where one is made of a word that is not written there."""
    names = []
    for path in sorted(Path(monitor.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "crashpoint":
                (name,) = node.args
                parts = name.values if isinstance(name, ast.JoinedStr) else [name]
                names.append("".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in parts))
    return names


def test_every_crash_point_is_planted_once_and_has_its_place_in_the_table():
    found = [name for name in planted() if not name.startswith(ELSEWHERE)]
    assert len(set(found)) == len(found)
    whole = {name for name in found if "*" not in name}
    made = tuple(name.removesuffix("*") for name in found if "*" in name)
    named = {place.name for place in PLACES}
    assert whole <= named
    assert [name for name in (named | set(OTHERS)) - whole if not name.startswith(made)] == []
    assert len(named) >= 20


def test_ledger_tells_what_was_lost_what_came_twice_and_what_was_only_replaced():
    def row(number, message, state, detail="", why="first"):
        return Row(number, message, "phone", state, detail, f"title {message}", f"COD{message[-1]}", why, "position")

    def arrival(message):
        return Arrival(at=0.0, channel="phone", title=f"title {message}", body=f"facts\n#COD{message[-1]} #MORE")

    rows = [row(1, "m1", "accepted"), row(2, "m2", "superseded", "m3"), row(3, "m3", "accepted"), row(4, "m4", "expired")]
    found = account([*rows, row(5, "m5", "accepted", why="started")], [arrival("m1"), arrival("m3"), arrival("m3")])
    assert found.raised == 4
    assert [text[:17] for text in found.lost] == ["first #COD4 'titl", "('phone', 'title "]
    assert found.twice == Counter({"phone": 1})


@pytest.mark.timeout(300)
def test_no_alert_is_lost_and_none_comes_more_than_once_again_when_the_daemon_is_killed_at_ten_crash_points():
    results = play(plans(10, seed=7), jobs=3, tell=lambda result: None)
    assert [(result.plan.armed, result.lost) for result in results if result.lost] == []
    assert [(result.plan.armed, result.twice) for result in results if result.twice_per_kill > 1] == []
    assert len(results) == 10
    assert all(result.raised >= 2 and result.deaths for result in results)
