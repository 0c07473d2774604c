import logging

import pytest
import structlog

from tests.cli.terminal import Terminal


@pytest.fixture
def terminal(tmp_path, monkeypatch, capsys):
    """The command line on a configuration of its own; logging, which it sets up, is left as it was found."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield Terminal(tmp_path, monkeypatch, capsys)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)
