"""The words of messages that are not about one position: a family that cannot be read, the guard's start and stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from monitor.alerts.model import Notice, NotifyReason
from monitor.alerts.rounding import share_down, span
from monitor.alerts.wording import exchange_name, fit, short_symbol
from monitor.margin.assessment import Assessment

FAMILY_NAMES = {
    "usdm": "USD-M",
    "coinm": "COIN-M",
    "usdt": "USDT contracts",
    "usdc": "USDC contracts",
    "inverse": "inverse contracts",
    "okx": "swaps and futures",
}
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyStory:
    """What a message about a family may need. ``last_good``: time of the last snapshot; ``known``: its last assessments."""

    last_good: datetime | None
    error: str
    hint: str
    known: Sequence[Assessment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is guarded and what not, for the message at start. ``blind``: account and cause for each that cannot be read."""

    positions: int
    accounts: int
    cross: int
    not_opened: Sequence[str]
    blind: Sequence[str]
    worst: Assessment | None


def family_name(family: str) -> str:
    """The family as its exchange calls it."""
    return FAMILY_NAMES.get(family, family)


def family_title(lead: Notice) -> str:
    """The one line of a blind alert, or of its end."""
    subject = lead.alert.subject
    where = f"{subject.account} ({exchange_name(subject.exchange)} {family_name(subject.family)})"
    if lead.why is NotifyReason.RESOLVED:
        return fit(f"Reading again: {where}")
    still = "Still BLIND" if lead.why is NotifyReason.REPEAT else "BLIND"
    return fit(f"{still}: cannot read {where}")


def family_body(lead: Notice, story: FamilyStory, now: datetime, zone: tzinfo) -> str:
    """Why margincall is blind, since when, what to do, and the last figures it knows."""
    subject = lead.alert.subject
    where = f"{subject.account} ({exchange_name(subject.exchange)}, {family_name(subject.family)})"
    if lead.why is NotifyReason.RESOLVED:
        lines = [f"{where} is read again; it was blind for {span(now - lead.alert.since)}."]
    else:
        lines = [f"{where} cannot be read: {story.error or lead.alert.reason or 'no answer yet'}"]
        if story.last_good is None:
            lines.append("It was never read since the guard started. Nothing there is guarded.")
        else:
            when = f"{story.last_good.astimezone(zone):%H:%M:%S %Z}"
            lines.append(f"Last good reading {span(now - story.last_good)} ago, at {when}. Nothing there is guarded now.")
        if story.hint:
            lines.append(story.hint)
    if story.known:
        lines.append("Last known:" if lead.why is not NotifyReason.RESOLVED else "Now:")
        worst_first = sorted(story.known, key=_cushion)
        lines.extend(_one_line(assessment) for assessment in worst_first[:SHOWN])
        if len(worst_first) > SHOWN:
            lines.append(f"and {len(worst_first) - SHOWN} more")
    lines.append(f"#{lead.alert.code}")
    return "\n".join(lines)


def started_text(watch: Watch) -> tuple[str, str]:
    """Title and body of the message at start: what is guarded, and what is NOT."""
    guarding = f"guarding {_count(watch.positions, 'position')} on {_count(watch.accounts, 'account')}"
    missing = f"; NOT guarded: {watch.cross} cross" if watch.cross else ""
    blind = f"BLIND on {len(watch.blind)}; " if watch.blind else ""
    lines = [f"margincall is {guarding}{missing}."]
    if watch.worst is not None:
        lines.append(f"Worst: {_one_line(watch.worst)}")
    lines.extend(f"Cannot read {cause}" for cause in watch.blind)
    if watch.not_opened:
        lines.append(f"Not watched, since not opened: {', '.join(watch.not_opened)}.")
    return fit(f"{blind}{guarding}{missing}"), "\n".join(lines)


def stopped_text(positions: int) -> tuple[str, str]:
    """Title and body of the message at a stop."""
    left = f"{_count(positions, 'open position')} {'is' if positions == 1 else 'are'} not watched any more."
    return "margincall stopped: your guard is off", f"margincall was stopped. Your guard is off: {left}"


def _cushion(assessment: Assessment) -> Decimal:
    judged = assessment.judged
    return judged.cushion if judged.cushion is not None else Decimal("Infinity")


def _one_line(assessment: Assessment) -> str:
    key, judged = assessment.position.key, assessment.judged
    cushion = "no liquidation price" if judged.cushion is None else f"cushion {share_down(judged.cushion)}"
    distance = judged.liquidation_distance
    away = "" if distance is None or judged.headroom <= 0 else f", liquidation {share_down(distance)} away"
    return f"{short_symbol(key.symbol)} {key.side.value} on {key.account}: {cushion}{away}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
