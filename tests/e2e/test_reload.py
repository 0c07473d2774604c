"""The real program reads its configuration again: by SIGHUP, by its verb, from a good file, a bad one, and a good one again."""

import signal

from monitor.practice import Replay, ServerThread
from tests.e2e import rows
from tests.e2e.program import until
from tests.receiver import Receiver

LOUD = "rules: [{kind: cushion, warning: 95%}]\n"


def test_a_daemon_takes_a_good_configuration_refuses_a_bad_one_and_takes_the_next(make_program, receiver):
    replay = Replay(rows.binance(rows.binance_long("99000")))
    with ServerThread(replay) as server, Receiver() as desk:
        program = make_program(server.url, "binance")
        program.environment["MARGINCALL_SECRET_DESK_URL"] = desk.url
        first = program.config.read_text()
        daemon = program.start()
        assert receiver.wait_for(1)[0].title == "guarding 1 position on 1 account"

        # cushion at 99,000: headroom 1000 - 0.1 * 1000 - 0.0004 * 99000 = 860.4 of 960, 89 %: past a line of 95 % only
        program.config.write_text(
            first.replace("{url_from: phone_url}", "{url_from: phone_url}\n  desk: {url_from: desk_url}") + LOUD
        )
        daemon.send_signal(signal.SIGHUP)
        (told,) = [one for one in receiver.wait_for(2) if "reloaded" in one.title]
        assert "rule cushion changed, channel desk added" in told.text
        assert any(one.title == told.title for one in desk.wait_for(1))
        until(lambda: any(one.title.startswith("WARNING: BTC/USDT long") for one in desk.accepted))
        code = program.run("alerts", "list", "--json").split('"code": "')[1][:4]
        program.run("alerts", "ack", code)

        program.config.write_text(first + "rules: [{kind: cushoin}]\n")
        daemon.send_signal(signal.SIGHUP)
        until(lambda: any("refused" in one.title for one in desk.accepted))
        (refused,) = [one for one in desk.accepted if "refused" in one.title]
        assert f"{program.config}:{len(first.splitlines()) + 1}" in refused.text
        assert "cushion" in refused.text
        assert '"event": "config.refused"' in program.log()
        program.run("reload", code=78)
        assert "The configuration before stays in force" in program.output

        program.config.write_text(first)
        assert "channel desk removed" in program.run("reload")
        until(lambda: sum("reloaded" in one.title for one in receiver.accepted) == 2)
        assert program.run("reload") == "nothing else is in force than before\n"
        assert f'"code": "{code}"' in program.run("alerts", "list", "--json")
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0
    assert not any("stopped" in one.title for one in desk.accepted), "it is told nothing any more"
    assert "canary" not in program.log()
    assert "worker.died" not in program.log()
