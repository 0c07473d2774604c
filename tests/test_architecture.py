"""The house as ARCHITECTURE.md draws it, held against the imports that the code really has."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "monitor"
MODULES = sorted(PACKAGE.rglob("*.py"))
TOGETHER = (
    "decide", "draft", "spend", "chronicle", "postmortem", "observe", "speak", "tell", "policy", "memory", "requests", "drill",
    "digest",
)  # fmt: skip
ROOMS = {
    "cli": 0,
    "app": 1,
    "demo": 1,
    **dict.fromkeys(("web", "daemon", "doctor", "config", "exchanges", "notify", "store", "practice"), 2),
    **dict.fromkeys(("ports", "clock"), 3),
    **dict.fromkeys(TOGETHER, 4),
    "lives": 5,
    "topups": 6,
    "alerts": 7,
    "rules": 8,
    "margin": 9,
}
DECIDE = {*TOGETHER, "lives", "topups", "alerts", "rules", "margin"}
PURE_STANDARD_LIBRARY = {
    "__future__", "bisect", "collections", "dataclasses", "datetime", "decimal", "difflib", "enum", "fnmatch", "fractions",
    "functools", "hashlib", "importlib", "itertools", "json", "math", "pkgutil", "re", "typing",
}  # fmt: skip
ONLY_IN = {
    "ccxt": ("exchanges/",),
    "apprise": ("notify/",),
    "sqlite3": ("store/",),
    "apscheduler": ("daemon/schedule.py",),
    "pydantic": ("config/", "exchanges/binance/settings.py", "exchanges/bybit/settings.py", "exchanges/okx/settings.py"),
    "pydantic_settings": ("config/",),
    "prometheus_client": ("web/",),
    "typer": ("cli/",),
}


def imports(path: Path) -> Iterator[str]:
    """Every module that ``path`` imports, wherever in it, as full dotted names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room(dotted: str) -> str | None:
    """The room of a dotted name of ours; None for foreign names and what is open to all."""
    parts = dotted.split(".")
    return parts[1] if parts[0] == "monitor" and len(parts) > 1 and parts[1] in ROOMS else None


def own_room(path: Path) -> str | None:
    name = relative(path).split("/")[0].removesuffix(".py")
    return name if name in ROOMS else None


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_imports_point_only_to_the_right(path):
    mine = own_room(path)
    if mine is None:
        return
    for name in imports(path):
        other = room(name)
        if other is None or other == mine:
            continue
        allowed = (
            ROOMS[other] > ROOMS[mine]
            or (ROOMS[other] == ROOMS[mine] == ROOMS["decide"])
            or (mine == "config" and other == "exchanges")
            or (other == "config" and ROOMS[mine] == ROOMS["config"])
        )
        assert allowed, f"{relative(path)} ({mine}) must not import {name} ({other})"


@pytest.mark.parametrize("path", [path for path in MODULES if own_room(path) in DECIDE], ids=relative)
def test_decide_rooms_are_pure(path):
    for name in imports(path):
        top = name.partition(".")[0]
        assert top == "monitor" or top in PURE_STANDARD_LIBRARY, f"{relative(path)} imports {name}"
    text = path.read_text()
    assert not re.search(r"\bfloat\(|\bopen\(|\bprint\(|\.now\(|async def|\bawait\b", text), relative(path)
    for node in ast.walk(ast.parse(text)):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), f"{relative(path)}:{node.lineno} float"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_foreign_libraries_stay_in_their_own_room(path):
    for name in imports(path):
        places = ONLY_IN.get(name.partition(".")[0])
        assert places is None or relative(path).startswith(places), f"{relative(path)} imports {name}"


@pytest.mark.parametrize("path", [path for path in MODULES if relative(path).startswith("practice/")], ids=relative)
def test_the_practice_exchange_shares_nothing_but_errors(path):
    for name in imports(path):
        ours = name == "monitor" or name.startswith("monitor.")
        assert not ours or name.startswith(("monitor.errors", "monitor.practice")), f"{relative(path)} imports {name}"


@pytest.mark.parametrize("path", [path for path in MODULES if relative(path).startswith("demo/")], ids=relative)
def test_the_demo_knows_the_daemon_only_from_outside(path):
    for name in imports(path):
        other = room(name)
        outside = other in {None, "demo", "practice"} | DECIDE or name.startswith(("monitor.store.reader", "monitor.store.sent"))
        assert outside, f"{relative(path)} imports {name}"


@pytest.mark.parametrize("path", [path for path in MODULES if relative(path).startswith(("exchanges/", "rules/"))], ids=relative)
def test_exchanges_and_rules_do_not_import_each_other(path):
    parts = relative(path).split("/")
    for name in imports(path):
        if parts[0] == "exchanges" and len(parts) == 3 and name.startswith("monitor.exchanges."):
            folder = name.split(".")[2]
            assert folder == parts[1] or not (PACKAGE / "exchanges" / folder).is_dir(), f"{relative(path)} imports {name}"
        if parts[0] == "rules" and parts[1] not in {"__init__.py", "base.py"} and name.startswith("monitor.rules."):
            assert name.startswith("monitor.rules.base"), f"{relative(path)} imports {name}"


def test_modules_are_small():
    sizes = {relative(path): len(path.read_text().splitlines()) for path in MODULES}
    assert [name for name, size in sizes.items() if size > 300] == []
    assert median(size for size in sizes.values() if size > 3) <= 130


def test_nothing_names_a_machine_a_registry_or_unfinished_work():
    for path in [*MODULES, *ROOT.glob("*.md"), *ROOT.glob("*.yaml"), *ROOT.glob("*.lock"), ROOT / "Makefile"]:
        text = path.read_text()
        assert "pythonhosted" not in text, path
        assert "pypi" + ".org" not in text, path
        if path.suffix == ".py":
            assert not re.search(r"\b(TODO|FIXME|XXX)\b", text), path


def test_reading_verbs_never_import_ccxt_or_apprise(tmp_path):
    import subprocess
    import sys

    program = (
        "import sys; sys.argv = ['margincall', 'positions', '--config', sys.argv[1]]\n"
        "from monitor.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print(end.code)\n"
        "print([name for name in ('ccxt', 'apprise', 'aiohttp', 'apscheduler') if name in sys.modules])\n"
    )
    config = tmp_path / "config.yaml"
    config.write_text("store: ./none.db\n")
    result = subprocess.run([sys.executable, "-c", program, str(config)], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == ["2", "[]"], result
    assert "none.db" in result.stderr
