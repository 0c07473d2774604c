"""The one door to the recorded replies, worked vectors and real prices that lie beside the project.

They are not part of it: where the folder is absent, the tests that need it are skipped and say so. ``MARGINCALL_SHARED``
names another place.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(os.environ.get("MARGINCALL_SHARED", Path(__file__).parents[2] / "shared"))


def shared_path(name: str) -> Path:
    """The file ``name`` under the shared folder; skips the test, saying so, where it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the shared data is not here: {path.name}", allow_module_level=True)
    return path


def shared_json(name: str) -> Any:
    """The JSON of a shared file; skips as ``shared_path`` does."""
    return json.loads(shared_path(name).read_text())
