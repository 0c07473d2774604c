"""Did you mean ...? And: may this text be shown at all?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

NAME = re.compile(r"[a-z][a-z0-9_]*")
"""A name given by the user: of an account, a channel, a secret."""

_SHOWABLE = re.compile(r"[\w.-]{1,40}")
_LONG_RUN = re.compile(r"[A-Za-z0-9]{16,}")
_TURN = re.compile(r"[0-9](?=[A-Za-z])|[A-Za-z](?=[0-9])")


def did_you_mean(word: object, choices: Iterable[str], *, cutoff: float = 0.6) -> str:
    """``; did you mean poll?`` for the choice nearest to ``word``, empty when none is near; never shows ``word``."""
    if not isinstance(word, str):
        return ""
    near = get_close_matches(word.casefold().replace("-", "_")[:64], list(choices), n=1, cutoff=cutoff)
    return f"; did you mean {near[0]}?" if near else ""


def looks_like_a_key(text: str) -> bool:
    """Whether ``text`` could be an API key: a long run of mixed letters and digits (a UUID's dashes do not hide it).

    A long plain name with a number in it (``tradingsubaccount2``) is none.
    """
    for run in _LONG_RUN.findall(text.replace("-", "")):
        turns = len(_TURN.findall(run))
        if turns >= 4 or (turns and run != run.lower()):
            return True
    return False


def dotted(path: tuple[str | int, ...]) -> str:
    """``accounts.main.contracts[0]``. A key that could itself be a pasted secret is left out of it."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        shown = part if _SHOWABLE.fullmatch(part) and not looks_like_a_key(part) else "(not shown)"
        text += f".{shown}" if text else shown
    return text
