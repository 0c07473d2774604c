"""The command itself: how it ends, what it says, and what it loads."""

import os
import signal
import struct
import subprocess
import sys
import termios
from fcntl import ioctl

import pytest

from monitor import app
from monitor import cli as module
from monitor.cli import VERBS, wanted
from monitor.errors import StoreFault, StoreUnavailable
from monitor.store.lock import InstanceLock
from tests.builders import failure, position, snapshot
from tests.cli.terminal import now
from tests.e2e.program import until
from tests.fakes import FakeExchange, FakeNotifier


@pytest.fixture
def fakes(monkeypatch):
    """An account and a channel in place of the real ones."""
    exchange, phone = FakeExchange(), FakeNotifier()
    monkeypatch.setattr(app, "build_exchanges", lambda *_: [exchange])
    monkeypatch.setattr(app, "build_channels", lambda *_: [phone])
    return exchange, phone


@pytest.mark.parametrize("verb", ["run", "check", "positions", "history", "test-alert"])
def test_a_configuration_that_cannot_be_used_is_told_with_its_lines(terminal, verb):
    terminal.write("accounts:\n  main: {exchange: binnance}\nchannels:\n  phone: {url_from: phone_url}\nstor: x\n")
    said = terminal.run(verb)
    if verb in {"positions", "history"}:  # these read nothing of it but where the store is
        assert said.code == 2
        return
    assert (said.code, said.out) == (78, "")
    first, second = said.err.splitlines()
    assert first.startswith(f"{terminal.config}:2: accounts.main.exchange")
    assert "binance" in first
    assert second.startswith(f"{terminal.config}:5: stor")


def test_a_missing_configuration_is_told_with_every_place_tried(terminal, monkeypatch, capsys):
    monkeypatch.chdir(terminal.folder / "..")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(terminal.folder / "none"))
    monkeypatch.setattr(sys, "argv", ["margincall", "run"])
    with pytest.raises(SystemExit) as end:
        module.main()
    assert end.value.code == 78
    told = capsys.readouterr().err
    assert "no configuration found: tried ./config.yaml" in told
    assert "--config" in told


def test_a_file_that_is_not_there_is_told(terminal):
    terminal.config.unlink()
    said = terminal.run("run")
    assert said.code == 78
    assert str(terminal.config) in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("arguments", [["nonsense"], ["positions", "--nonsense"], ["run", "--log-level", "loud"], ["calc"]])
def test_a_slip_is_bad_input(terminal, arguments):
    said = terminal.run(*arguments)
    assert said.code == 2
    assert "Error" in said.err
    assert "Traceback" not in said.err


def test_a_store_that_cannot_be_written_is_told_with_advice(terminal, fakes, monkeypatch):
    terminal.folder.joinpath("store.db").mkdir()
    said = terminal.run("run", "--once")
    assert said.code == 1
    assert "cannot be used" in said.err
    assert StoreUnavailable.hint in said.err


def test_a_single_run_tells_and_succeeds_when_everything_was_read(terminal, fakes):
    exchange, phone = fakes
    exchange.bring(snapshot(position("93"), when=now()))
    assert terminal.run("run", "--once").code == 0
    assert [message.title for message in phone.accepted] == ["EMERGENCY: BTC/USDT long cushion 23 %, liq 2.2 % away"]
    assert terminal.run("positions", "--json").json["positions"][0]["state"] == "emergency"


def test_a_single_run_fails_when_something_could_not_be_read(terminal, fakes):
    exchange, phone = fakes
    exchange.bring(failure(now()))
    assert terminal.run("run", "--once", "--log-level", "error").code == 1
    assert [message.title for message in phone.accepted] == ["BLIND: cannot read main (Binance USD-M)"]


@pytest.mark.parametrize("arguments", [["run", "--once"], ["run"]])
def test_a_second_daemon_is_refused(terminal, fakes, arguments):
    with InstanceLock(terminal.store):
        said = terminal.run(*arguments)
    assert said.code == 1
    assert f"another margincall (process {os.getpid()}) is running on this store" in said.err
    assert "Stop it first" in said.err
    assert fakes[0].asked == []


def test_a_bug_ends_in_the_log_where_secrets_are_hidden(terminal, fakes, monkeypatch):
    def stumble(*_, **__):
        raise RuntimeError(f"signature={os.environ['MARGINCALL_SECRET_MAIN_SECRET']}")

    monkeypatch.setattr(app, "build_policy", stumble)
    said = terminal.run("run")  # which looks for the canary in what it said
    assert said.code == 1
    assert "daemon.died" in said.err
    assert "signature=[hidden]" in said.err


def test_an_interrupt_is_quiet(terminal, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "build_exchanges", interrupted)
    for arguments in (["check"], ["positions", "--live"]):
        said = terminal.run(*arguments)
        assert (said.code, said.err) == (130, "")
    monkeypatch.setattr(module, "_register", interrupted)
    assert terminal.run("positions").code == 130


@pytest.fixture
def interruptible():
    """Where the tests run in the background, a shell has told them, and so their children, to ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_of_the_real_process_is_quiet():
    """Standard input that never ends: what a person leaves by Ctrl-C."""
    with subprocess.Popen(
        [sys.executable, "-m", "monitor", "calc", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as command:
        assert command.stdin is not None
        command.stdin.write(b"[")
        command.stdin.flush()
        until(lambda: not _waiting_in(command.stdin))
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=20)
    assert (command.returncode, out, err) == (130, b"", b"")


def _waiting_in(pipe):
    """How many bytes nobody has read yet."""
    return struct.unpack("i", ioctl(pipe.fileno(), termios.FIONREAD, bytes(4)))[0]


def test_the_version_and_the_help_are_told(terminal, monkeypatch, capsys):
    for argument, words in (("--version", "margincall "), ("--help", "positions")):
        monkeypatch.setattr(sys, "argv", ["margincall", argument])
        with pytest.raises(SystemExit) as end:
            module.main()
        assert not end.value.code
        assert words in capsys.readouterr().out


def test_only_the_verb_that_is_asked_for_is_loaded():
    for verb in VERBS:
        assert list(wanted([verb, "--json"], asked_by_shell=False)) == [verb]
    for arguments in ([], ["--help"], ["--version"], ["postions"], ["--config", "positions"]):
        assert list(wanted(arguments, asked_by_shell=False)) == list(VERBS)
    assert list(wanted(["positions"], asked_by_shell=True)) == list(VERBS)


def test_a_verb_that_reads_the_store_loads_nothing_that_it_does_not_need(terminal):
    terminal.keep(snapshot(position("93"), when=now()))
    heavy = (
        "ccxt",
        "apprise",
        "aiohttp",
        "apscheduler",
        "structlog",
        "pydantic_settings",
        "asyncio",
        "monitor.cli.run",
        "monitor.app",
    )
    program = (
        f"import sys; sys.argv = ['margincall', sys.argv[1], '--config', {str(terminal.config)!r}]\n"
        "from monitor.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print(end.code)\n"
        f"print([name for name in {heavy} if name in sys.modules])\n"
    )
    for verb in ("positions", "history"):
        done = subprocess.run([sys.executable, "-c", program, verb], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-2:] == ["0", "[]"], verb


def test_a_daemon_guards_until_it_is_told_to_stop(terminal, fakes, monkeypatch):
    class Fresh(FakeExchange):
        async def fetch_family(self, family):
            return snapshot(position("100"), when=now())

    class Stopping(FakeNotifier):
        async def send(self, message):
            await super().send(message)
            if "stopped" not in message.title:
                os.kill(os.getpid(), signal.SIGTERM)

    exchange, phone = Fresh(), Stopping()
    monkeypatch.setattr(app, "build_exchanges", lambda *_: [exchange])
    monkeypatch.setattr(app, "build_channels", lambda *_: [phone])
    said = terminal.run("run", "--log-level", "debug")
    assert said.code == 0
    assert [message.title for message in phone.accepted] == [
        "guarding 1 position on 1 account",
        "margincall stopped: your guard is off",
    ]
    assert '"event": "daemon.stopped"' in said.err
    assert exchange.closed


def test_an_error_without_advice_is_told_in_one_line(terminal, monkeypatch):
    def refuse(*_):
        raise StoreFault("the store refused a statement")

    monkeypatch.setattr(app, "build_exchanges", refuse)
    said = terminal.run("check")
    assert (said.code, said.err) == (1, "the store refused a statement\n")


def test_calc_is_a_verb_without_any_configuration(terminal, monkeypatch, capsys):
    cases = terminal.folder / "cases.json"
    cases.write_text("[]")
    monkeypatch.setattr(sys, "argv", ["margincall", "calc", str(cases)])
    with pytest.raises(SystemExit) as end:
        module.main()
    assert not end.value.code
    assert capsys.readouterr().out == "[]\n"


@pytest.mark.parametrize(("arguments", "code"), [(["run"], 0), (["run", "--once"], 143)])
@pytest.mark.parametrize("moment", ["build_channels", "build_exchanges"])
def test_a_stop_while_the_daemon_is_being_put_together_is_a_clean_one(terminal, monkeypatch, arguments, code, moment):
    before = signal.getsignal(signal.SIGTERM)

    def stop(*_):
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(app, moment, stop)
    said = terminal.run(*arguments)
    assert (said.code, said.err) == (code, "")
    assert signal.getsignal(signal.SIGTERM) is before
    # nothing is held any more
    with InstanceLock(terminal.store):
        pass
