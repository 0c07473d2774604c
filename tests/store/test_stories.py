"""What a post-mortem finds in the store."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.alerts.model import (
    NotifyReason,
    Ruling,
    Subject,
    SubjectKind,
    account_subject,
    channel_subject,
    family_subject,
    position_subject,
)
from monitor.lives.event import EventKind, LifeEvent
from monitor.lives.state import LifeChanges
from monitor.margin.position import Side
from monitor.margin.reading import FamilyKey
from monitor.memory import Commit
from monitor.postmortem.record import IncidentKind
from monitor.rules.base import Level
from monitor.store import stories
from monitor.store.reader import StoreReader
from monitor.store.sqlite import SqliteStore
from monitor.topups.state import TopUpChanges
from tests.store.journal_examples import intent
from tests.store.store_examples import MINUTE, NOW, D, alert, key, memory, message, position

SECOND = timedelta(seconds=1)
SUBJECT = position_subject(key())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "margincall.db"


@pytest.fixture
async def store(path):
    store = await SqliteStore.open(path)
    yield store
    await store.close()


def read_at(when, mark, who=None, **changes):
    return memory(position(who, mark_price=D(mark)), first_seen=NOW, last_seen=when, **changes)


def ended(when, kind=EventKind.LIQUIDATED, **changes):
    return LifeEvent(key=key(), epoch=1, kind=kind, at=when, seen_at=when + SECOND, ended=True, currency="USDT", **changes)


async def readings(store, *seen):
    for one in seen:
        await store.commit(Commit(at=one.last_seen, readings=(one,)), channels=())


async def lives(store, *events):
    await store.commit(Commit(at=NOW, lives=LifeChanges(events=events)), channels=())


def told(path):
    with StoreReader(path) as reader:
        (incident,) = reader.incidents()
        return reader.post_mortem(incident)


async def test_all_that_is_kept_of_the_stretch_is_there_and_nothing_else(store, path):
    end, began = NOW + 20 * MINUTE, NOW + 10 * MINUTE
    felt = alert(about=SUBJECT, level=Level.EMERGENCY, peak=Level.EMERGENCY, since=began, line=D("0.25"))
    other = position_subject(key("ETH/USDT:USDT"))
    await readings(store, read_at(NOW, 59000), read_at(began - MINUTE / 2, 57000), read_at(NOW + 15 * MINUTE, 55500))
    said = ((SUBJECT, NOW), (SUBJECT, began), (SUBJECT, end + 5 * MINUTE), (SUBJECT, end + 11 * MINUTE), (other, end))
    messages = tuple(message(number, subject=subject, at=at) for number, (subject, at) in enumerate(said))
    rulings = tuple(
        Ruling(at=at, code="K7Q2", rule="cushion", subject=about, level=Level.CRITICAL, named="silenced")
        for about, at in ((SUBJECT, began + MINUTE), (SUBJECT, NOW), (other, began + MINUTE))
    )
    changes = TopUpChanges(intents=(intent(planned_at=began), intent(id="i2", key=key("ETH/USDT:USDT"), planned_at=began)))
    await store.commit(Commit(at=NOW, alerts=(felt,), messages=messages, rulings=rulings, top_ups=changes), channels=["phone"])
    await lives(store, ended(end))
    found = told(path).record
    assert (found.incident.kind, found.incident.since) == (IncidentKind.LIQUIDATED, began)
    assert [one.mark_price for one in found.points] == [D(57000), D(55500)]
    assert [(one.message.id, one.channel, one.state) for one in found.sendings] == [
        ("m1", "phone", "waiting"),
        ("m2", "phone", "waiting"),
    ]
    assert [one.at for one in found.rulings] == [began + MINUTE]
    assert [one.id for one in found.intents] == ["i1"]
    assert [one.alert.code for one in found.alerts] == ["K7Q2"]
    assert [one.kind for one in found.events] == [EventKind.LIQUIDATED]


async def test_what_was_told_of_its_account_channels_and_the_daemon_belongs_to_it_but_no_drill(store, path):
    usdm = FamilyKey(exchange="binance", account="main", family="usdm")
    about = {
        "family": family_subject(usdm),
        "account": account_subject(usdm),
        "channel": channel_subject("chat"),
        "daemon": Subject(SubjectKind.DAEMON),
        "another account": family_subject(replace(usdm, account="other")),
        "other side": SUBJECT._replace(side="short"),
    }
    await readings(store, read_at(NOW, 59000))
    said = [message(number, id=name, subject=subject) for number, (name, subject) in enumerate(about.items())]
    said.append(message(9, id="drill", subject=SUBJECT, why=NotifyReason.DRILL))
    said.append(message(10, id="after the end", subject=about["daemon"], at=NOW + 2 * MINUTE))
    await store.commit(Commit(at=NOW, messages=tuple(said)), channels=["phone"])
    await lives(store, ended(NOW + MINUTE))
    assert [one.message.id for one in told(path).record.sendings] == ["family", "account", "channel", "daemon"]


async def test_the_day_after_is_what_any_position_in_the_same_contract_was_read_at(store, path):
    end, mine = NOW + 20 * MINUTE, read_at(NOW + 19 * MINUTE, 55500)
    others = key(account="other")
    await readings(
        store,
        mine,
        read_at(end + 5 * MINUTE, 54000, others),
        read_at(end + 6 * MINUTE, 53000, others),
        read_at(end + 7 * MINUTE, 40000, key("ETH/USDT:USDT")),
        read_at(end + timedelta(hours=25), 30000, others),
    )
    await lives(store, ended(end))
    assert told(path).record.afterwards == (end + 6 * MINUTE, D(53000))


async def test_for_a_short_the_worst_of_the_day_after_is_the_highest(store, path):
    end, short = NOW + 20 * MINUTE, key(side=Side.SHORT)
    await readings(
        store, read_at(NOW, 59000, short), *(read_at(end + n * MINUTE, 60000 + n, key(account="other")) for n in (1, 3))
    )
    await lives(store, replace(ended(end), key=short))
    assert told(path).record.afterwards == (end + 3 * MINUTE, D(60003))


async def test_nothing_is_known_of_the_day_after_when_nothing_was_read(store, path):
    await readings(store, read_at(NOW, 59000))
    await lives(store, ended(NOW + MINUTE))
    assert told(path).record.afterwards is None


async def test_of_a_long_trouble_the_readings_of_the_last_day_are_shown(store, path):
    end = NOW + timedelta(hours=40)
    felt = alert(about=SUBJECT, since=NOW)
    await readings(store, read_at(NOW, 59000), read_at(NOW + timedelta(hours=20), 57000))
    await store.commit(Commit(at=NOW, alerts=(felt,)), channels=())
    await lives(store, ended(end))
    found = told(path)
    assert found.record.incident.since == NOW
    assert [one.at for one in found.record.points] == [NOW + timedelta(hours=20)]
    assert [one.moment.at for one in found.rescues] == [NOW + timedelta(hours=20)]


async def test_a_moment_whose_reading_is_gone_is_left_out(store, path):
    await readings(store, read_at(NOW, 59000))
    with closing(sqlite3.connect(path)) as connection:
        life = stories.lives(connection)[0]
        assert [one.at for one in stories.moments(connection, life, [NOW, NOW + SECOND])] == [NOW]


async def test_an_emergency_that_is_over_is_found_without_any_event(store, path):
    await readings(store, read_at(NOW, 59000))
    over = alert(about=SUBJECT, level=Level.EMERGENCY, peak=Level.EMERGENCY, since=NOW)
    await store.commit(Commit(at=NOW + MINUTE, alerts_ended=(over,)), channels=())
    found = told(path).record
    assert (found.incident.kind, found.incident.at, found.afterwards) == (IncidentKind.NEAR_MISS, NOW + MINUTE, None)
