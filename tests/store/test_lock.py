"""One daemon a store."""

import os
import signal
import stat
import subprocess
import sys

import pytest

from monitor.errors import InstanceRunning
from monitor.store.lock import InstanceLock

HOLDER = """
import sys
from pathlib import Path
from monitor.store.lock import InstanceLock
with InstanceLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_lock_is_refused_at_once_while_another_process_holds_it(tmp_path):
    store = tmp_path / "state" / "s.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InstanceRunning, match=str(holder.pid)):
            InstanceLock(store).acquire()
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    # Nobody is left to hold it, though the file is.
    with InstanceLock(store):
        pass


def test_lock_is_free_again_when_released(tmp_path):
    store = tmp_path / "s.db"
    first, second = InstanceLock(store), InstanceLock(store)
    first.acquire()
    with pytest.raises(InstanceRunning):
        second.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()
    assert stat.S_IMODE(second.path.stat().st_mode) == 0o600
