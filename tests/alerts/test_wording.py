"""Each message as somebody reads it who was asleep a minute ago."""

import ast
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import monitor
from monitor.alerts.lifecycle import code_of
from monitor.alerts.model import Alert, AlertState, Notice, NotifyReason, position_subject
from monitor.alerts.wording import (
    DEGRADED,
    TITLE_WIDTH,
    PositionStory,
    Rescue,
    fit,
    position_body,
    position_title,
    short_symbol,
)
from monitor.margin.assessment import assess
from monitor.margin.position import Contract, ExchangeSays, Instrument, PositionStatus, Side
from monitor.rules.base import Level
from tests.builders import NOW, at, key, position
from tests.builders import assessment as figures

D = Decimal
BERLIN = ZoneInfo("Europe/Berlin")
# The longest names that the three exchanges have, dated futures included (binance's list of 2026-11).
LONGEST = ("1000000BOB/USDT:USDT", "BTC/USD:BTC-251226", "1000CHEEMS/USDT:USDT", "ETH/USDT:USDT-260327")


def alert(rule="cushion", level=Level.EMERGENCY, **changes):
    subject = position_subject(key())
    values = {
        "code": code_of(rule, subject, NOW), "rule": rule, "subject": subject, "state": AlertState.FIRING, "level": level,
        "peak": level, "since": NOW, "state_since": NOW, "level_since": NOW, "told": level, "told_at": NOW,
        "value": D("0.23"), "line": D("0.25"),
    }  # fmt: skip
    return Alert(**{**values, **changes})


def notice(why=NotifyReason.FIRST, seconds=0.0, **changes):
    return Notice(why=why, alert=alert(**changes), at=at(seconds))


def story(mark="93", **changes):
    values = {"assessment": assess(position(mark)), "read_at": NOW, "rescue": None}
    return PositionStory(**{**values, **changes})


def said(*notices, about=None, seconds=0.0, zone=BERLIN):
    """Title and body."""
    about = about or story()
    return position_title(notices[0], about), position_body(list(notices), about, at(seconds), zone)


def test_a_first_alert_says_who_how_near_the_numbers_and_what_to_do():
    rescue = Rescue(amount=D("83.246"), goal="cushion 60 %", free=D("412.119"))
    title, body = said(notice(), about=story(rescue=rescue), seconds=1.5)
    assert title == "EMERGENCY: BTC/USDT long cushion 23 %, liq 2.2 % away"
    lines = body.splitlines()
    assert lines == [
        "BTC/USDT:USDT long on main (Binance)",
        "Liquidation at 90.9091, mark 93: 2.2 % away.",
        "Cushion 23 % (emergency line 25 %).",
        "Equity 30.00 USDT, exchange wants 9.30 USDT (margin usage 31 %).",
        "Add 83.25 USDT to be back at cushion 60 %, or reduce the position; 412.11 USDT free.",
        "Size 10 BTC, entry 100, 10x.",
        "Read 1 s ago, at 04:00:00 CET.",
        f"#{alert().code}",
    ]


@pytest.mark.parametrize(
    ("why", "head", "words"),
    [
        (NotifyReason.WORSENED, "EMERGENCY: ", ": worse, now emergency (4 min after the first alert)"),
        (NotifyReason.REPEAT, "Still EMERGENCY: ", ": still emergency, for 4 min"),
        (NotifyReason.ESCALATED, "UNANSWERED EMERGENCY: ", ": emergency for 4 min, and nobody acknowledged it"),
    ],
)
def test_a_message_says_why_it_comes_now(why, head, words):
    title, body = said(notice(why, 240), about=story(read_at=at(239)), seconds=240)
    assert title.startswith(head)
    assert body.splitlines()[0].endswith(words)


def test_old_figures_say_how_old_they_are_where_it_is_seen_first():
    title, body = said(notice(NotifyReason.REPEAT, 300), about=story(), seconds=300)
    assert title == "Still EMERGENCY: BTC/USDT long liq 2.2 % away, 5 min old"
    assert "Read 5 min ago" in body


def test_an_all_clear_shows_the_figures_of_now_and_no_line_of_then():
    over = notice(NotifyReason.RESOLVED, 700, peak=Level.EMERGENCY, level=Level.WARNING)
    calm = story("100", read_at=at(700), rescue=Rescue(amount=D(5), goal="cushion 60 %", free=None))
    title, body = said(over, about=calm, seconds=700)
    assert title == "All clear: BTC/USDT long cushion 100 %, liq 9.0 % away"
    assert body.splitlines()[0].endswith(": the cushion alert (emergency at its worst) is over after 11 min")
    for then in ("23 %", "25 %", "Add ", "line"):
        assert then not in body


def test_the_end_of_one_alert_is_no_all_clear_while_another_stands():
    over = notice(NotifyReason.RESOLVED, rule="margin_usage")
    title, body = said(over, about=story(standing=Level.EMERGENCY))
    assert title == "Still EMERGENCY: BTC/USDT long cushion 23 %, liq 2.2 % away"
    assert "the margin usage alert (emergency at its worst) is over" in body
    assert "It is NOT all clear: the position is still emergency." in body


def test_a_position_that_is_gone_is_never_called_safe():
    title, body = said(notice(NotifyReason.RESOLVED), about=story(gone=True))
    assert title == "BTC/USDT long is gone: closed or liquidated"
    assert "look now" in body
    assert body.splitlines()[0].endswith(": gone 0 s after the first alert (emergency at its worst)")
    for calm in ("clear", "over after"):
        assert calm not in (title + body).lower()
    assert "NOW" not in said(notice(NotifyReason.RESOLVED), about=story(gone=True, assessment=doing("liquidating")))[1]


def test_a_position_that_turned_cross_is_named_not_guarded_whatever_rule_speaks():
    for rule in ("not_guarded", "cushion"):
        title, body = said(notice(rule=rule, level=Level.CRITICAL), about=story(mode="cross"))
        assert title == "CRITICAL: BTC/USDT long is NOT guarded (cross)"
        assert "does not guard it any more" in body
        assert "The last isolated figures were:" in body


def test_a_position_that_is_isolated_again_is_told_so():
    title, _ = said(notice(NotifyReason.RESOLVED, rule="not_guarded"), about=story("100"))
    assert title == "Guarded again: BTC/USDT long cushion 100 %, liq 9.0 % away"


def doing(status, mark="93"):
    return assess(position(mark, status=PositionStatus(status)))


def test_a_liquidation_that_runs_is_said_before_every_number():
    title, body = said(notice(), about=story(assessment=doing("liquidating")))
    assert title == "EMERGENCY: BTC/USDT long is being liquidated"
    assert body.splitlines()[1] == "The exchange is liquidating it NOW."
    _, body = said(notice(), about=story(assessment=doing("deleveraging")))
    assert "auto-deleveraging" in body.splitlines()[1]


def test_a_position_at_its_end_says_so_and_promises_no_distance():
    title, body = said(notice(rule="margin_usage", value=None, line=None), about=story("89"))
    assert title == "EMERGENCY: BTC/USDT long is at liquidation"
    # equity 100 - 110
    assert "Mark 89: at or past liquidation." in body
    assert "Equity -10.00 USDT, exchange wants 8.90 USDT (margin usage over 100 %)." in body
    assert "away" not in title + body


def test_a_position_that_no_price_liquidates_says_so():
    safe = figures(liquidation_price=None, liquidation_distance=None, cushion=None)
    title, body = said(notice(rule="margin_ratio"), about=story(assessment=safe))
    assert title == "EMERGENCY: BTC/USDT long has no liquidation price"
    assert "no price liquidates it" in body


def test_a_distance_without_a_cushion_is_told_alone():
    odd = figures(cushion=None, liquidation_distance=D("0.02"))
    assert said(notice(), about=story(assessment=odd))[0] == "EMERGENCY: BTC/USDT long liq 2.0 % away"


def test_too_little_free_balance_is_said():
    rescue = Rescue(amount=D(100), goal="cushion 60 %", free=D("99.999"))
    assert "99.99 USDT free (NOT enough)" in said(notice(), about=story(rescue=rescue))[1]
    assert "Free balance not known." in said(notice(), about=story(rescue=replace(rescue, free=None)))[1]


def test_both_figures_are_told_where_the_exchange_disagrees():
    odd = assess(position("100", says=ExchangeSays(requirement=D(85), liquidation_price=D(98))))
    _, body = said(notice(), about=story(assessment=odd))
    assert "85.00 USDT" in body
    assert "10.00 USDT" in body
    assert "The worse counts." in body


def test_every_alert_in_a_message_has_its_line_and_its_code_once():
    first, second = notice(), notice(rule="margin_usage", value=D("0.81"), line=D("0.8"))
    _, body = said(first, second, first)
    assert "Margin usage 81 % (emergency line 80 %)." in body
    assert "exchange wants 9.30 USDT." in body
    assert body.splitlines()[-1] == f"#{first.alert.code} #{second.alert.code}"


def sized(symbol, contract, size, contracts):
    instrument = Instrument(
        symbol=symbol, instrument_id="X", contract=contract, contract_size=D(size), settle_currency="USDT", price_tick=None
    )
    return figures_of(position(symbol=symbol, instrument=instrument, contracts=D(contracts), leverage=None))


def figures_of(about):
    return figures()._replace(position=about)


@pytest.mark.parametrize(
    ("symbol", "contract", "size", "contracts", "words"),
    [
        ("BTC/USDT:USDT", Contract.LINEAR, "1", "0.1", "Size 0.1 BTC, entry 100."),
        ("BTC/USDT:USDT", Contract.LINEAR, "0.01", "1250", "Size 1,250 contracts of 0.01 BTC, entry 100."),
        ("BTC/USD:BTC", Contract.INVERSE, "100", "40", "Size 40 contracts of 100 USD, entry 100."),
        ("BTC/USD:BTC", Contract.INVERSE, "1", "40000", "Size 40,000 USD, entry 100."),
    ],
)
def test_size_is_said_in_what_it_counts(symbol, contract, size, contracts, words):
    assert words in said(notice(), about=story(assessment=sized(symbol, contract, size, contracts)))[1]


@pytest.mark.parametrize(
    ("symbol", "short"),
    [
        ("BTC/USDT:USDT", "BTC/USDT"),
        ("BTC/USDC:USDC", "BTC/USDC"),
        ("BTC/USD:BTC", "BTC/USD:BTC"),
        ("BTC/USDT:USDT-251226", "BTC/USDT-251226"),
        ("BTC/USD:BTC-251226", "BTC/USD:BTC-251226"),
        ("BTC/USD:USDC", "BTC/USD:USDC"),
        ("1000000BOB/USDT:USDT", "1000000BOB/USDT"),
    ],
)
def test_a_title_names_a_contract_shortly_and_no_two_alike(symbol, short):
    assert short_symbol(symbol) == short


SAID_AGAIN = (NotifyReason.FIRST, NotifyReason.WORSENED, NotifyReason.REPEAT, NotifyReason.ESCALATED, NotifyReason.RESOLVED)


@given(
    symbol=st.sampled_from(LONGEST),
    side=st.sampled_from(Side),
    why=st.sampled_from(SAID_AGAIN),
    level=st.sampled_from(Level),
    rule=st.sampled_from(["cushion", "margin_usage", "liquidation_distance", "margin_ratio", "not_guarded"]),
    cushion=st.decimals(min_value=-3, max_value=30, places=4) | st.none(),
    away=st.decimals(min_value=0, max_value=12, places=4) | st.none(),
    age=st.integers(0, 400_000),
    gone=st.booleans(),
    mode=st.sampled_from(["", "cross", "portfolio"]),
    standing=st.sampled_from([None, Level.WARNING, Level.EMERGENCY]),
)
def test_every_title_fits_a_lock_screen_and_is_cut_nowhere(
    symbol, side, why, level, rule, cushion, away, age, gone, mode, standing
):
    about = figures(cushion=cushion, liquidation_distance=away, headroom=D(1) if cushion is None else cushion)
    about = about._replace(position=position(symbol=symbol, side=side))
    told = notice(why, age, rule=rule, level=level)
    title = position_title(told, story(assessment=about, gone=gone, mode=mode, standing=standing))
    assert len(title) <= TITLE_WIDTH
    assert not title.endswith("…")
    assert short_symbol(symbol) in title
    assert side.value in title


def test_a_title_is_cut_only_when_nothing_shorter_is_known():
    assert fit("a" * 61, "b" * 60) == "b" * 60
    assert fit("a" * 61, "b" * 62) == "b" * 59 + "…"


def marks_in(path: Path) -> set[str]:
    """The marks that a source puts on positions: words in what is assigned or added to a name that speaks of marks."""
    word, found = re.compile(r"[a-z]+(_[a-z]+)+"), set()
    for node in ast.walk(ast.parse(path.read_text())):
        target, value = "", None
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            target, value = " ".join(map(ast.unparse, targets)), node.value
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".add"):
            target, value = ast.unparse(node.func), node
        elif isinstance(node, ast.keyword) and node.arg in {"degraded", "note", "marks"}:
            target, value = node.arg, node.value
        if value is not None and re.search(r"degraded|marks|notes?\b|_INFERRED|_ASSUMED|NO_TIERS", target):
            for part in ast.walk(value):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and word.fullmatch(part.value):
                    found.add(part.value)
    return found


def test_every_mark_on_a_position_has_words_and_every_word_a_mark():
    package = Path(monitor.__file__).parent
    sources = [*(package / "exchanges").rglob("*.py"), *(package / "margin").glob("*.py")]
    assert set().union(*map(marks_in, sources)) == set(DEGRADED)


@pytest.mark.parametrize("mark", DEGRADED)
def test_a_mark_is_told_in_words_and_not_by_its_name(mark):
    odd = assess(position("93", degraded=(mark,)))
    _, body = said(notice(), about=story(assessment=odd))
    assert f"Note: {DEGRADED[mark]}." in body
    assert mark not in body


def test_two_marks_that_say_the_same_are_told_once():
    odd = assess(position("93", degraded=("instrument_guessed", "no_instrument", "never_heard_of")))
    _, body = said(notice(), about=story(assessment=odd))
    assert body.count("Note: the list of contracts") == 1
    assert "Note: never heard of." in body


def test_times_are_the_owners():
    _, body = said(notice(), zone=ZoneInfo("Asia/Tokyo"))
    assert "at 12:00:00 JST" in body
