"""What people see: the screen at every size, the plain lines, the summary."""

import io
from dataclasses import replace

import pytest
from rich.console import Console
from rich.text import Text

from monitor.demo.frame import Frame, Market, PositionFrame, thinned
from monitor.demo.lines import LinesFace
from monitor.demo.outcome import Alerts, Fate, Outcome, TopUps
from monitor.demo.rows import bar
from monitor.demo.screen import screen
from monitor.demo.script import script
from monitor.demo.summary import summary
from monitor.practice.engine.accounts import Kind
from tests.demo.stories import D, holding, ring, taken
from tests.store.store_examples import memory

LONG = holding()
GONE = holding(2, symbol="ATOM/USDT:USDT", account="gamma", leverage=D(3), tier=4)
INVERSE = holding(3, symbol="BTC/USD:BTC", currency="BTC", inverse=True, hedged=True)


def a_frame(**changes) -> Frame:
    end = taken(GONE, 1977)
    frame = Frame(
        script=script("crash"),
        second=D(2000),
        stage="",
        positions=(
            PositionFrame(holding=LONG, state="emergency", seen=memory(), warned=D(1500), end=None, cost=D(-30)),
            PositionFrame(holding=GONE, state="liquidated", seen=memory(), warned=D(1800), end=end, cost=D("-32799.12")),
            PositionFrame(holding=INVERSE, state="waiting", seen=None, warned=None, end=None, cost=D(0)),
        ),
        rings=(
            ring("guarding 6 positions on 3 accounts", 0),
            ring("WARNING: ATOM/USDT long cushion 59 %, liq 21 % away", 1800, about=GONE),
        ),
        acts=(taken(GONE, 1949, kind=Kind.CUT), end),
        markets=(Market(base="BTC", change=D("-0.043"), line=[0, -0.01, -0.043]), Market(base="ATOM", change=D("-0.5"), line=[])),
    )
    return replace(frame, **changes)


def drawn(frame: Frame, width: int, height: int) -> list[str]:
    console = Console(
        width=width, height=height, file=io.StringIO(), force_terminal=True, color_system=None, legacy_windows=False
    )
    with console.capture() as capture:
        console.print(screen(frame, width, height), end="")
    return Text.from_ansi(capture.get()).plain.splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (129, 40), (130, 40), (160, 45), (220, 60)])
def test_the_screen_has_exactly_its_size_and_shows_everybody(width, height):
    lines = drawn(a_frame(), width, height)
    assert len(lines) == height
    assert {len(line.rstrip()) for line in lines if line.startswith(("╭", "│", "╰"))} == {width}
    text = "\n".join(lines)
    assert "emergency  BTC/USDT long 15x" in text
    # 32,799.12 lost; warned at 1800, taken at 1977: 177 s, told in minutes from 120 s on
    assert "-32,799.12 USDT, warned 2 min before" in text
    assert "OKX" not in text.split("waiting")[1].splitlines()[0]
    assert "WARNING: ATOM/USDT long cushion 59 %" in text
    # 20:45:00 and 1977 s
    assert "21:17:57" in text
    assert "BTC    -4.3 %" in text


def test_nothing_moves_from_one_frame_to_the_next():
    quiet = drawn(a_frame(rings=(), acts=(), stage="Starting ..."), 80, 24)
    busy = drawn(a_frame(), 80, 24)
    frames = [[index for index, line in enumerate(lines) if line.startswith(("╭", "╰"))] for lines in (quiet, busy)]
    assert frames[0] == frames[1]


def test_a_tall_phone_shows_the_last_alert_in_full():
    assert any("ATOM/USDT:USDT long on gamma" in line for line in drawn(a_frame(), 160, 45))


@pytest.mark.parametrize(
    ("share", "full"),
    [(D(0), 0), (D("0.01"), 1), (D("0.5"), 5), (D("0.94"), 9), (D(1), 10), (D("1.4"), 10), (None, 10), (D(-1), 0)],
)
def test_a_bar_is_as_full_as_its_share(share, full):
    assert bar(share, 10, "green").plain == "█" * full + "░" * (10 - full) + " "


def test_plain_lines_tell_each_thing_once_and_in_order():
    written: list[str] = []
    face = LinesFace(written.append)
    with face.opened():
        face.show(a_frame(rings=(), acts=(), second=D(1900)))
        face.show(a_frame())
        face.show(a_frame())
    assert written == [
        "21:16:40  -- The altcoins fall through the floor.",
        "20:45:00  phone     guarding 6 positions on 3 accounts",
        "21:15:00  phone     WARNING: ATOM/USDT long cushion 59 %, liq 21 % away",
        "21:17:29  exchange  Binance closes 5 contracts of ATOM/USDT long",
        "21:17:57  exchange  Binance takes ATOM/USDT long: -32,799.12 USDT, warned 2 min before",
        "21:18:20  -- Bitcoin stands still at the edge for two minutes.",
    ]


@pytest.mark.parametrize("problems", [[], ["1 of 2 messages never reached the phone"]])
def test_the_summary_tells_each_fate_and_the_verdict(problems):
    fates = [
        Fate(holding=LONG, liquidated=None, first_warning=None, cost=D("5.5")),
        Fate(
            holding=replace(LONG, exchange="bybit", protected=True),
            liquidated=None,
            first_warning=None,
            cost=D(-7),
            topped_up=D(4000),
        ),
        Fate(holding=GONE, liquidated=D(1949), first_warning=D(1765), cost=D("-32799.12")),
        Fate(holding=INVERSE, liquidated=D(60), first_warning=None, cost=D("-0.0128")),
    ]
    alerts = Alerts(raised=2, delivered=2, lost=0, duplicated=0)
    outcome = Outcome(scenario="crash", seconds=5400, took=90, fates=fates, alerts=alerts, problems=problems, top_ups=TopUps())
    lines = [line.plain for line in summary(outcome, script("crash"))]
    assert lines[0] == "The crash of 10 October 2025: 4 positions, 2 liquidated, 2 messages"
    assert max(len(line) for line in lines) <= 80
    text = "\n".join(lines)
    # 1949 - 1765 = 184 s
    assert "ATOM/USDT long 3x  Binance  liquidated 21:17:29  3 min before   -32,799.12 USDT" in text
    assert "none in time     -0.012800 BTC" in text
    assert "BTC/USDT long 15x  Bybit +" in text
    assert "saved by 4,000.00 USDT of added margin" in text
    assert "none needed         +5.50 USDT" in text
    assert ("books and the exchange's agree" in text) is (not problems)
    assert all(problem in text for problem in problems)
    assert bool(problems) == ("Something is wrong" in text)


def test_a_long_line_is_thinned_and_keeps_its_end():
    assert thinned(list(range(1000)), 10)[-1] == 999
    assert len(thinned(list(range(1000)), 10)) == 10
    assert thinned([1.0, 2.0], 10) == [1.0, 2.0]
