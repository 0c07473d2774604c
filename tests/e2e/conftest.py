from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.program import Program
from tests.receiver import Receiver

SECRETS = {
    "any_api_key": "canary-key-0123456789",
    "any_secret": "canary-secret-0123456789",
    "any_passphrase": "canary-pass-0123456789",
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


@pytest.fixture
def make_program(tmp_path: Path, receiver: Receiver) -> Iterator[Callable[..., Program]]:
    made: list[Program] = []

    def make(endpoint: str, *exchanges: str, extra: str = "") -> Program:
        accounts = "\n".join(
            f'  {name}: {{exchange: {name}, credentials: any, endpoint: "{endpoint}", poll: {{calm: 200ms, near: 100ms}}}}'
            for name in exchanges
        )
        config = f"accounts:\n{accounts}\nchannels:\n  phone: {{url_from: phone_url}}\nstore: ./store.db\ntimezone: UTC\n{extra}"
        program = Program(tmp_path, config, SECRETS | {"phone_url": receiver.url})
        made.append(program)
        return program

    yield make
    for program in made:
        program.stop()
