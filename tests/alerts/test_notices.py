"""What is told of families that cannot be read, and of the guard's own start and stop."""

from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from monitor.alerts.model import Alert, AlertState, Notice, NotifyReason, family_subject
from monitor.alerts.notices import (
    FAMILY_NAMES,
    FamilyStory,
    Watch,
    family_body,
    family_name,
    family_title,
    started_text,
    stopped_text,
    store_fails_text,
    store_works_text,
    where_of,
)
from monitor.alerts.wording import TITLE_WIDTH
from monitor.exchanges import load, names
from monitor.margin.assessment import assess
from monitor.rules.base import Level
from tests.builders import NOW, USDM, assessment, at, position

D = Decimal
BERLIN = ZoneInfo("Europe/Berlin")


def notice(why=NotifyReason.FIRST, seconds=30.0, family=USDM, **changes):
    values = {
        "code": "K7Q2", "rule": "data_stale", "subject": family_subject(family), "state": AlertState.FIRING,
        "level": Level.CRITICAL, "peak": Level.CRITICAL, "since": at(30), "state_since": at(30), "level_since": at(30),
        "reason": "no reply within 5 s",
    }  # fmt: skip
    return Notice(why=why, alert=Alert(**{**values, **changes}), at=at(seconds))


def story(**changes):
    values = {"last_good": NOW, "error": "no reply within 5 s", "hint": "Check the network.", "known": [assess(position("96"))]}
    return FamilyStory(**{**values, **changes})


def said(told, about=None):
    about = about or story()
    return family_title(told, about), family_body(told, about, told.at, BERLIN).splitlines()


def test_a_blind_alert_says_where_why_since_when_what_to_do_and_what_was_known():
    title, lines = said(notice(seconds=31))
    assert title == "BLIND: cannot read main (Binance USD-M)"
    assert lines == [
        "main (Binance USD-M) cannot be read: no reply within 5 s",
        "Last read 31 s ago, at 04:00:00 CET. Until it can be read, nothing there is guarded.",
        "Check the network.",
        "Last known:",
        "BTC/USDT long on main: cushion 56 %, liquidation 5.3 % away",
        "#K7Q2",
    ]


def test_a_family_that_was_never_read_is_told_as_such():
    _, lines = said(notice(), story(last_good=None, error="", known=[], hint=""))
    assert lines[0].endswith("cannot be read: no reply within 5 s")
    assert lines[1] == "It was never read. Whatever is open there is NOT guarded."
    assert len(lines) == 3
    _, lines = said(notice(reason=""), story(last_good=None, error=""))
    assert lines[0].endswith("cannot be read: no answer yet")


@pytest.mark.parametrize(
    ("why", "head", "words"),
    [
        (NotifyReason.REPEAT, "Still BLIND: ", "First told 4 min ago."),
        (NotifyReason.ESCALATED, "UNANSWERED BLIND: ", "First told 4 min ago, and nobody acknowledged it."),
    ],
)
def test_a_message_that_comes_again_says_so(why, head, words):
    title, lines = said(notice(why, 270))
    assert title.startswith(head)
    assert words in lines


def test_the_end_of_blindness_shows_what_is_there_now():
    title, lines = said(notice(NotifyReason.RESOLVED, 90), story(error="", hint=""))
    assert title == "Reading again: main (Binance USD-M)"
    assert lines[0] == "main (Binance USD-M) can be read again, 60 s after the alert."
    assert lines[1:3] == ["Now:", "BTC/USDT long on main: cushion 56 %, liquidation 5.3 % away"]


def test_the_worst_positions_come_first_and_the_rest_is_counted():
    marks = ["100", "92", "89", "97", "96", "95", "94"]
    known = [assess(position(mark, symbol=f"C{mark}/USDT:USDT")) for mark in marks]
    safe = assessment(cushion=None, liquidation_distance=None)._replace(position=position(symbol="SAFE/USDT:USDT"))
    _, lines = said(notice(), story(known=[safe, *known]))
    shown = [line.split("/")[0] for line in lines if " on main: " in line]
    assert shown == ["C89", "C92", "C94", "C95", "C96"]
    assert lines[-2:] == ["and 3 more", "#K7Q2"]
    assert "C89/USDT long on main: at or past liquidation" in lines
    assert "SAFE/USDT long on main: no liquidation price" in said(notice(), story(known=[safe]))[1]


def test_a_family_that_is_not_opened_any_more_is_told_as_not_watched():
    title, lines = said(notice(NotifyReason.RESOLVED), story(opened=False, error="no such account", known=[]))
    assert title == "Not watched: main (Binance USD-M)"
    assert "no such account" in lines[0]
    assert "again" not in title


def test_every_family_has_a_name_that_its_exchange_uses():
    assert {family for name in names() for family in load(name).families} == set(FAMILY_NAMES)
    assert family_name("usdm") == "USD-M"
    assert family_name("never_heard_of") == "never_heard_of"
    for family in FAMILY_NAMES:
        for why in (NotifyReason.FIRST, NotifyReason.REPEAT, NotifyReason.ESCALATED, NotifyReason.RESOLVED):
            title = said(notice(why, family=replace(USDM, exchange="binance", account="mainaccount", family=family)))[0]
            assert len(title) <= TITLE_WIDTH
            assert not title.endswith("…")


def test_an_account_with_a_long_name_loses_words_before_its_name():
    where = replace(USDM, exchange="bybit", account="a_rather_long_name", family="inverse")
    assert where_of(where) == "a_rather_long_name (Bybit inverse contracts)"
    assert said(notice(NotifyReason.REPEAT, family=where))[0] == "Still BLIND: a_rather_long_name (Bybit inverse contracts)"


def watch(**changes):
    values = {"positions": 3, "accounts": 2, "unguarded": {}, "not_opened": [], "blind": [], "worst": None}
    return Watch(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({}, "guarding 3 positions on 2 accounts"),
        ({"positions": 1, "accounts": 1}, "guarding 1 position on 1 account"),
        ({"unguarded": {"cross": 2}}, "guarding 3 positions on 2 accounts; NOT guarded: 2 cross"),
        ({"blind": ["main (OKX): timed out"]}, "BLIND in 1 place; guarding 3 positions on 2 accounts"),
        ({"blind": ["a", "b"], "unguarded": {"cross": 12}}, "BLIND in 2 places; NOT guarded: 12 cross"),
        ({"positions": 0, "accounts": 0}, "guarding 0 positions on 0 accounts"),
    ],
)
def test_the_title_at_start_says_what_is_guarded_and_what_is_not(changes, title):
    assert started_text(watch(**changes))[0] == title


def test_the_body_at_start_names_the_worst_the_blind_and_the_unwatched():
    _, body = started_text(
        watch(
            unguarded={"cross": 2, "unreadable": 1, "left out by config": 1, "isolated option": 1},
            worst=assess(position("96")), blind=["okx (OKX swaps and futures): key expired"],
            not_opened=["main (Binance COIN-M)"],
        )
    )  # fmt: skip
    assert body.splitlines() == [
        "margincall runs: guarding 3 positions on 2 accounts.",
        "Worst: BTC/USDT long on main: cushion 56 %, liquidation 5.3 % away",
        "2 cross positions are NOT guarded: only isolated ones are.",
        "1 unreadable position is NOT guarded: what the exchange sends of it makes no sense.",
        "1 position left out by config is NOT guarded: `contracts` leaves that kind out.",
        "1 isolated option position is NOT guarded: only isolated swaps and futures are.",
        "Cannot read okx (OKX swaps and futures): key expired",
        "Whatever is open there is NOT guarded until it can be read.",
        "Not watched, since the account has not opened it: main (Binance COIN-M).",
    ]


@pytest.mark.parametrize(
    ("positions", "words"),
    [
        (0, "No open position was known."),
        (1, "1 open position is not watched any more."),
        (2, "2 open positions are not watched any more."),
    ],
)
def test_the_message_at_a_stop_says_that_the_guard_is_off(positions, words):
    title, body = stopped_text(positions)
    assert title == "margincall stopped: your guard is off"
    assert body == f"margincall was stopped. Your guard is off: {words}"


@pytest.mark.parametrize(
    ("damaged", "tops_up", "last"),
    [
        (False, False, ["Check free disk space, the folder's rights, and whether another program has the file open."]),
        (
            False,
            True,
            [
                "No margin is added meanwhile.",
                "Check free disk space, the folder's rights, and whether another program has the file open.",
            ],
        ),
        (True, False, ["When it is calm, restart margincall: it moves the damaged file aside and begins a new one."]),
        (
            True,
            True,
            [
                "No margin is added until you say `margincall topups start`.",
                "When it is calm, restart margincall: it moves the damaged file aside and begins a new one.",
            ],
        ),
    ],
)
def test_a_store_that_fails_is_told_with_what_that_means_and_what_to_do(damaged, tops_up, last):
    title, body = store_fails_text("the store s.db cannot be used now", damaged=damaged, tops_up=tops_up)
    assert title == "margincall cannot keep what it decides: its store fails"
    assert body.splitlines()[0] == "The store s.db cannot be used now."
    assert body.splitlines()[2:] == last


def test_a_store_that_works_again_is_told():
    assert store_works_text() == ("margincall's store works again", "What was decided meanwhile is being kept now.")
