"""`margincall service`: install the systemd unit, see how it is, read its log. Changes nothing but the unit's own file."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli import Config
from monitor.errors import MargincallError

if TYPE_CHECKING:
    from monitor.cli.unit import Scope
    from monitor.config.credentials import Installation

NO_SYSTEMD = (
    "Whatever starts your services can start `margincall run`: restart it always, but for exit code 78; SIGTERM stops it, SIGHUP "
    "reloads its configuration; secrets as `margincall credentials list` shows them."
)
SHOWN = ("LoadState", "ActiveState", "SubState", "UnitFileState", "StatusText", "NRestarts", "ExecMainStatus", "Result")
UNUSABLE = "78"
SECONDS = 10.0

commands = typer.Typer(no_args_is_help=True, help="margincall as a service of systemd: install it, see how it is, read its log.")
User = Annotated[bool, typer.Option("--user", help="A service of your own login, without root.")]


@commands.command()
def install(
    config: Config = None,
    user: User = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the unit and what would be done; change nothing.")] = False,
) -> None:
    """Write the unit for this installation, with a line for each secret that it needs, and print what comes next."""
    from monitor.cli import unit
    from monitor.config.credentials import installation
    from monitor.config.find import find_config

    scope, argv = unit.Scope(user=user), unit.command()
    there = installation(find_config(config))
    text = unit.render(unit.template(scope), argv, there)
    obstacles = [] if user else list(unit.obstacles(argv, there))
    if not dry_run:
        _program("systemctl")
        if obstacles:
            raise MargincallError("the unit was not written:\n" + "\n".join(f"- {one}" for one in obstacles))
        typer.echo(_put(scope.path, text))
    else:
        typer.echo(f"would write {scope.path}:\n\n{text}")
        for one in obstacles:
            typer.echo(f"in the way: {one}")
    typer.echo("next:")
    for line in _next(scope, there):
        typer.echo(f"  {line}")


def _put(path: Path, text: str) -> str:
    """Write the unit; what stood there before is kept beside it."""
    try:
        if path.exists():
            if path.read_text(encoding="utf-8") == text:
                return f"{path} is so already"
            before = path.with_name(f"{path.name}.before")
            shutil.copyfile(path, before)
            path.write_text(text, encoding="utf-8")
            return f"wrote {path}; the one before is {before} (changes of your own belong into `systemctl edit margincall`)"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
    except OSError as error:
        raise MargincallError(f"cannot write {path}: {error.strerror}", hint="Try it with sudo, or give --user.") from None
    return f"wrote {path}"


def _next(scope: Scope, there: Installation) -> list[str]:
    """The commands that are left, in order."""
    control = " ".join(("systemctl", *scope.options))
    missing = [name for name in there.names if not there.path_of(name).is_file()]
    lines = [f"margincall credentials set {name} --config {there.config}" for name in missing]
    lines += [f"margincall check --config {there.config}", f"{control} daemon-reload"]
    if scope.user:
        lines.append(f"loginctl enable-linger {getpass.getuser()}    # it runs on after you log out")
    lines += [f"{control} enable --now margincall", " ".join(("margincall service status", *scope.options))]
    return lines


@commands.command()
def status(user: User = False) -> None:
    """Show how the service is, in systemd's words and its own; exit 0 only while it runs."""
    scope = _installed(user)
    said = _said(["systemctl", *scope.options, "show", "margincall", f"--property={','.join(SHOWN)}"])
    facts = dict(line.partition("=")[::2] for line in said.splitlines())
    if facts.get("LoadState") == "not-found":
        raise MargincallError("there is no service margincall", hint="Install it: margincall service install [--user]")
    state, again = facts.get("ActiveState", "unknown"), facts.get("NRestarts", "0")
    typer.echo(
        f"{state} ({facts.get('SubState', 'unknown')}), {facts.get('UnitFileState') or 'not enabled'}, restarted {again} times"
    )
    if facts.get("StatusText"):
        typer.echo(facts["StatusText"])
    if facts.get("ExecMainStatus") == UNUSABLE and state != "active":
        typer.echo("its configuration cannot be used: margincall check tells why; then start it again")
    elif state == "failed":
        typer.echo(f"it failed ({facts.get('Result', 'unknown')}): margincall service logs")
    if state not in {"active", "reloading"}:
        raise typer.Exit(1)


@commands.command()
def logs(
    user: User = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last lines.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as new ones come, until Ctrl-C.")] = False,
) -> None:
    """Show the service's log, from systemd's journal."""
    unit = "--user-unit" if _installed(user).user else "--unit"
    argv = [_program("journalctl"), unit, "margincall", f"--lines={lines}", "--output=cat", "--no-pager", *["--follow"] * follow]
    raise typer.Exit(subprocess.run(argv, check=False).returncode)  # noqa: S603 - a fixed command and a number


def _installed(user: bool) -> Scope:  # noqa: FBT001 - as typer hands it on
    """Which of the two services is meant: the one asked for, else the machine's if it is there, else one's own if that is."""
    from monitor.cli.unit import Scope

    machine, own = Scope(user=False), Scope(user=True)
    return own if user or (not machine.path.exists() and own.path.exists()) else machine


def _said(argv: Sequence[str]) -> str:
    """What a command of systemd prints; raises MargincallError where systemd does not run this machine, or not for this user."""
    argv = [_program(argv[0]), *argv[1:]]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603 - fixed words
    except subprocess.TimeoutExpired:
        raise MargincallError(f"systemd did not answer within {SECONDS:g} seconds") from None
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it gave no reason"])[0]
        raise MargincallError(f"systemd does not answer here: {why}", hint=NO_SYSTEMD)
    return done.stdout


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise MargincallError(f"this machine has no {name}: it is not run by systemd", hint=NO_SYSTEMD)
    return found


def register(cli: typer.Typer) -> None:
    """Add the verb group."""
    cli.add_typer(commands, name="service")
