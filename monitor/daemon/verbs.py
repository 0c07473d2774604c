"""What the control socket answers to: each verb turns its fields into a request to the guard, and the result into words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from monitor.alerts.matching import Matcher
from monitor.daemon.control import Verb
from monitor.daemon.guard import Guard
from monitor.drill import drill
from monitor.errors import NoSuchAlert
from monitor.margin.quantities import dec
from monitor.requests import acknowledge, silence, unsilence

LONGEST_SILENCE = timedelta(days=30)


def verbs_of(guard: Guard) -> dict[str, Verb]:
    """Every verb by its name."""

    async def ack(call: Mapping[str, Any]) -> dict[str, Any]:
        codes = tuple(str(code) for code in call.get("codes", ()))
        granted = await guard.grant(lambda memory, now: acknowledge(memory, codes, now))
        return {"codes": [alert.code for alert in granted.alerts]}

    async def mute(call: Mapping[str, Any]) -> dict[str, Any]:
        match = Matcher(**{name: tuple(map(str, patterns)) for name, patterns in call["match"].items()})
        lasts = min(timedelta(seconds=int(call["seconds"])), LONGEST_SILENCE)
        granted = await guard.grant(
            lambda memory, now: silence(
                memory, match, lasts, now, emergencies=bool(call["emergencies"]), comment=str(call["comment"])
            )
        )
        made = granted.silence
        if made is None:
            raise NoSuchAlert("nothing was silenced")
        until = made.until.astimezone(guard.policy.zone)
        return {"id": made.id, "what": made.match.describe(), "until": f"{until:%Y-%m-%d %H:%M %Z}"}

    async def unmute(call: Mapping[str, Any]) -> dict[str, Any]:
        name = str(call["name"])
        await guard.grant(lambda memory, now: unsilence(memory, name, now))
        return {"id": name.upper().lstrip("#")}

    async def rehearse(call: Mapping[str, Any]) -> dict[str, Any]:
        symbol, cushion = str(call["symbol"]), dec(str(call["cushion"]))
        messages = await guard.say(lambda memory, policy, now: drill(memory, policy, symbol, cushion, now))
        return {"titles": [message.title for message in messages]}

    return {"ack": ack, "silence": mute, "unsilence": unmute, "drill": rehearse}
