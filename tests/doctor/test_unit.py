"""The unit's lines, from what ``systemctl show`` prints (recorded with systemd 252)."""

import subprocess
from pathlib import Path

import pytest

from monitor.doctor.unit import ask_systemctl, unit_lines

MINE = Path("/etc/margincall/config.yaml")
STARTED = (
    "{{ path=/opt/margincall/bin/margincall ; argv[]=/opt/margincall/bin/margincall run{config} ; ignore_errors=no ; "
    "start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }}"
)
MISSING = "LoadState=not-found\nActiveState=inactive\nUnitFileState=\nExecStart=\n"


def shown(*, load="loaded", active="active", enabled="enabled", config=f" --config {MINE}"):
    started = STARTED.format(config=config)
    return f"LoadState={load}\nActiveState={active}\nUnitFileState={enabled}\nExecStart={started}\n"


def told(system=MISSING, user=MISSING):
    def ask(arguments):
        assert arguments[1:3] == ["show", "margincall.service"]
        return {"--system": system, "--user": user}[arguments[0]]

    return list(unit_lines(MINE, ask))


def test_one_plain_line_when_there_is_no_systemd():
    (line,) = told(system=None, user=None)
    assert (line.status, line.text) == ("ok", "skipped: no systemd answers here")


def test_unit_is_ok_when_it_runs_with_this_configuration():
    assert [(line.status, line.text) for line in told(shown())] == [
        ("ok", "margincall.service is active"),
        ("ok", "guards by this configuration"),
    ]


def test_unit_of_the_user_is_found_when_the_system_has_none():
    lines = told(user=shown(enabled="disabled"))
    assert lines[0].text == "margincall.service is active"
    assert lines[1].advice == "Run: systemctl --user enable margincall.service"


def test_unit_that_is_not_installed_is_a_warning():
    (line,) = told(user=None)
    assert (line.status, line.advice) == ("warn", "Install it: margincall service install")


@pytest.mark.parametrize(("active", "status"), [("inactive", "warn"), ("failed", "fail"), ("activating", "ok")])
def test_unit_that_does_not_run_is_told(active, status):
    first = told(shown(active=active))[0]
    assert first.status == status
    assert first.text.startswith(f"margincall.service is {active}")


def test_unit_that_cannot_be_loaded_fails():
    (line,) = told(shown(load="bad-setting"))
    assert (line.status, line.text) == ("fail", "margincall.service cannot be used (bad-setting)")


def test_unit_that_does_not_start_with_the_machine_is_a_warning():
    assert ("warn", "does not start with the machine (disabled)") in [
        (line.status, line.text) for line in told(shown(enabled="disabled"))
    ]


@pytest.mark.parametrize("written", [" --config /srv/other.yaml", " --config=/srv/other.yaml"])
def test_unit_that_guards_by_another_configuration_is_a_warning(written):
    last = told(shown(config=written))[-1]
    assert (last.status, last.text) == ("warn", "guards by /srv/other.yaml, not by this configuration")
    assert last.advice == "Check that one: margincall check --config /srv/other.yaml"


@pytest.mark.parametrize(
    ("written", "config"),
    [
        (" --config /srv/my rules/config.yaml", "/srv/my rules/config.yaml"),
        (" --config /srv/c.yaml --log-level debug", "/srv/c.yaml"),
        (" --log-level debug --config=/srv/c.yaml", "/srv/c.yaml"),
    ],
)
def test_configuration_is_found_wherever_it_stands(written, config):
    lines = list(unit_lines(Path(config), lambda _: shown(config=written)))
    assert lines[-1].text == "guards by this configuration"


def test_unit_whose_file_was_changed_since_is_a_warning():
    (line,) = [one for one in told(shown() + "NeedDaemonReload=yes\n") if one.status == "warn"]
    assert "what runs is not what stands there" in line.text
    assert line.advice == "Run: systemctl daemon-reload, then restart it."
    assert all(one.status == "ok" for one in told(shown() + "NeedDaemonReload=no\n"))


def test_unit_that_names_no_configuration_is_ok():
    assert told(shown(config=""))[-1].text.startswith("its ExecStart names no configuration")


def test_systemctl_gives_nothing_when_it_is_not_there_or_fails_or_hangs(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert ask_systemctl(["show"]) is None
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/systemctl")
    for trouble in (subprocess.TimeoutExpired("x", 3), subprocess.CalledProcessError(1, "x"), PermissionError()):

        def run(*_, trouble=trouble, **__):
            raise trouble

        monkeypatch.setattr(subprocess, "run", run)
        assert ask_systemctl(["show"]) is None


def test_systemctl_gives_what_it_prints(monkeypatch, tmp_path):
    program = tmp_path / "systemctl"
    program.write_text('#!/bin/sh\necho "asked $*"\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert ask_systemctl(["--system", "show"]) == "asked --system show\n"
