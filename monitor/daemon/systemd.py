"""Tell systemd how the daemon is: READY, STATUS, STOPPING, by the datagram that ``sd_notify(3)`` describes."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

PATIENCE_SECONDS = 0.2
"""A manager that does not read its socket must not hold up the guard."""


def notify(*states: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send lines such as ``READY=1`` to ``$NOTIFY_SOCKET``; False when there is none (not run by systemd) or it is gone."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.settimeout(PATIENCE_SECONDS)
        try:
            channel.sendto("\n".join(states).encode(), address)
        except OSError:
            return False
    return True
