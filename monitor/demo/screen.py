"""The live view: positions, phone and exchange on one screen that never changes its size."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from monitor.demo import words
from monitor.demo.frame import Frame
from monitor.demo.phone import Ring
from monitor.demo.rows import HEADER_ROWS, position_lines
from monitor.rules.base import Level

WIDTH, HEIGHT = 80, 24
"""The least room that it needs."""
SIDE_BY_SIDE = 130
"""From this width on the phone and the exchange stand beside each other."""
SPARKS = "▁▂▃▄▅▆▇█"
TALL_PHONE = 17
"""From this many lines on the phone shows its last alert in full."""


class LiveFace:
    """A rich Live on the whole screen; the terminal is as before when it ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, screen=True, auto_refresh=False, transient=True)

    def show(self, frame: Frame) -> None:
        """Draw it."""
        width, height = self._console.size
        self._live.update(screen(frame, width, height), refresh=True)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Within: the screen is ours."""
        with self._live:
            yield


def screen(frame: Frame, width: int, height: int) -> RenderableType:
    """The whole screen as one renderable of exactly this size."""
    table = len(frame.positions) + HEADER_ROWS + 2
    rest = height - 3 - table
    layout = Layout()
    layout.split_column(
        Layout(_header(frame, width), size=3),
        Layout(_positions(frame, width), size=table),
        Layout(name="below", size=max(1, rest)),
    )
    if width >= SIDE_BY_SIDE:
        phone, market = _Box(_phone, rest), _Box(_market_tall, rest)
        layout["below"].split_row(Layout(phone(frame, width // 2)), Layout(market(frame, width - width // 2)))
    else:
        share = min(7, max(5, rest * 2 // 5))
        market, phone = _Box(_market_flat, share), _Box(_phone, rest - share)
        layout["below"].split_column(Layout(phone(frame, width)), Layout(market(frame, width), size=share))
    return layout


def _positions(frame: Frame, width: int) -> Panel:
    return Panel(
        Group(*position_lines(frame, width - 4)),
        title="Your positions, as margincall sees them",
        subtitle="cushion 0 %, usage 100 %: liquidation    +: margincall may add margin",
    )


class _Box:
    """A panel of ``height`` lines around what ``draw`` gives for its inner size."""

    def __init__(self, draw: Callable[[Frame, int, int], tuple[str, list[Text]]], height: int) -> None:
        self._draw, self._height = draw, height

    def __call__(self, frame: Frame, width: int) -> Panel:
        title, lines = self._draw(frame, width - 4, max(1, self._height - 2))
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
        return Panel(Group(*lines), title=title, height=self._height)


def _header(frame: Frame, width: int) -> RenderableType:
    part = frame.script.part_at(frame.second)
    left = Text.assemble((" margincall demo ", "bold reverse"), f" {frame.script.title}")
    zone = " UTC" if frame.script.begins is not None else ""
    speed = "" if frame.stage else f"{part.speed:f}x real speed  "
    right = f"{speed}{frame.clock}{zone} "
    left.append(right.rjust(max(0, width - left.cell_len)), style="bold")
    left.no_wrap, left.overflow = True, "crop"
    done = int(width * frame.second / frame.script.scenario.seconds)
    progress = Text.assemble(("━" * done, "cyan"), ("─" * (width - done), "bright_black"))
    return Group(left, progress, Text(f" {frame.caption}", style="italic", no_wrap=True, overflow="ellipsis"))


def _phone(frame: Frame, width: int, height: int) -> tuple[str, list[Text]]:
    """Newest first; where there is room, the newest alert in full below."""
    alerts = [ring for ring in frame.rings if ring.level >= Level.WARNING]
    whole: list[Text] = []
    if height >= TALL_PHONE and alerts:
        whole = [Text("─" * width, style="bright_black"), Text(alerts[-1].title, style="bold")]
        wrapped = [part for line in alerts[-1].text.splitlines() for part in textwrap.wrap(line, width)]
        whole += [Text(line) for line in wrapped[: height // 2]]
    listed = [_ring_line(frame, ring) for ring in frame.rings[::-1][: height - len(whole)]]
    listed += [Text("")] * (height - len(whole) - len(listed))
    count = len(frame.rings)
    return f"Your phone: {count} message{'' if count == 1 else 's'}", [*listed, *whole]


def _ring_line(frame: Frame, ring: Ring) -> Text:
    word, _, rest = ring.title.partition(": ")
    style = "bold red" if words.tells_an_end(ring) else words.LEVEL_STYLES[ring.level]
    shown = [(word, style), (f": {rest}" if rest else "", "")]
    return Text.assemble((f"{frame.script.clock(ring.second)} ", "bright_black"), *shown)


def _market_flat(frame: Frame, width: int, height: int) -> tuple[str, list[Text]]:
    """All coins on one line, then what the exchanges did."""
    room = width // max(1, len(frame.markets))
    line = Text()
    for market in frame.markets:
        piece = _market_words(market.base, market.change)
        piece.append_text(_sparkline(market.line, max(0, room - piece.cell_len - 2)))
        piece.truncate(room, pad=True)
        line.append_text(piece)
    return "The exchanges", [line, *_acts(frame, height - 1)]


def _market_tall(frame: Frame, width: int, height: int) -> tuple[str, list[Text]]:
    """A line for each coin, then what the exchanges did."""
    lines = []
    for market in frame.markets:
        piece = _market_words(market.base, market.change)
        piece.append_text(_sparkline(market.line, width - piece.cell_len))
        lines += [piece, Text("")]
    return "The exchanges", [*lines, *_acts(frame, height - len(lines))]


def _market_words(base: str, change: object) -> Text:
    style = "red" if float(str(change)) < 0 else "green"
    return Text.assemble((f"{base:<4} ", "bold"), (f"{float(str(change)) * 100:+6.1f} % ", style))


def _sparkline(line: Sequence[float], width: int) -> Text:
    """The last ``width`` points would lose the story, so the line is always the whole way so far."""
    if not line or width < 4:
        return Text("")
    count = min(width, len(line))
    points = [line[index * len(line) // count] for index in range(count - 1)] + [line[-1]]
    low, high = min(points), max(points)
    height = max(high - low, 0.004)
    return Text("".join(SPARKS[min(7, int((point - low) / height * 7.99))] for point in points), style="cyan")


def _acts(frame: Frame, room: int) -> list[Text]:
    lines = []
    for act in frame.acts[::-1][: max(0, room)]:
        style = "bold red" if act.whole else "yellow"
        cost = next((f"  -{words.money(one.cost, act.holding.currency)}" for one in frame.positions if one.end is act), "")
        told = (words.act_words(act), style), (cost, "red")
        lines.append(Text.assemble((f"{frame.script.clock(act.second)} ", "bright_black"), *told))
    return lines or [Text("No liquidation yet.", style="dim")][:room]
