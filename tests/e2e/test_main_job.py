"""The main job on the real program: poll, assess, alert, on all three exchanges, and over kill -9."""

import signal
import sqlite3
from decimal import Decimal
from functools import partial

from monitor.practice import Replay, ServerThread
from monitor.practice.replay import describe_recorded
from tests.e2e import rows
from tests.e2e.program import Program, until
from tests.receiver import Hang
from tests.shared import shared_json

RECORDED = ("bin-02", "bin-05", "okx-02", "okx-03")


def test_recorded_positions_are_found_with_the_exchanges_own_figures(make_program):
    recorded = [row for row in shared_json("payloads/positions.json") if row["id"] in RECORDED]
    with ServerThread(Replay(describe_recorded(recorded))) as server:
        program = make_program(server.url, "binance", "okx")
        program.run("run", "--once")
        document = program.positions()
    assert {account["state"] for account in document["accounts"]} == {"ok"}
    found = {position["symbol"]: position for position in document["positions"]}
    assert set(found) == {"BTC/USD:BTC", "BTC/USDT:USDT", "BIGTIME/USDT:USDT", "ETH/USD:ETH"}
    # what the exchanges printed: two decimals in the old example, one tick and full digits on OKX
    for symbol, price, tolerance in (
        ("BTC/USD:BTC", "25119.97445760", "1e-7"),
        ("BTC/USDT:USDT", "5930.78", "0.006"),
        ("BIGTIME/USDT:USDT", "0.0116677335375191", "1e-12"),
        ("ETH/USD:ETH", "11198.22376279407", "1e-8"),
    ):
        assert abs(Decimal(found[symbol]["liquidation_price"]) - Decimal(price)) <= Decimal(tolerance), symbol
        assert not found[symbol]["diverges"], symbol
    assert found["BTC/USDT:USDT"]["hedged"]
    assert found["ETH/USD:ETH"]["side"] == "short"


SINGLE_RUN = {
    # headroom 1000 - 0.1 * 9000 - 0.0004 * 91000 = 63.6 of 1000 - 40 = 960: cushion 6.625 %
    "binance": (rows.binance(rows.binance_long("91000")), "EMERGENCY: BTC/USDT long cushion 6.6 %", "412.50 USDT free"),
    # equity 821.56 + 3000 - 3500 = 321.56, requirement 182.5 + 21.56 - 1.65: headroom 119.15 of about 3,601.65
    "bybit": (rows.bybit("36500"), "EMERGENCY: BTC/USDT long cushion 3.3 %", "36,380."),
    # equity 1000, requirement 409.5: headroom 590.5 of 10000 - 450 = 9550: cushion 6.18 %
    "okx": (rows.okx("91000"), "EMERGENCY: BTC/USDT long cushion 6.1 %", "90,40"),
}


def test_a_single_run_delivers_the_alerts_of_every_exchange_once(make_program, receiver):
    everything = {name: part for description, _, _ in SINGLE_RUN.values() for name, part in description.items()}
    with ServerThread(Replay(everything)) as server:
        program = make_program(server.url, *SINGLE_RUN)
        program.run("run", "--once")
        for exchange, (_, title, words) in SINGLE_RUN.items():
            (message,) = (one for one in receiver.accepted if f"on {exchange} (" in one.text)
            assert message.title.startswith(title)
            assert words in message.text
        shown = program.positions()["positions"]
        assert {one["account"]: (one["state"], one["diverges"]) for one in shown} == dict.fromkeys(
            SINGLE_RUN, ("emergency", False)
        )
        program.run("run", "--once")
    assert len(receiver.accepted) == 3, "a line already crossed when first seen speaks once"


def test_a_single_run_fails_and_says_so_when_an_account_cannot_be_read(make_program, receiver):
    replay = Replay(rows.binance(rows.binance_long("99000")))
    with ServerThread(replay) as server:
        replay.set("GET", "/fapi/v3/positionRisk", {})  # the envelope of an all-clear that is none
        program = make_program(server.url, "binance")
        program.run("run", "--once", code=1)
        document = program.positions()
    assert receiver.accepted[0].title == "BLIND: cannot read binance (Binance USD-M)"
    assert document["accounts"][0]["state"] == "blind"


def test_the_daemon_tells_its_start_an_alert_and_its_stop(make_program, receiver):
    replay = Replay(rows.binance(rows.binance_long("99000")))
    with ServerThread(replay) as server:
        program = make_program(server.url, "binance")
        daemon = program.start()
        assert receiver.wait_for(1)[0].title == "guarding 1 position on 1 account"
        program.run("run", "--once", code=1)
        assert "is running on this store" in program.output
        replay.describe(rows.binance(rows.binance_long("91000")))
        assert receiver.wait_for(2)[1].title.startswith("EMERGENCY: BTC/USDT long cushion 6.6 %")
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0
    assert receiver.accepted[-1].title == "margincall stopped: your guard is off"
    assert "canary" not in program.log()


def test_an_alert_in_flight_is_sent_again_with_its_code_when_the_daemon_was_killed(make_program, receiver):
    replay = Replay(rows.binance(rows.binance_long("99000")))
    with ServerThread(replay) as server:
        program = make_program(server.url, "binance")
        daemon = program.start()
        receiver.wait_for(1)
        receiver.then(Hang())
        replay.describe(rows.binance(rows.binance_long("91000")))
        (_, hanging) = receiver.wait_for(2, requests=True)
        daemon.kill()
        daemon.wait()
        receiver.release()
        program.start()
        again = [message for message in receiver.wait_for(3) if message.title.startswith("EMERGENCY")]
    assert [message.text.rsplit("#", 1)[1] for message in again] == [hanging.text.rsplit("#", 1)[1]]


def accepted(program: Program) -> int:
    """How many deliveries the store has as accepted; the log says so a moment before."""
    store = sqlite3.connect(f"{(program.folder / 'store.db').as_uri()}?mode=ro", uri=True)
    try:
        return int(store.execute("SELECT count(*) FROM deliveries WHERE state = 'accepted'").fetchone()[0])
    finally:
        store.close()


def test_an_accepted_alert_is_not_sent_again_when_the_daemon_was_killed(make_program, receiver):
    replay = Replay(rows.binance(rows.binance_long("99000")))
    with ServerThread(replay) as server:
        program = make_program(server.url, "binance")
        daemon = program.start()
        receiver.wait_for(1)
        replay.describe(rows.binance(rows.binance_long("91000")))
        receiver.wait_for(2)
        until(lambda: accepted(program) == 2)
        daemon.kill()
        daemon.wait()
        program.start()
        started = receiver.wait_for(3)
    assert [message.title.split(" ")[0] for message in started] == ["guarding", "EMERGENCY:", "guarding"]


def test_no_first_alert_is_lost_when_the_daemon_is_killed_again_and_again(make_program, receiver):
    """Kill at moments spread over the whole way from start to delivery; each time the alert is sent at most once more."""
    replay = Replay(rows.binance(rows.binance_long("99000")))
    with ServerThread(replay) as server:
        program = make_program(server.url, "binance")
        program.run("run", "--once")
        replay.describe(rows.binance(rows.binance_long("91000")))
        kills = 0
        counts = server.server.log.counts
        for polls in range(1, 5):
            enough = counts["GET /fapi/v3/positionRisk"] + polls
            daemon = program.start()
            until(partial(lambda least: counts["GET /fapi/v3/positionRisk"] >= least, enough))
            daemon.kill()
            daemon.wait()
            kills += 1
        program.start()
        receiver.wait_for(1)
        until(lambda: any(message.title.startswith("EMERGENCY") for message in receiver.accepted))
        alerts = [message for message in receiver.accepted if message.title.startswith("EMERGENCY")]
    assert 1 <= len(alerts) <= 1 + kills
    assert len({message.text.rsplit("#", 1)[1] for message in alerts}) == 1


def test_a_damaged_store_is_moved_aside_and_told_and_the_guard_goes_on(make_program, receiver):
    with ServerThread(Replay(rows.binance(rows.binance_long("91000")))) as server:
        program = make_program(server.url, "binance")
        (program.folder / "store.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 8192)
        program.run("run", "--once")
    titles = [message.title for message in receiver.accepted]
    assert "margincall: the store was damaged, memory starts anew" in titles
    assert any(title.startswith("EMERGENCY: BTC/USDT long") for title in titles)
    assert list(program.folder.glob("store.db.damaged-*"))


def test_a_channel_that_cannot_be_used_is_a_problem_of_the_configuration(make_program):
    with ServerThread(Replay(rows.binance(rows.binance_long("99000")))) as server:
        program = make_program(server.url, "binance")
        program.environment["MARGINCALL_SECRET_PHONE_URL"] = "tgram://bad"
        program.run("run", "--once", code=78)
    assert "channels.phone.url_from" in program.output
    assert "tgram://bad" not in program.output
