"""What is read from a reply, and what is kept out of the logs."""

import logging
from datetime import UTC, datetime

import pytest

from monitor.notify.hearing import hearing, seconds_of

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30),
        ("0.75", 0.75),
        ("-3", 0),
        # The same day, 25 seconds after NOW.
        ("Fri, 02 Jan 2026 03:04:30 GMT", 25),
        ("Fri, 02 Jan 2026 03:04:00 GMT", 0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(header, seconds):
    assert seconds_of(header, NOW) == seconds


def test_log_line_gives_the_status_and_goes_no_further_when_hearing(caplog):
    logger = logging.getLogger("apprise")
    with hearing() as heard:
        logger.warning("Failed to send canary: Unauthorized, error=%s.", 401)
    logger.warning("after")
    assert heard.status == 401
    assert [record.getMessage() for record in caplog.records] == ["after"]


def test_first_status_of_a_log_line_does_not_replace_that_of_a_reply():
    with hearing() as heard:
        heard.reply(503, 4.0)
        logging.getLogger("apprise").warning("error=401.")
    assert (heard.status, heard.retry_after) == (503, 4.0)


def test_failed_reply_counts_when_a_good_one_follows():
    with hearing() as heard:
        heard.reply(404, None)
        heard.reply(200, None)
    assert heard.status == 404
