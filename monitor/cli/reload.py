"""`margincall reload`: the running daemon reads its configuration again."""

from __future__ import annotations

import asyncio
import json

import typer

from monitor.cli import AsJson, Config


def reload(
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Let the running daemon read its configuration again, and print what is in force now.

    Accounts, the store and the pages over HTTP change with a restart only. Exit 78: the new configuration cannot be used, and the
    one before stays in force.
    """
    from monitor.cli.asking import ask
    from monitor.cli.documents import SCHEMA
    from monitor.errors import ConfigError

    answer = asyncio.run(ask(config, "reload", alone=False))
    problems = answer.get("problems", "")
    if as_json:
        typer.echo(json.dumps({"schema": SCHEMA, **answer}, indent=2))
    elif problems:
        typer.echo(f"{problems}\nThe configuration before stays in force.", err=True)
    else:
        changed, restart = answer["changed"], answer["restart"]
        typer.echo("\n".join(changed) if changed else "nothing else is in force than before")
        for one in restart:
            typer.echo(f"{one}: needs a restart, as before until then")
    if problems:
        raise typer.Exit(ConfigError.exit_code)


def register(cli: typer.Typer) -> None:
    """Add the verb."""
    cli.command(name="reload")(reload)
