"""The store's health, as the guard meets it: told once to the log, and to people when it lasts."""

from __future__ import annotations

from datetime import datetime

import structlog

from monitor.alerts.model import Message, NotifyReason
from monitor.alerts.notices import daemon_message, store_fails_text, store_works_text
from monitor.errors import StoreCorrupt, StoreFault
from monitor.rules.base import Level

log = structlog.get_logger("guard")

AGAIN_SECONDS = 5.0
"""How long a store that failed is left alone: each try could take seconds."""
TOLD_AFTER = 30.0
"""How long it fails before people hear of it: somebody who looks into the file may lock it for a moment."""


class StoreHealth:
    """``kept``: the store took the last commit. ``damaged``: it once said that it is, which no later success makes untrue.

    ``error``: why it failed last, for people; ``refused``: how many commits it will never take. Times in monotonic seconds.
    """

    def __init__(self) -> None:
        self.kept = True
        self.damaged = False
        self.refused = 0
        self.error = ""
        self._failing_since = self._due = 0.0
        self._told = False

    def is_left_alone(self, now: float) -> bool:
        """Whether it failed a moment ago."""
        return not self.kept and now < self._due

    def works(self) -> None:
        """It took a commit."""
        if not self.kept:
            log.info("store.keeps_again", commits_refused=self.refused)
        self.kept, self.refused = True, 0

    def failed(self, error: Exception, patience: float, now: float) -> bool:
        """It did not take a commit, within ``patience`` seconds; whether this is the first time that it says it is damaged."""
        match error:
            case StoreFault():
                self.error = error.message
            case TimeoutError():
                self.error = f"the store did not answer within {patience:g} s"
            case _:
                self.error = f"margincall stumbled over its store ({type(error).__name__})"
        if self.kept:
            advice = error.advice if isinstance(error, StoreFault) else ""
            bug = None if isinstance(error, StoreFault | TimeoutError) else error
            log.error("store.commit_failed", error=self.error, advice=advice, exc_info=bug)
            self._failing_since = now
        self.kept = False
        self._due = now + AGAIN_SECONDS
        first = isinstance(error, StoreCorrupt) and not self.damaged
        self.damaged = self.damaged or first
        return first

    def news(self, now: float, at: datetime, *, tops_up: bool) -> Message | None:
        """What people should hear now, once each: that it does not keep what is decided, and that it does again."""
        if not self.kept and not self._told and (self.damaged or now - self._failing_since >= TOLD_AFTER):
            self._told = True
            title, body = store_fails_text(self.error, damaged=self.damaged, tops_up=tops_up)
            return daemon_message(NotifyReason.EVENT, title, body, Level.CRITICAL, at)
        if self.kept and self._told:
            self._told = False
            title, body = store_works_text()
            return daemon_message(NotifyReason.EVENT, title, body, Level.INFO, at)
        return None
