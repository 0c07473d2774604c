"""The real program reads its configuration again: by SIGHUP, by its verb, from a good file, a bad one, and a good one again."""

import os
import pty
import signal
import socket
import subprocess
import sys
import time

from monitor.practice import Replay, ServerThread
from tests.e2e import rows
from tests.e2e.program import COMMAND, PATIENCE, until
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


def test_systemd_hears_when_a_reload_begins_and_ends(make_program, receiver, tmp_path):
    replay = Replay(rows.binance(rows.binance_long("99000")))
    with ServerThread(replay) as server, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        program = make_program(server.url, "binance")
        program.environment["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        daemon = program.start()
        _hear(manager, "READY=1")
        for text, event in ((LOUD, "config.reloaded"), ("rules: [{kind: cushoin}]\n", "config.refused")):
            program.config.write_text(program.config.read_text().partition("rules:")[0] + text)
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            daemon.send_signal(signal.SIGHUP)
            (stamp,) = [line for line in _hear(manager, "RELOADING=1") if line.startswith("MONOTONIC_USEC=")]
            assert before <= int(stamp.partition("=")[2]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            _hear(manager, "READY=1")
            assert event in program.log()
        daemon.send_signal(signal.SIGTERM)
        _hear(manager, "STOPPING=1")
        assert daemon.wait(10) == 0


def _hear(manager, state):
    """The lines of the next notification that has this one among them."""
    while True:
        lines = manager.recv(4096).decode().splitlines()
        if state in lines:
            return lines


def test_a_terminal_that_is_closed_under_the_daemon_ends_it_in_good_order(make_program, receiver):
    """SIGHUP is then no wish to reload: nobody would ever stop it."""
    replay = Replay(rows.binance(rows.binance_long("99000")))
    with ServerThread(replay) as server:
        program = make_program(server.url, "binance")
        master, slave = pty.openpty()
        adopt = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
        daemon = subprocess.Popen(
            [sys.executable, "-c", adopt, *COMMAND, "run", "--config", str(program.config)],
            env=program.environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        program.daemons.append(daemon)
        os.close(slave)
        assert receiver.wait_for(1)[0].title == "guarding 1 position on 1 account"
        os.close(master)
        assert receiver.wait_for(2)[1].title == "margincall stopped: your guard is off"
        # 120: Python could not flush its output to the terminal, which is gone.
        assert daemon.wait(10) in {0, 120}
