"""Real services of apprise, pointed at a loopback receiver, and one sample URL of each that has a priority."""

from __future__ import annotations

from typing import Any

from monitor.notify.apprise import AppriseNotifier

LOOPBACK = {
    "json": "json://127.0.0.1:{port}/",
    "xml": "xml://127.0.0.1:{port}/",
    "form": "form://127.0.0.1:{port}/",
    "ntfy": "ntfy://127.0.0.1:{port}/topic",
    "gotify": "gotify://127.0.0.1:{port}/AAAAAAAAAAAAAAA",
    "bark": "bark://127.0.0.1:{port}/device",
    "mmost": "mmost://127.0.0.1:{port}/" + "a" * 24,
    "tgram": "tgram://123456789:" + "a" * 35 + "/12315544",
    "pover": "pover://" + "u" * 30 + "@" + "t" * 30,
    "discord": "discord://" + "1" * 24 + "/" + "a" * 64,
    "prowl": "prowl://" + "a" * 40,
}
SAMPLES = {
    "pover": LOOPBACK["pover"],
    "ntfy": "ntfy://host/topic",
    "bark": "bark://host/device",
    "gotify": "gotify://host/AAAAAAAAAAAAAAA",
    "pushward": "pushward://hlk_" + "a" * 32,
    "simplepush": "spush://abcdefgh",
    "signalgrid": "signalgrid://clientkey/channel",
    "youlmk": "youlmk://ylk_" + "a" * 32,
    "prowl": LOOPBACK["prowl"],
    "psafer": "psafer://" + "a" * 20,
    "join": "join://" + "a" * 32 + "/group.all",
    "gorush": "gorush://host/token?platform=ios",
    "tgram": LOOPBACK["tgram"],
    "twilio": "twilio://AC" + "a" * 32 + ":" + "b" * 32 + "@15555555555/15555555556",
    "exotel": "exotel://sid:token@15555555555/15555555556",
    "smseagle": "smseagle://token@host/15555555555",
    "dapnet": "dapnet://user:pass@DF1ABC",
    "pagerduty": "pagerduty://" + "i" * 32 + "@" + "a" * 32,
    "opsgenie": "opsgenie://" + "a" * 36,
    "jira": "jira://" + "a" * 36,
    "squadcast": "squadcast://" + "a" * 32,
    "ilert": "ilert://" + "a" * 32,
    "firehydrant": "firehydrant://" + "a" * 32 + "/target",
    "pagertree": "pagertree://int_" + "a" * 10,
    "lametric": "lametric://" + "a" * 64 + "@192.168.0.1",
}


def channel_to(service: str, port: int, options: str = "") -> AppriseNotifier:
    """A channel over this service to the loopback receiver; services with one address in the world are sent there too."""
    url = LOOPBACK[service].format(port=port) + (f"?{options}" if options else "")
    channel = AppriseNotifier("phone", url)
    voices: Any = channel._voices
    for one in {id(each): each for each in (voices.usual, voices._emergency, voices._again)}.values():
        one.request_rate_per_sec = 0
        if service in {"tgram", "pover", "discord", "prowl"}:
            one.notify_url = f"http://127.0.0.1:{port}/bot"
    return channel
