"""The first configuration: a small file that works as it is, with the options that people reach for next as comments."""

from __future__ import annotations

from typing import cast

from pydantic import ValidationError

from monitor.config.exchanges import account_model
from monitor.config.settings import Settings
from monitor.config.suggest import NAME, looks_like_a_key
from monitor.config.yamlfile import parse

_TEXT = """\
# margincall: what it watches, and whom it calls. Written by `margincall init`; everything that is not here has a default.
# All options, each with its explanation: config.example.yaml. After a change: margincall check, then margincall reload.
#
# No secrets here, only their names: margincall credentials set NAME puts each where margincall reads it.

# The accounts to watch. A key that may only read is enough.
accounts:
  {account}:
    # It needs the secrets {secrets}.
    exchange: {exchange}
{region}
    # How often positions are read: calm, and near once any position is past its first line.
    # poll: {{calm: 10s, near: 2s}}

# Where alerts go: each names the secret that holds its apprise URL (ntfys://ntfy.sh/TOPIC, tgram://TOKEN/CHAT, ...).
# Better two of different services: the second tells when the first is broken.
channels:
  {channel}: {{url_from: {channel}_url}}
  # chat: {{url_from: chat_url}}

# By whose clock the times in messages are; default this machine's.
# timezone: Europe/Berlin

# What is worth an alert. These are the defaults of the first rule; a list replaces only the kinds that it names.
# rules:
#   - {{kind: cushion, warning: 60%, critical: 40%, emergency: 25%}}

# Hours in which only what is urgent is told.
# quiet_hours: {{from: "23:00", to: "07:00"}}

# A sign of life to a watcher outside (healthchecks.io and its like), which tells you when it stays away.
# heartbeat: {{url_from: heartbeat_url}}

# A message a day that tells how things are.
# digest: {{at: "08:00"}}

# Health and Prometheus metrics on 127.0.0.1:9464.
# web: {{}}
"""
_OF_REGION = "    # The regional site where the account was opened: {names}; none for {usual}.\n    # region: {first}"
_REGION = {
    "bybit": _OF_REGION.format(names="nl, tr, kz, ge, ae, eu, id or jp", usual="bybit.com", first="nl"),
    "okx": _OF_REGION.format(names="eea or us", usual="www.okx.com", first="eea"),
}


def starter(*, exchange: str, account: str, channel: str, region: str | None = None) -> str:
    """The text of the file; raises ValueError, in words for its owner, for what could not be used."""
    for name in (account, channel, region or "none"):
        if not NAME.fullmatch(name) or looks_like_a_key(name):
            raise ValueError("a name is lower-case letters, digits and _, and begins with a letter")
    if region and exchange not in _REGION:
        raise ValueError(f"{exchange} has no regional sites that need naming: leave --region out")
    asked = f"    region: {region}" if region else _REGION.get(exchange, "")
    secrets = ", ".join(f"{account}_{option}" for option in account_model({"exchange": exchange}).SECRETS)
    text = _TEXT.format(exchange=exchange, account=account, channel=channel, region=asked, secrets=secrets)
    text = text.replace("\n\n    #", "\n    #")
    try:
        # What is no exchange could be anything, also no YAML: it is asked for as it was given.
        account_model({"exchange": exchange}).model_validate({"exchange": exchange, "credentials": account, "region": region})
        Settings.layered(environment={}, file=cast("dict[str, object]", parse(text, file="").tree))
    except ValidationError as error:
        raise ValueError("; ".join(one["msg"] for one in error.errors())) from None
    return text
