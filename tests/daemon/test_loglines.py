"""Log lines for people: everything in them, in the width of the terminal."""

from datetime import datetime, timedelta, timezone

from monitor.daemon.loglines import Lines, width_of

ABOUT = {"level": "info", "logger": "guard", "timestamp": "2026-11-23T01:48:11Z"}
AT = datetime(2026, 11, 23, 2, 48, 11, tzinfo=timezone(timedelta(hours=1)))


def lines_of(*events, width=80, colours=False, now=lambda: AT):
    render = Lines(ours=frozenset({"guard"}), width=lambda: width, now=now, colours=colours)
    return "\n".join(render(None, "info", {**ABOUT, **event}) for event in events).splitlines()


def test_an_event_is_one_short_line_when_it_fits():
    shown = lines_of({"positions": 3, "event": "family.read", "account": "main", "family": "usdm"})
    assert shown[0].startswith("-- ")
    assert shown[1][8:] == " family.read main usdm positions=3"


def test_a_long_event_is_wrapped_under_its_own_text_and_nothing_is_left_out():
    title = "EMERGENCY: BTC/USDT long cushion 23 %, liq 2.2 % away"
    event = {
        "event": "message.not_accepted",
        "level": "warning",
        "channel": "phone",
        "error": "a reason " * 12 + "x",
        "title": title,
    }
    _, first, *more = lines_of(event)
    assert all(len(line) <= 80 for line in (first, *more))
    assert first[8:].startswith(" WARNING message.not_accepted phone")
    assert all(line.startswith(" " * 9) and line[9] != " " for line in more)
    whole = " ".join([first, *(line.strip() for line in more)])
    assert whole.endswith(f'error="{event["error"]}" title="{title}"')


def test_the_level_is_told_unless_it_is_info_and_the_logger_when_it_is_not_ours():
    shown = lines_of({"event": "x.y"}, {"event": "x.y", "level": "error"}, {"event": "said", "logger": "ccxt"})
    assert [line[9:] for line in shown[1:]] == ["x.y", "ERROR x.y", "ccxt: said"]


def test_each_day_is_told_once():
    times = iter([AT, AT, AT + timedelta(days=2)])
    shown = lines_of({"event": "x.y"}, {"event": "x.y"}, {"event": "x.y"}, now=lambda: next(times))
    assert [line.startswith("-- ") for line in shown] == [True, False, False, True, False]


def test_what_could_move_the_cursor_is_written_out_and_a_trace_keeps_its_lines():
    shown = lines_of({"event": "x.y", "error": "\x1b[2Jgone\r", "exception": "Traceback\n  at \x1b[0m"})
    assert shown[1].endswith(r"error=\x1b[2Jgone\r")
    assert shown[2:] == ["Traceback", r"  at \x1b[0m"]


def test_values_are_quoted_where_they_would_not_be_clear_and_left_out_where_they_are_empty():
    shown = lines_of({"event": "x.y", "a": "", "b": "two words", "c": ["one", "a b"], "d": None, "e": 0, "f": False, "g": []})
    assert shown[1].endswith('x.y b="two words" c=[one, "a b"] e=0 f=False')


def test_only_the_level_is_coloured():
    shown = lines_of({"event": "x.y", "level": "warning"}, {"event": "x.y"}, colours=True)
    assert shown[1][9:] == "\x1b[33mWARNING\x1b[0m x.y"
    assert "\x1b" not in shown[2]


def test_the_width_is_eighty_when_nobody_knows_it(tmp_path):
    with (tmp_path / "file").open("w") as stream:
        assert width_of(stream) == 80
