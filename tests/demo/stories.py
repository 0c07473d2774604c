"""Building blocks of a demo that was never played: holdings, messages, what the phone got."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from monitor.alerts.model import Message, NotifyReason, Subject, SubjectKind
from monitor.demo.market import Act, Holding
from monitor.demo.phone import Ring
from monitor.practice.engine.accounts import Kind, Record
from monitor.store.sent import SentMessage

D = Decimal
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def holding(number: int = 1, *, symbol: str = "BTC/USDT:USDT", side: str = "long", account: str = "alpha", **changes) -> Holding:
    facts: dict[str, Any] = {
        "id": number,
        "account": account,
        "exchange": "binance",
        "contract": "BTCUSDT",
        "symbol": symbol,
        "side": side,
        "currency": "USDT",
        "leverage": D(15),
        "inverse": False,
        "hedged": False,
        "tier": 1,
    }
    return Holding(**(facts | changes))


def sent(number: int, title: str, *, about: Holding | None = None, why: NotifyReason = NotifyReason.FIRST) -> SentMessage:
    """A message about ``about`` (the daemon itself without), at the level that its title tells."""
    subject = Subject(SubjectKind.DAEMON)
    if about is not None:
        subject = Subject(SubjectKind.POSITION, about.exchange, about.account, about.symbol, about.side)
    message = Message(
        id=f"m{number}",
        code="K7Q2",
        level=ring(title, 0).level,
        why=why,
        subject=subject,
        title=title,
        body=text(number, about),
        at=NOON + timedelta(seconds=number),
    )
    return SentMessage(message=message, channel="phone", state="accepted", attempt=1)


def text(number: int, about: Holding | None = None) -> str:
    who = "" if about is None else f"{about.symbol} {about.side} on {about.account} (Binance)\n"
    return f"{who}message {number}\n"


def ring(title: str, second: int, *, number: int = 0, about: Holding | None = None) -> Ring:
    return Ring(title=title, text=text(number, about).strip(), second=D(second))


def arrived(one: SentMessage, second: int) -> Ring:
    """The message as the phone got it."""
    return Ring(title=one.message.title, text=one.message.body.strip(), second=D(second))


def taken(of: Holding, second: int, *, kind: Kind = Kind.TAKEOVER) -> Act:
    record = Record(id=1, at=0, kind=kind, currency=of.currency, quantity=D(5))
    return Act(second=D(second), holding=of, record=record)
