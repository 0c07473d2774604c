"""Text that a service can take: no text may ever stop an alert. What is too long is cut, and the code at the end stays."""

from __future__ import annotations

import json
from collections.abc import Callable

_CONTROL = {code: " " for code in (*range(32), *range(127, 160)) if code != ord("\n")}
_MARKUP = str.maketrans(dict.fromkeys("<>&*_`[]~|\\\"'", " "))
"""What HTML, XML and the dialects of Markdown trip over."""

CUT = "\N{HORIZONTAL ELLIPSIS}"
PLAIN_LENGTH = 300
"""Characters of a text that any service takes, two SMS."""


LONGEST = 4000
"""Bytes in JSON that push services carry as a message; ntfy makes an attachment of more, which nobody reads at night."""


def is_short(text: str) -> bool:
    """Whether a push service carries it as it is."""
    return len(text) <= LONGEST and len(json.dumps(text)) <= LONGEST


def clean(text: str) -> str:
    """Without control characters and without halves of characters, which no encoding takes."""
    return text.encode("utf-8", "replace").decode("utf-8").translate(_CONTROL)


def plain(text: str) -> str:
    """Without markup, in ASCII: for a service that stumbled over the text."""
    return clean(text).translate(_MARKUP).encode("ascii", "replace").decode("ascii")


def shortened(text: str, length: int) -> str:
    """At most so many characters; the last line stays if it is the codes by which people name an alert."""
    if len(text) <= length:
        return text
    head, _, codes = text.rpartition("\n")
    room = length - len(codes) - 2
    if codes.startswith("#") and room > 0:
        return f"{head[:room].rstrip()}{CUT}\n{codes}"
    return text[: max(0, length - 1)] + CUT if length > 0 else ""


def fitted(text: str, fits: Callable[[str], bool]) -> str:
    """The longest shortened form that ``fits``, found by halving; "" if none does."""
    if fits(text):
        return text
    least, most = 0, len(text)
    while most - least > 1:
        middle = (least + most) // 2
        if fits(shortened(text, middle)):
            least = middle
        else:
            most = middle
    return shortened(text, least)
