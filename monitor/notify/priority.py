"""Priorities: what each service can do to break through do-not-disturb, by apprise's name for it (the scheme of its URLs).

An emergency gets the most that its service has; every milder level is sent as the URL says. Read in the plugins of apprise 2.2.0
(2026-11-22): each attribute here is what the plugin puts into its request. The service object is copied, never made again from
its URL, which is a secret. docs/channels.md shows this table to people.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from monitor.alerts.model import Message, NotifyReason
from monitor.rules.base import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """What an emergency sets on a service. ``again``: what its repeats set instead, where the service repeats by itself.

    ``unless``: an option of the URL that is the owner's own word on it and stays.
    """

    sets: Mapping[str, object]
    again: Mapping[str, object] = field(default_factory=dict)
    unless: str = ""


_LOUDEST = Emergency(sets={"priority": 2})
_P1 = Emergency(sets={"priority": 1})
_HIGH = Emergency(sets={"priority": "high"})
_CRITICAL_URGENCY = Emergency(sets={"urgency": 2})

EMERGENCIES: Mapping[str, Emergency] = {
    # Rings every 30 s for 3 h until somebody confirms; the repeats of margincall need not start that anew each time.
    "pover": Emergency(sets={"priority": 2, "interval": 30, "expire": 10800}, again={"priority": 1}),
    "ntfy": Emergency(sets={"priority": "max"}),
    # The sound of an iOS critical alert, for 30 s.
    "bark": Emergency(sets={"level": "critical", "call": True}),
    "gotify": Emergency(sets={"priority": 10}),
    "pushward": Emergency(sets={"level": "critical"}),
    "simplepush": Emergency(sets={"priority": 5, "critical_volume": 1.0}),
    "signalgrid": Emergency(sets={"critical": True}),
    "youlmk": Emergency(sets={"priority": "critical"}),
    "trigv": Emergency(sets={"urgency": "time_sensitive"}),
    "pinglet": Emergency(sets={"priority": "urgent"}),
    "prowl": _LOUDEST,
    "psafer": _LOUDEST,
    "join": _LOUDEST,
    "lauther": _LOUDEST,
    "growl": _LOUDEST,
    "gorush": _HIGH,
    "tgram": Emergency(sets={"silent": False}),
    # Speaks the text on the phone in place of a text message.
    "twilio": Emergency(sets={"method": "call"}, unless="method"),
    "exotel": _HIGH,
    "smseagle": _P1,
    "dapnet": _P1,
    "pagerduty": Emergency(sets={"severity": "critical"}),
    # Both know P1 as the most urgent; apprise's own word "emergency" would send P5.
    "opsgenie": _P1,
    "jira": _P1,
    "squadcast": Emergency(sets={"priority": "P1"}),
    "ilert": _HIGH,
    "firehydrant": _HIGH,
    "pagertree": Emergency(sets={"urgency": "critical"}),
    "lametric": Emergency(sets={"priority": "critical"}),
    "dbus": _CRITICAL_URGENCY,
    "glib": _CRITICAL_URGENCY,
    "gnome": _CRITICAL_URGENCY,
}


class Voices:
    """A service as the URL says, and as it speaks in an emergency."""

    def __init__(self, service: Any, url: str) -> None:
        self.usual = service
        self._emergency = self._again = service
        row = next((EMERGENCIES[name] for name in schemes_of(service) if name in EMERGENCIES), None)
        if row is not None and not (row.unless and row.unless in _options(url)) and not _only_writes(service):
            self._emergency = _with(service, row.sets)
            self._again = _with(service, row.again) if row.again else self._emergency

    def for_message(self, message: Message) -> Any:
        """The service to send this message by."""
        if message.level < Level.EMERGENCY or message.why is NotifyReason.RESOLVED:
            return self.usual
        return self._again if message.why is NotifyReason.REPEAT else self._emergency


def schemes_of(service: Any) -> list[str]:
    """Every scheme that leads to this kind of service."""
    names: list[str] = []
    for declared in (getattr(service, "protocol", None), getattr(service, "secure_protocol", None)):
        names.extend([declared] if isinstance(declared, str) else declared or ())
    return names


def _with(service: Any, attributes: Mapping[str, object]) -> Any:
    """A copy that differs in these attributes: the one that is sent by now may still hang in another thread."""
    other = copy.copy(service)
    for name, value in attributes.items():
        setattr(other, name, value)
    return other


def _options(url: str) -> set[str]:
    """The names of a URL's options, in lower case."""
    try:
        return {name.lower() for name in parse_qs(urlsplit(url).query, keep_blank_values=True)}
    except ValueError:
        return set()


def _only_writes(service: Any) -> bool:
    """Whether it is a Twilio sender that cannot call: a short code, or anything of WhatsApp."""
    if "twilio" not in schemes_of(service):
        return False
    modes = {service.default_mode, *(mode for mode, _ in service.targets)}
    return len(service.source) <= len("123456") or any(str(mode).lower().startswith("w") for mode in modes)
