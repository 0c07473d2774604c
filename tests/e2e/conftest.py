from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.program import Program
from tests.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


@pytest.fixture
def make_program(tmp_path: Path, receiver: Receiver) -> Iterator:
    made: list[Program] = []

    def make(endpoint: str, *exchanges: str, extra: str = "") -> Program:
        program = Program(tmp_path, endpoint, receiver, exchanges=exchanges, extra=extra)
        made.append(program)
        return program

    yield make
    for program in made:
        program.stop()
