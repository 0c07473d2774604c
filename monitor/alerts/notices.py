"""The words of messages that are not about one position: a family that cannot be read, the guard's start and stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal

from monitor.alerts.lifecycle import code_of
from monitor.alerts.model import Message, Notice, NotifyReason, Subject, SubjectKind
from monitor.alerts.rounding import share_down, span
from monitor.alerts.wording import WHY_AGAIN, exchange_name, fit, short_symbol
from monitor.margin.assessment import Assessment
from monitor.margin.reading import LEFT_OUT, UNREADABLE, FamilyKey, Unguarded
from monitor.rules.base import Level
from monitor.rules.mark_frozen import MarkFrozen

FAMILY_NAMES = {
    "usdm": "USD-M",
    "coinm": "COIN-M",
    "usdt": "USDT contracts",
    "usdc": "USDC contracts",
    "inverse": "inverse contracts",
    "okx": "swaps and futures",
}
SHOWN = 5
_WHY_NOT = {
    "cross": "only isolated ones are",
    "portfolio": "only isolated ones are",
    UNREADABLE: "what the exchange sends of it makes no sense",
    LEFT_OUT: "`contracts` leaves that kind out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyStory:
    """What a message about a family may need. ``last_good``: time of the last snapshot; ``known``: its last assessments.

    ``opened``: the account has opened it; else there is nothing to read. ``marks_since``: since when no mark price has moved.
    ``remark``: what speaks against the last snapshot although it was taken as true. ``unreadable``: what it held that could not
    be read.
    """

    last_good: datetime | None
    error: str
    hint: str
    known: Sequence[Assessment]
    opened: bool = True
    marks_since: datetime | None = None
    remark: str = ""
    unreadable: Sequence[Unguarded] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is guarded and what not, for the message at start. ``accounts``: those of which something was read; ``blind``: place
    and cause of each family that cannot be read; ``not_opened``: families that the account does not have; ``unguarded``: how many
    open positions are not guarded, by their mode. ``alerts``: how many that were told still fire, by level, the worst first.
    """

    positions: int
    accounts: int
    unguarded: Mapping[str, int]
    not_opened: Sequence[str]
    blind: Sequence[str]
    worst: Assessment | None
    alerts: Mapping[Level, int] = field(default_factory=dict)


def family_name(family: str) -> str:
    """The family as its exchange calls it."""
    return FAMILY_NAMES.get(family, family)


def where_of(place: FamilyKey | Subject) -> str:
    """A family of an account, in words: ``main (Binance USD-M)``."""
    return f"{place.account} ({exchange_name(place.exchange)} {family_name(place.family)})"


def family_title(lead: Notice, story: FamilyStory) -> str:
    """The one line of a blind alert, of one about marks that stand still, or of its end."""
    where = where_of(lead.alert.subject)
    if not story.opened:
        return fit(f"Not watched: {where}")
    if lead.alert.rule == MarkFrozen.KIND:
        over = lead.why is NotifyReason.RESOLVED
        return fit(
            f"Mark prices move again: {where}" if over else f"{WHY_AGAIN.get(lead.why, '')}Mark prices stand still: {where}"
        )
    if lead.why is NotifyReason.RESOLVED:
        return fit(f"Reading again: {where}")
    blind = f"{WHY_AGAIN.get(lead.why, '')}BLIND"
    return fit(f"{blind}: cannot read {where}", f"{blind}: {where}")


def family_body(lead: Notice, story: FamilyStory, now: datetime, zone: tzinfo) -> str:
    """Why margincall is blind or in doubt, since when, what to do, and the last figures it knows."""
    where, lasted = where_of(lead.alert.subject), span(now - lead.alert.since)
    over = lead.why is NotifyReason.RESOLVED
    if not story.opened:
        lines = [f"{where} is not watched any more: the exchange says that the account has not opened it ({story.error})."]
        lines.append("If you hold positions there, check the account and its key.")
    elif lead.alert.rule == MarkFrozen.KIND:
        lines = [_moving(where, lasted) if over else _frozen(where, story, now, zone)]
    elif over:
        lines = [f"{where} can be read again, {lasted} after the alert."]
        if story.remark:
            lines.append(f"Beware: {story.remark}. It is taken as true now: compare with the exchange's own page.")
    else:
        lines = [f"{where} cannot be read: {story.error or lead.alert.reason or 'no answer yet'}"]
        if story.last_good is None:
            lines.append("It was never read. Whatever is open there is NOT guarded.")
        else:
            when = f"{story.last_good.astimezone(zone):%H:%M:%S %Z}"
            lines.append(
                f"Last read {span(now - story.last_good)} ago, at {when}. Until it can be read, nothing there is guarded."
            )
        if lead.why in WHY_AGAIN:
            unanswered = ", and nobody acknowledged it" if lead.why is NotifyReason.ESCALATED else ""
            lines.append(f"First told {lasted} ago{unanswered}.")
        if story.hint:
            lines.append(story.hint)
    if story.known:
        lines.append("Now:" if over else "Last known:" if lead.alert.rule != MarkFrozen.KIND else "As they stand:")
        worst_first = sorted(story.known, key=_cushion)
        lines.extend(one_line(assessment) for assessment in worst_first[:SHOWN])
        if len(worst_first) > SHOWN:
            lines.append(f"and {len(worst_first) - SHOWN} more")
    lines.append(f"#{lead.alert.code}")
    return "\n".join(lines)


def _frozen(where: str, story: FamilyStory, now: datetime, zone: tzinfo) -> str:
    """That figures may be old although they are read."""
    since = story.marks_since or now
    return (
        f"{where} is read, but no mark price there has moved since {since.astimezone(zone):%H:%M:%S %Z}, {span(now - since)}. "
        "The figures may be old: compare with the exchange's own page."
    )


def _moving(where: str, lasted: str) -> str:
    return f"Mark prices of {where} move again, {lasted} after the alert."


def started_text(watch: Watch) -> tuple[str, str]:
    """Title and body of the message at start: what is guarded, and what is NOT."""
    guarding = f"guarding {count_of(watch.positions, 'position')} on {count_of(watch.accounts, 'account')}"
    missing = f"NOT guarded: {unguarded_in_words(watch.unguarded)}" if watch.unguarded else ""
    blind = f"BLIND in {count_of(len(watch.blind), 'place')}" if watch.blind else ""
    worst = next(iter(watch.alerts), None)
    urgent = f"{count_of(watch.alerts[worst], f'{worst.label} alert')} open" if worst is not None else ""
    parts = [part for part in (blind, guarding, missing, urgent) if part]
    lines = [f"margincall runs: {guarding}."]
    if watch.worst is not None:
        lines.append(f"Worst: {one_line(watch.worst)}")
    for mode, count in watch.unguarded.items():
        what = f"{count_of(count, 'position')} {mode}" if mode == LEFT_OUT else count_of(count, f"{mode} position")
        why = _WHY_NOT.get(mode, "only isolated swaps and futures are")
        lines.append(f"{what} {'is' if count == 1 else 'are'} NOT guarded: {why}.")
    if watch.alerts:
        still = ", ".join(f"{count} {level.label}" for level, count in watch.alerts.items())
        lines.append(f"Alerts that are still open: {still}. `margincall alerts list` shows them.")
    lines.extend(f"Cannot read {cause}" for cause in watch.blind)
    if watch.blind:
        lines.append("Whatever is open there is NOT guarded until it can be read.")
    if watch.not_opened:
        lines.append(f"Not watched, since the account has not opened it: {', '.join(watch.not_opened)}.")
    bad = [part for part in (blind, missing) if part]
    shorter = [*bad, f"guarding {count_of(watch.positions, 'position')}"]
    titles = (parts, [*shorter, urgent] if urgent else shorter, shorter, bad)
    return fit(*("; ".join(title) for title in titles)), "\n".join(lines)


def status_line(watch: Watch, read_at: datetime | None, now: datetime) -> str:
    """The guard in one line: ``3 positions, worst BTC/USDT long on main: cushion 61 %, read 4 s ago``; ``read_at``: oldest."""
    parts = [f"BLIND in {count_of(len(watch.blind), 'place')}"] if watch.blind else []
    parts.append(count_of(watch.positions, "position"))
    parts += [f"NOT guarded: {unguarded_in_words(watch.unguarded)}"] if watch.unguarded else []
    parts += [f"worst {one_line(watch.worst)}"] if watch.worst is not None else []
    parts += [f"read {span(now - read_at)} ago"] if read_at is not None else []
    return ", ".join(parts)


def daemon_message(why: NotifyReason, title: str, body: str, level: Level, now: datetime) -> Message:
    """A message for everybody about margincall itself, with a code of its own."""
    subject = Subject(SubjectKind.DAEMON)
    code = code_of(why.value, subject, now)
    return Message(
        id=f"{code}-{why.value}-{int(now.timestamp() * 1000)}",
        code=code,
        level=level,
        why=why,
        subject=subject,
        title=title,
        body=f"{body}\n#{code}",
        at=now,
        codes=(code,),
    )


def store_lost_text(aside: str, *, tops_up: bool = False) -> tuple[str, str]:
    """Title and body after a damaged store was moved aside; ``tops_up``: some account has a key that may add margin."""
    lines = [
        f"The store was damaged and is kept as {aside}. margincall guards on with an empty memory.",
        "What was acknowledged or silenced is forgotten, open alerts are told anew, history begins now.",
    ]
    if tops_up:
        lines.append("No margin is added: what was spent is forgotten too. `margincall topups start` lets it go on.")
    return "margincall: the store was damaged, memory starts anew", "\n".join(lines)


def store_fails_text(error: str, *, damaged: bool, tops_up: bool) -> tuple[str, str]:
    """Title and body while the store does not keep what is decided because of ``error``; ``tops_up`` as in `store_lost_text`."""
    lines = [
        f"{error[:1].upper()}{error[1:]}.",
        "margincall watches and alerts on from memory; a restart now would forget what has happened since.",
    ]
    if tops_up:
        lines.append(
            "No margin is added meanwhile." if not damaged else "No margin is added until you say `margincall topups start`."
        )
    lines.append(
        "When it is calm, restart margincall: it moves the damaged file aside and begins a new one."
        if damaged
        else "Check free disk space, the folder's rights, and whether another program has the file open."
    )
    return "margincall cannot keep what it decides: its store fails", "\n".join(lines)


def store_works_text() -> tuple[str, str]:
    """Title and body once the store takes commits again."""
    return "margincall's store works again", "What was decided meanwhile is being kept now."


def stopped_text(positions: int) -> tuple[str, str]:
    """Title and body of the message at a stop."""
    left = f"{count_of(positions, 'open position')} {'is' if positions == 1 else 'are'} not watched any more."
    known = left if positions else "No open position was known."
    return "margincall stopped: your guard is off", f"margincall was stopped. Your guard is off: {known}"


def unguarded_in_words(modes: Mapping[str, int]) -> str:
    """How many positions are not guarded, by their mode: ``2 cross, 1 unreadable``."""
    return ", ".join(f"{count} {mode}" for mode, count in modes.items())


def _cushion(assessment: Assessment) -> Decimal:
    judged = assessment.judged
    return judged.cushion if judged.cushion is not None else Decimal("Infinity")


def one_line(assessment: Assessment) -> str:
    """A position with how near its end is: ``BTC/USDT long on main: cushion 56 %, liquidation 5.3 % away``."""
    key, judged = assessment.position.key, assessment.judged
    who = f"{short_symbol(key.symbol)} {key.side.value} on {key.account}"
    if judged.headroom <= 0:
        return f"{who}: at or past liquidation"
    cushion = "no liquidation price" if judged.cushion is None else f"cushion {share_down(judged.cushion)}"
    distance = judged.liquidation_distance
    away = "" if distance is None else f", liquidation {share_down(distance)} away"
    return f"{who}: {cushion}{away}"


def count_of(number: int, thing: str) -> str:
    """``1 position``, ``2 positions``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
