"""The whole measurement, small: seeded, complete, and content without the recorded series."""

import json
import subprocess
import sys
from pathlib import Path

from bench.alarms.__main__ import put
from bench.alarms.runs import Task, run, tasks
from bench.alarms.tables import all_tables, duration, percent
from bench.alarms.variants import TODAY, VARIANTS
from tests.shared import shared_path

ROOT = Path(__file__).parents[2]


def test_a_walk_brings_every_variant_over_the_same_positions():
    result = run(Task("walk", "walk-0", 3, 2, 1.0))
    assert set(result.by_variant) == {variant.name for variant in VARIANTS}
    first = [(one.opened, one.leverage, one.liquidated) for one in result.by_variant[TODAY]]
    assert all([(one.opened, one.leverage, one.liquidated) for one in seen] == first for seen in result.by_variant.values())


def test_without_the_recorded_series_the_walks_are_measured_and_it_says_so(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "bench.alarms", "--walks", "1", "--positions", "2", "--processes", "1"],
        cwd=ROOT,
        env={"MARGINCALL_SHARED": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("The recorded series are not here")
    summary = json.loads(ran.stdout.splitlines()[-1])
    assert summary["positions"] == 2
    assert "| warning, cushion |" in ran.stdout


def test_a_recorded_day_is_run_with_its_crash_hours():
    shared_path("market")
    todo = {task.group for task in tasks(seed=1, walks=0, on_walk=0, on_series=1)}
    assert todo == {"day_1s", "day_1m", "seconds", "minutes", "closes", "marks_1h", "marks_8h"}
    name = "gemini_2025-10-10_BTCUSD_1m.csv"
    tables = all_tables([run(Task(group, name, 1, 1)) for group in ("day_1s", "seconds", "minutes", "closes")])
    assert {"crash", "bars", "morning"} <= set(tables)


def test_tables_go_between_their_marks_and_nowhere_else():
    text = "a\n<!-- table one -->\nold\n<!-- end -->\nb\n<!-- table two -->\nkept\n<!-- end -->\n"
    assert put(text, {"one": "| new |"}) == text.replace("old", "| new |")


def test_every_table_of_the_document_is_one_that_is_measured():
    text = (ROOT / "docs" / "false-alarms.md").read_text()
    made = set(all_tables([]))
    named = {part.partition(" -->")[0] for part in text.split("<!-- table ")[1:]}
    assert made <= named


def test_times_and_shares_are_written_as_people_read_them():
    assert [duration(value) for value in (None, 0, 119, 120, 7199, 7200, 9719)] == [
        "-",
        "0 s",
        "119 s",
        "2 min",
        "119 min",
        "2.0 h",
        "2.6 h",
    ]
    assert (percent(None), percent(0.355)) == ("-", "36 %")
