"""The matrix: the table x the exchanges, a wave a row, several waves at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.e2e.faults.table import EXCHANGES, Cell, Row
from tests.e2e.faults.wave import Result, play


def play_matrix(rows: Iterable[Row], *, jobs: int, tell: Callable[[Result], None], exchanges: Sequence[str] = EXCHANGES) -> None:
    """Play every row on every exchange, ``jobs`` daemons at a time; ``tell`` each result as it comes."""
    with tempfile.TemporaryDirectory(prefix="faults-") as place, ThreadPoolExecutor(jobs) as pool:
        waves = {}
        for number, row in enumerate(rows):
            folder = Path(place) / str(number)
            folder.mkdir()
            cells = [Cell(row, exchange) for exchange in exchanges]
            waves[pool.submit(play, cells, folder)] = cells
        try:
            for wave in as_completed(waves):
                for result in _results(wave, waves[wave]):
                    tell(result)
        finally:
            pool.shutdown(cancel_futures=True)


def _results(wave: Future[list[Result]], cells: Sequence[Cell]) -> list[Result]:
    """What a wave says; one that breaks fails its own cells, and the others go on."""
    error = wave.exception()
    if error is None:
        return wave.result()
    broken = f"the wave broke: {type(error).__name__}: {error}"
    return [Result(cell=cell, seconds=0.0, complaints=(broken,), story=broken) for cell in cells]
