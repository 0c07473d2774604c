"""The configuration: one YAML file, the environment over it, secrets by reference; every problem told at once.

``load`` reads all of it; ``locate`` only finds the files and stays light, so what is heavy is imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from monitor.config.find import Located, locate

if TYPE_CHECKING:
    from monitor.config.account import AccountSettings, Poll
    from monitor.config.channels import ChannelSettings
    from monitor.config.loading import Loaded, load
    from monitor.config.settings import Settings

__all__ = ["AccountSettings", "ChannelSettings", "Loaded", "Located", "Poll", "Settings", "load", "locate"]

_HOME = {
    "AccountSettings": "account",
    "ChannelSettings": "channels",
    "Loaded": "loading",
    "Poll": "account",
    "Settings": "settings",
    "load": "loading",
}


def __getattr__(name: str) -> object:
    """The heavy names, on first use."""
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
