"""The table of positions as lines of fixed fields: nothing moves when numbers grow, nothing wraps."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from rich.text import Text

from monitor.alerts.rounding import liquidation_price, mark_price, money_down, share_down, share_up
from monitor.demo import words
from monitor.demo.frame import Frame, PositionFrame
from monitor.margin.assessment import Assessment

HEADER_ROWS = 1
_STATE, _NAME, _PLACE, _SHARE = 10, 18, 7, 6


def position_lines(frame: Frame, width: int) -> Iterator[Text]:
    """The header and a line for each position, each ``width`` cells."""
    columns = _Columns(width)
    yield columns.header()
    for position in frame.positions:
        line = columns.line(position, frame)
        line.truncate(width, pad=True)
        line.no_wrap = True
        yield line


class _Columns:
    """Which fields fit: always state, position, exchange, cushion, usage and distance; with more room bars and prices."""

    def __init__(self, width: int) -> None:
        rest = width - (_STATE + _NAME + _PLACE + 3 * _SHARE + 7)
        self.kind = 15 if rest >= 66 else 0
        self.prices = 12 if rest >= 50 else 0
        self.margin = 17 if rest >= 66 else 0
        rest -= sum(size + 1 for size in (self.kind, self.prices, self.prices, self.margin) if size)
        self.usage_bar = min(16, rest // 3) if rest >= 24 else 0
        self.cushion_bar = min(30, rest - self.usage_bar - 1)

    def header(self) -> Text:
        """The names of the columns."""
        names = [f"{'state':<{_STATE}}", f"{'position':<{_NAME}}", f"{'at':<{_PLACE}}"]
        names += [f"{'kind':<{self.kind}}"] if self.kind else []
        names += [f"{'cushion':<{self.cushion_bar + 1 + _SHARE}}"]
        names += [f"{'usage':<{self.usage_bar + 1 + _SHARE}}" if self.usage_bar else f"{'usage':>{_SHARE}}"]
        names += [f"{'to liq':>{_SHARE}}"]
        names += [f"{'mark':>{self.prices}}", f"{'liquidation':>{self.prices}}"] if self.prices else []
        names += [f"{'equity':>{self.margin}}"] if self.margin else []
        return Text(" ".join(names), style="bold", no_wrap=True)

    def line(self, position: PositionFrame, frame: Frame) -> Text:
        """One position."""
        holding, style = position.holding, words.STYLES[position.state]
        text = Text(f"{position.state:<{_STATE}}", style=style)
        text = Text.assemble(text, " ", (f"{words.holding_name(holding):<{_NAME}}", ""), " ")
        text.append(f"{words.place(holding):<{_PLACE}} ")
        if self.kind:
            text.append(f"{words.holding_kind(holding):<{self.kind}} ", style="bright_black")
        if position.end is not None:
            clock = f"{frame.script.clock(position.end.second)}  " if self.usage_bar else ""
            text.append(f"{clock}{words.end_words(position)}", style="red")
            return text
        if position.seen is None:
            return text
        return self._figures(text, position.seen.assessment, "" if style == words.STYLES["stale"] else style)

    def _figures(self, text: Text, assessment: Assessment, style: str) -> Text:
        judged, position = assessment.judged, assessment.position
        plain = "red" if " on " in style else style
        cushion = Decimal(0) if judged.headroom <= 0 else judged.cushion
        usage = judged.margin_usage
        text.append_text(bar(cushion, self.cushion_bar, plain))
        text.append(f"{'-' if cushion is None else share_down(cushion):>{_SHARE}} ", style=plain)
        if self.usage_bar:
            text.append_text(bar(Decimal(1) if usage is None else usage, self.usage_bar, plain))
        text.append(f"{'full' if usage is None else share_up(usage):>{_SHARE}} ")
        away = judged.liquidation_distance
        text.append(f"{'past' if judged.headroom <= 0 else '-' if away is None else share_down(away):>{_SHARE}} ", style=plain)
        if self.prices:
            price = judged.liquidation_price
            text.append(f"{mark_price(position):>{self.prices}} ")
            text.append(f"{'-' if price is None else liquidation_price(price, position):>{self.prices}} ")
        if self.margin:
            text.append(f"{money_down(judged.equity, position.instrument.settle_currency):>{self.margin}}")
        return text


def bar(share: Decimal | None, width: int, style: str) -> Text:
    """A bar of ``width`` cells and a space; more than 1 is full, None is full in grey."""
    full = width if share is None else min(width, max(0, int(share * width + Decimal("0.5"))))
    if share is not None and share > 0:
        full = max(1, full)
    return Text.assemble(
        ("█" * full, style if share is not None else "bright_black"), ("░" * (width - full), "bright_black"), " "
    )
