from monitor.daemon.findings import findings, news_text, summary
from monitor.ports import CheckLine
from monitor.rules.base import Level


def line(status, text="text", topic="topic", advice=""):
    return CheckLine(status=status, topic=topic, text=text, advice=advice)


def test_only_what_is_not_ok_is_found():
    found = findings([("store", [line("ok"), line("warn", "odd"), line("fail", "bad")]), ("files", [line("ok")])])
    assert [(about, one.text) for about, one in found.values()] == [("store", "odd"), ("store", "bad")]


def test_mark_stays_when_only_figures_change_and_is_another_for_each_place_and_status():
    def mark(about="store", **changes):
        (one,) = findings([(about, [line(**{"status": "warn", "text": "40 MiB free", **changes})])])
        return one

    assert mark(text="37 MiB free") == mark()
    assert len({mark(), mark(about="disk"), mark(status="fail"), mark(topic="other"), mark(text="no room")}) == 5


def test_summary_counts_failures_and_warnings():
    assert summary([]) == "all well"
    assert summary([line("ok")]) == "all well"
    assert summary([line("warn"), line("ok")]) == "1 warning"
    assert summary([line("warn"), line("fail"), line("warn")]) == "1 failed, 2 warnings"


def test_message_names_every_finding_with_what_to_do_failures_first():
    warn, fail = line("warn", "no copy", "backup", "Make room."), line("fail", "damaged", "integrity")
    title, body, level = news_text(findings([("store", [warn, fail])]))
    assert title == "margincall's daily check: 1 failed, 1 warning"
    assert level is Level.WARNING
    assert body.splitlines() == [
        "FAILED: store, integrity: damaged.",
        "Warning: store, backup: no copy. Make room.",
        "`margincall check` shows everything. This is told once.",
    ]


def test_message_is_info_when_nothing_failed_and_shows_eight_at_most():
    _, body, level = news_text(findings([("store", [line("warn", topic=f"t{chr(97 + number)}") for number in range(10)])]))
    assert level is Level.INFO
    assert len(body.splitlines()) == 8 + 2
    assert "and 2 more" in body
