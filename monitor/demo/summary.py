"""The end, told to a person: who was warned how long before, who was liquidated, what it cost, and what the figures mean."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from monitor.demo import words
from monitor.demo.outcome import Fate, Outcome
from monitor.demo.script import POLL_SECONDS, Script

_ROW = " {:<17}  {:<7}  {:<19}  {:<13}  {:>15}"
_OUTCOME = slice(29, 48)


def summary(outcome: Outcome, script: Script) -> Iterator[Text]:
    """Line by line."""
    lost = [fate for fate in outcome.fates if fate.liquidated is not None]
    head = f"{script.title}: {len(outcome.fates)} positions, {len(lost)} liquidated, {outcome.alerts.raised} messages"
    yield Text(head[0].upper() + head[1:], style="bold")
    yield Text("")
    yield Text(_ROW.format("position", "at", "outcome", "first warning", "result"), style="bold")
    for fate in sorted(outcome.fates, key=lambda one: (one.liquidated is None, one.liquidated or 0)):
        yield _fate(fate, script)
        if fate.topped_up:
            added = words.money(fate.topped_up, fate.holding.currency)
            saved = "saved by" if fate.liquidated is None else "in spite of"
            yield Text(f" {'':<26}  {saved} {added} of added margin", style="green")
    yield Text("")
    yield from _verdict(outcome)
    yield from _meaning(script)


def _fate(fate: Fate, script: Script) -> Text:
    holding, taken = fate.holding, fate.liquidated
    if taken is None:
        ended, warned = "survived", "none needed" if fate.first_warning is None else f"at {script.clock(fate.first_warning)}"
    else:
        ended = f"liquidated {script.clock(taken)}"
        warned = "none in time" if fate.lead is None else f"{words.lasted(fate.lead)} before"
    result = f"{'+' if fate.cost >= 0 else '-'}{words.money(fate.cost, holding.currency)}"
    row = Text(_ROW.format(words.holding_name(holding), words.place(holding), ended, warned, result))
    row.stylize("green" if taken is None else "red", _OUTCOME.start, _OUTCOME.stop)
    return row


def _verdict(outcome: Outcome) -> Iterator[Text]:
    alerts = outcome.alerts
    yield Text(f"Messages: {alerts.raised} raised, {alerts.delivered} delivered, {alerts.lost} lost, {alerts.duplicated} twice.")
    if outcome.problems:
        yield Text("Something is wrong:", style="bold red")
        yield from (Text(f"  - {problem}", style="red") for problem in outcome.problems)
    else:
        yield Text("The daemon's books and the exchange's agree, and nothing was lost.", style="green")


def _meaning(script: Script) -> Iterator[Text]:
    """What the lead times are worth at the speed at which they were played."""
    slowest, each = script.slowest, POLL_SECONDS
    seen = (slowest * each).normalize()
    for line in (
        "Times are the market's, from the phone's ring to the exchange's first blow. The",
        f"slowest parts passed at {slowest:f} times real speed with a reading each {each} s: one each",
        f"{seen:f} s of the market. Left alone, margincall reads each 10 s, and each 2 s near a",
        "line. A warning that came in fast forward is as coarse as that part was fast.",
        "Results count the fee of opening too; messages tell what the end itself cost.",
    ):
        yield Text(line, style="dim")
