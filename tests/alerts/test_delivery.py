"""What is told after an outage: each subject that is still bad alone, everything else in one summary."""

from datetime import UTC, timedelta, timezone

import pytest

from monitor.alerts.delivery import Backlog, sort_out, with_missed
from monitor.alerts.model import Message, NotifyReason, Subject, SubjectKind
from monitor.rules.base import Level
from tests.store.store_examples import NOW, key, message, subject

LATER = NOW + timedelta(hours=1)


def news(number: int, level: Level = Level.CRITICAL, *, minute: int = 0, **changes) -> Message:
    """About position ``number`` (and its alert) unless ``about`` says otherwise."""
    about = changes.pop("about", number)
    return message(
        number,
        level,
        **{
            "subject": subject(key(f"C{about}/USDT:USDT")),
            "code": f"C{about}",
            "title": f"title {number}",
            "at": NOW + timedelta(minutes=minute),
            **changes,
        },
    )


def sorted_out(*waiting: Message, told: Message | None = None) -> Backlog:
    return sort_out(waiting, told, "phone", LATER, UTC)


def ids(messages):
    return [each.id for each in messages]


def test_five_messages_are_no_storm():
    waiting = [news(number, Level.WARNING) for number in range(5)]
    assert sorted_out(*waiting) == Backlog(kept=tuple(waiting))


def test_urgent_ones_go_alone_and_the_others_in_a_summary():
    mild = [news(number, Level.WARNING, minute=number) for number in range(4)]
    urgent = [news(10), news(11, Level.EMERGENCY)]
    backlog = sorted_out(*mild, *urgent)
    assert backlog.kept == tuple(urgent)
    assert backlog.folded == tuple(mild)
    summary = backlog.summary
    assert summary is not None
    assert (summary.level, summary.why, summary.channels) == (Level.WARNING, NotifyReason.SUMMARY, ("phone",))
    assert summary.subject.kind is SubjectKind.DAEMON
    assert summary.title == "4 messages that phone could not take"
    # NOW is 05:06:07 UTC.
    assert summary.body.split("\n") == [
        "phone could not be reached from 05:06. The last word on each, besides what comes alone:",
        "05:09 title 3",
        "05:08 title 2",
        "05:07 title 1",
        "05:06 title 0",
        f"#{summary.code}",
    ]


def test_storm_of_urgent_ones_needs_no_summary():
    waiting = [news(number) for number in range(9)]
    assert sorted_out(*waiting) == Backlog(kept=tuple(waiting))


def test_only_the_worst_and_then_newest_of_a_subject_goes_alone():
    waiting = [
        news(1, Level.EMERGENCY, minute=1, about=0),
        news(2, minute=2, about=0, code="B"),
        news(3, Level.EMERGENCY, minute=3, about=0, code="C"),
        news(4, Level.WARNING, minute=4, about=0, code="D"),
        *(news(number, Level.INFO) for number in (5, 6)),
    ]
    backlog = sorted_out(*waiting)
    assert ids(backlog.kept) == ["m3"]
    assert ids(backlog.folded) == ["m1", "m2", "m4", "m5", "m6"]
    assert backlog.summary is not None
    # The last word on position 0 is the warning.
    assert [line for line in backlog.summary.body.split("\n") if "title" in line] == [
        "05:10 title 4",
        "05:06 title 5",
        "05:06 title 6",
    ]


def test_alert_that_is_over_is_only_told_in_the_summary():
    over = news(2, Level.WARNING, minute=9, about=1, why=NotifyReason.RESOLVED)
    backlog = sorted_out(news(1, Level.EMERGENCY), over, *(news(number) for number in range(3, 7)))
    assert ids(backlog.kept) == ["m3", "m4", "m5", "m6"]
    assert backlog.summary is not None
    assert "05:15 title 2" in backlog.summary.body
    assert "title 1" not in backlog.summary.body


def test_all_clear_of_another_alert_hides_nothing():
    other = news(2, minute=9, about=1, code="OTHR", why=NotifyReason.RESOLVED)
    backlog = sorted_out(news(1, Level.EMERGENCY), other, *(news(number) for number in range(3, 7)))
    assert "m1" in ids(backlog.kept)


def test_position_that_was_just_told_of_is_not_told_again():
    told = news(1, Level.EMERGENCY)
    backlog = sorted_out(news(2, about=1), *(news(number) for number in range(3, 8)), told=told)
    assert ids(backlog.kept) == ["m3", "m4", "m5", "m6", "m7"]
    assert ids(backlog.folded) == ["m2"]


def test_summary_of_an_earlier_outage_is_not_folded_into_another():
    earlier = news(1, Level.WARNING, why=NotifyReason.SUMMARY, subject=Subject(SubjectKind.DAEMON))
    backlog = sorted_out(earlier, *(news(number, Level.WARNING) for number in range(2, 8)))
    assert ids(backlog.kept) == ["m1"]


def test_long_summary_says_how_much_it_leaves_out():
    backlog = sorted_out(*(news(number, Level.INFO) for number in range(25)))
    assert backlog.summary is not None
    assert backlog.summary.level is Level.INFO
    assert "\nand 5 more\n" in backlog.summary.body


@pytest.mark.parametrize(
    ("missed", "line"),
    [
        (1, "1 earlier alert could not be delivered since 07:06."),
        (3, "3 earlier alerts could not be delivered since 07:06."),
    ],
)
def test_what_was_missed_is_told_before_the_codes(missed, line):
    told = with_missed(message(body="Cushion 23 %.\n#K7Q2"), missed, NOW, timezone(timedelta(hours=2)))
    assert told.body == f"Cushion 23 %.\n{line}\n#K7Q2"


def test_message_is_as_it_was_when_nothing_was_missed():
    assert with_missed(message(), 0, None, UTC) == message()
