"""`margincall service`: the unit for this installation, how it is, its log; with systemd's tools played by a script."""

import io
import os
import sys
from pathlib import Path

import pytest

from monitor.cli import unit
from monitor.config.credentials import installation, keep
from tests.config.files import CANARY

RUNNING = """\
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
StatusText=3 positions, worst BTC/USDT long on main: cushion 61 %, read 4 s ago
NRestarts=2
ExecMainStatus=0
Result=success
"""


@pytest.fixture
def machine(terminal, monkeypatch):
    """A machine whose /etc, home and tools all lie in the terminal's folder; ``say`` sets what a tool prints and ends with."""
    root, tools = terminal.folder, terminal.folder / "bin"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("HOME", str(root / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(unit, "SYSTEM_FOLDER", root / "etc" / "systemd" / "system")

    def say(tool, text="", code=0, error=""):
        script = tools / tool
        script.write_text(
            f"#!/bin/sh\necho \"$@\" >> {root}/{tool}.asked\nprintf '%s' '{text}'\nprintf '%s' '{error}' >&2\nexit {code}\n"
        )
        script.chmod(0o755)

    terminal.say = say
    terminal.asked = lambda tool: (root / f"{tool}.asked").read_text().splitlines()
    return terminal


def run(machine, *words):
    """A verb that takes no --config."""
    machine._monkeypatch.setattr(sys, "argv", ["margincall", *words])
    machine._capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        unit_main()
    said = machine._capsys.readouterr()
    assert CANARY not in said.out + said.err
    return int(end.value.code or 0), said.out, said.err


def unit_main():
    from monitor.cli import main

    main()
    raise SystemExit(0)


def test_user_unit_has_this_installations_command_and_no_line_that_needs_root(machine):
    machine.say("systemctl")
    said = machine.run("service", "install", "--user")
    assert said.code == 0, said.err
    path = machine.folder / "home" / ".config" / "systemd" / "user" / "margincall.service"
    lines = path.read_text().splitlines()
    assert f"ExecStart={' '.join(unit.command())} run --config {machine.config}" in lines
    assert not [line for line in lines if line.startswith(("LoadCredential", "DynamicUser", "ProtectSystem", "StateDirectory"))]
    assert "WantedBy=default.target" in lines
    commands = [line.strip() for line in said.out.split("next:\n")[1].splitlines()]
    assert commands[:3] == [
        f"margincall credentials set {name} --config {machine.config}" for name in ("main_api_key", "main_secret", "phone_url")
    ]
    assert commands[3:5] == [f"margincall check --config {machine.config}", "systemctl --user daemon-reload"]
    assert commands[5].startswith("loginctl enable-linger ")
    assert commands[6:] == ["systemctl --user enable --now margincall", "margincall service status --user"]
    assert not (machine.folder / "systemctl.asked").exists(), "it changes nothing but the file"


def test_machines_unit_has_a_line_for_exactly_the_secrets_that_the_configuration_names(machine):
    machine.write("accounts:\n  desk: {exchange: okx}\nchannels:\n  chat: {url_from: chat_url}\n")
    there = installation(machine.config)
    text = unit.render(unit.template(unit.Scope(user=False)), ["/opt/m c/100%/$x"], there)
    lines = text.splitlines()
    assert [line for line in lines if line.startswith("LoadCredential=")] == [
        f"LoadCredential={name}:{machine.folder}/credentials/{name}"
        for name in ("desk_api_key", "desk_secret", "desk_passphrase", "chat_url")
    ]
    (start,) = [line for line in lines if line.startswith("ExecStart=")]
    assert start == f'ExecStart="/opt/m c/100%%/$$x" run --config {machine.config}'
    delivered = unit.template(unit.Scope(user=False)).splitlines()
    assert [line for line in delivered if not line.startswith(("LoadCredential=", "ExecStart="))] == [
        line for line in lines if not line.startswith(("LoadCredential=", "ExecStart="))
    ]


def test_dry_run_shows_the_unit_what_is_in_the_way_and_what_comes_next_and_writes_nothing(machine, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    said = machine.run("service", "install", "--dry-run")
    assert said.code == 0
    assert f"would write {machine.folder}/etc/systemd/system/margincall.service" in said.out
    assert "ExecStart=" in said.out
    assert "in the way: the machine's service is installed by root: put sudo before it, or give --user" in said.out
    assert f"in the way: {machine.config} is not under /etc" in said.out
    assert "leave `store:` out" in said.out
    assert "systemctl enable --now margincall" in said.out
    assert not (machine.folder / "etc").exists()


def test_machines_unit_is_not_written_where_the_service_could_not_run(machine):
    machine.say("systemctl")
    said = machine.run("service", "install")
    assert said.code == 1
    assert said.err.startswith("the unit was not written:\n- ")
    assert not (machine.folder / "etc").exists()


def test_machines_unit_is_written_where_nothing_is_in_the_way(machine, monkeypatch):
    machine.say("systemctl")
    monkeypatch.setattr(unit, "obstacles", lambda *_: iter(()))
    for name, value in (("main_api_key", CANARY), ("main_secret", CANARY), ("phone_url", f"ntfy://{CANARY}/u")):
        keep(installation(machine.config), name, value)
    said = machine.run("service", "install")
    path = machine.folder / "etc" / "systemd" / "system" / "margincall.service"
    assert (said.code, said.out.splitlines()[0]) == (0, f"wrote {path}")
    assert path.stat().st_mode & 0o777 == 0o644
    assert "credentials set" not in said.out
    assert machine.run("service", "install").out.startswith(f"{path} is so already")
    path.write_text("mine\n")
    assert f"the one before is {path}.before" in machine.run("service", "install").out
    assert Path(f"{path}.before").read_text() == "mine\n"


def test_secret_that_is_set_beside_a_unit_is_told_how_the_service_gets_it(machine, monkeypatch):
    machine.say("systemctl")
    monkeypatch.setattr(unit, "obstacles", lambda *_: iter(()))
    monkeypatch.setattr(sys, "stdin", io.StringIO(CANARY))
    assert "systemctl" not in machine.run("credentials", "set", "main_secret", "-").out
    machine.run("service", "install")
    monkeypatch.setattr(sys, "stdin", io.StringIO(CANARY))
    said = machine.run("credentials", "set", "main_secret", "-")
    assert said.out.endswith("the service gets it when it starts: systemctl restart margincall\n")
    assert "service install" not in said.out
    machine.write(machine.config.read_text().replace("channels:", "channels:\n  chat: {url_from: chat_url}"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"ntfy://{CANARY}/c"))
    assert (
        "the unit does not hand it to the service yet: margincall service install"
        in machine.run("credentials", "set", "chat_url", "-").out
    )


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([str(Path("~root").expanduser() / "x" / "margincall")], "ProtectHome="),
        (["/home/me/x/margincall"], "/home/me/x/margincall lies where the service may not look"),
    ],
)
def test_command_that_the_service_could_not_see_is_in_the_way(machine, argv, words):
    assert any(words in one for one in unit.obstacles(argv, installation(machine.config)))


def test_folder_that_the_services_user_may_not_enter_is_in_the_way(machine):
    closed = machine.folder / "opt"
    closed.mkdir(mode=0o700)
    (closed / "margincall").touch(mode=0o755)
    machine.folder.chmod(0o755)
    told = [one for one in unit.obstacles([str(closed / "margincall")], installation(machine.config)) if "chmod a+rx" in one]
    # Whatever stands above it in the test's own folders may be closed too: the outermost is told.
    assert len(told) == 1


def test_status_shows_systemds_state_and_the_daemons_own_line(machine):
    machine.say("systemctl", RUNNING)
    code, out, _ = run(machine, "service", "status")
    assert code == 0
    assert (
        out
        == "active (running), enabled, restarted 2 times\n3 positions, worst BTC/USDT long on main: cushion 61 %, read 4 s ago\n"
    )
    assert machine.asked("systemctl")[0].startswith("show margincall --property=LoadState,")
    own = machine.folder / "home" / ".config" / "systemd" / "user" / "margincall.service"
    own.parent.mkdir(parents=True)
    own.touch()
    run(machine, "service", "status")
    assert machine.asked("systemctl")[1].startswith("--user show margincall"), "only one's own is installed"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ActiveState=active": "ActiveState=failed", "ExecMainStatus=0": "ExecMainStatus=78"}, "margincall check tells why"),
        ({"ActiveState=active": "ActiveState=failed", "Result=success": "Result=watchdog"}, "it failed (watchdog)"),
        ({"ActiveState=active": "ActiveState=inactive", "UnitFileState=enabled": "UnitFileState="}, "not enabled"),
        ({"LoadState=loaded": "LoadState=not-found"}, "Install it: margincall service install"),
    ],
)
def test_status_of_a_service_that_does_not_run_is_told_with_what_to_do(machine, changes, words):
    text = RUNNING
    for old, new in changes.items():
        text = text.replace(old, new)
    machine.say("systemctl", text)
    code, out, err = run(machine, "service", "status")
    assert code == 1
    assert words in out + err


def test_machine_without_systemd_is_told_what_to_do_instead(machine):
    for verb in ("status", "logs"):
        code, _, err = run(machine, "service", verb)
        assert code == 1
        assert "it is not run by systemd" in err
        assert "SIGHUP reloads" in err
    assert machine.run("service", "install", "--user").code == 1
    machine.say("systemctl", code=1, error="System has not been booted with systemd as init system (PID 1).")
    code, _, err = run(machine, "service", "status")
    assert code == 1
    assert "systemd does not answer here: System has not been booted with systemd" in err


def test_logs_come_from_the_journal(machine):
    machine.say("journalctl", "a line\n")
    assert run(machine, "service", "logs", "-n", "7")[0] == 0
    run(machine, "service", "logs", "--user", "--follow")
    assert machine.asked("journalctl") == [
        "--unit margincall --lines=7 --output=cat --no-pager",
        "--user-unit margincall --lines=100 --output=cat --no-pager --follow",
    ]
