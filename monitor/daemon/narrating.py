"""What the log tells of a reading: changes, each once."""

from __future__ import annotations

import structlog

from monitor.decide import Decision
from monitor.margin.reading import FamilyFailure, FamilyReading, FamilySnapshot
from monitor.memory import FamilyMemory, FamilyState

log = structlog.get_logger("guard")


def log_reading(reading: FamilyReading, before: FamilyMemory | None, decision: Decision) -> None:
    """A change is told once, at its level; what only goes on is for debugging."""
    where = {"account": reading.key.account, "family": reading.key.family}
    failed_before = before is not None and before.failing > 0
    if isinstance(reading, FamilySnapshot):
        tell = log.info if failed_before or before is None else log.debug
        tell("family.read", positions=len(reading.positions), unguarded=len(reading.unguarded), **where)
        if reading.remark:
            log.warning("family.doubted", remark=reading.remark, **where)
    elif isinstance(reading, FamilyFailure):
        same = failed_before and before is not None and before.error == reading.message
        tell = log.debug if same else log.warning
        tell("family.read_failed", cause=reading.cause, error=reading.message, **where)
    elif before is None or before.state is not FamilyState.NOT_OPENED:
        log.info("family.not_opened", reason=reading.message, **where)
    for seen in decision.opened:
        log.info("position.opened", symbol=seen.key.symbol, side=seen.key.side.value, epoch=seen.epoch, **where)
    for seen in decision.commit.closed:
        log.info("position.closed", symbol=seen.key.symbol, side=seen.key.side.value, epoch=seen.epoch, **where)
