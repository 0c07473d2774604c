"""What is shipped: wheel and sdist build without a network, hold what they need and no more, and work once installed."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD_ONLY = {"editables", "hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers"}
MOST_PACKAGES = 55

pytestmark = pytest.mark.xdist_group("packaging")


def _run(*command: str, cwd: Path, **environ: str) -> str:
    """A command to its end, without what ties this process to the source tree."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MARGINCALL", "PYTHON", "XDG", "COV"))}
    done = subprocess.run(command, cwd=cwd, env=kept | environ, capture_output=True, text=True, timeout=55, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _build(source: Path, folder: Path, *kinds: str) -> None:
    _run(sys.executable, "-m", "hatchling", "build", "-d", str(folder), *(f"-t{kind}" for kind in kinds), cwd=source)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with both, the wheel made from what the sdist holds: it must be complete."""
    folder = tmp_path_factory.mktemp("built")
    _build(ROOT, folder, "sdist")
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    _build(source, folder, "wheel")
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    return path


def _names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_wheel_holds_what_the_program_reads_and_what_people_read(wheel):
    names = set(_names(wheel))
    delivered = {path.relative_to(ROOT).as_posix() for path in (ROOT / "monitor" / "store" / "migrations").glob("*.sql")}
    assert delivered <= names
    assert {"monitor/py.typed", "monitor/units/margincall.service", "monitor/units/margincall-user.service"} <= names
    shared = {name.partition("/share/doc/margincall/")[2] for name in names if "/share/doc/margincall/" in name}
    assert {"README.md", "SECURITY.md", "CHANGELOG.md", "config.example.yaml"} <= shared
    assert {f"docs/{path.name}" for path in (ROOT / "docs").iterdir()} <= shared
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "monitor").rglob("*.py")}
    assert modules <= names


def test_wheel_holds_no_tests_no_recorded_data_and_no_cache(wheel):
    for name in _names(wheel):
        assert not re.search(r"(^|/)(tests?|testdata|bench|__pycache__)(/|$)|\.(pyc|json|db|pem|key)$", name), name


def test_sdist_holds_what_the_tests_need(built):
    (source,) = (built / "source").iterdir()
    for name in (
        "Makefile",
        "requirements.lock",
        "requirements-dev.lock",
        "tests/conftest.py",
        "bench/__main__.py",
        "docs/channels.md",
    ):
        assert (source / name).is_file(), name


def test_installed_wheel_works_without_the_source_tree(wheel, tmp_path):
    """Its own files come from the wheel, what it depends on from this environment."""
    place = tmp_path / "site"
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check")
    _run(*pip, "--target", str(place), str(wheel), cwd=tmp_path)
    environ = {"PYTHONPATH": str(place), "HOME": str(tmp_path)}

    def margincall(*words: str) -> str:
        return _run(sys.executable, "-m", "monitor", *words, cwd=tmp_path, **environ)

    where = _run(sys.executable, "-c", "import monitor; print(monitor.__file__)", cwd=tmp_path, **environ)
    assert where.strip() == str(place / "monitor" / "__init__.py")
    assert margincall("--version") == f"margincall {wheel.name.split('-')[1]}\n"
    margincall("init", "--exchange", "okx", "--config", "config.yaml")
    assert "LoadCredential=main_passphrase:" in margincall("service", "install", "--dry-run", "--config", "config.yaml")
    assert "WantedBy=default.target" in margincall("service", "install", "--user", "--dry-run", "--config", "config.yaml")
    make = "import asyncio, pathlib; from monitor.store.sqlite import SqliteStore as S; asyncio.run(S.open(pathlib.Path('s.db')))"
    _run(sys.executable, "-c", make, cwd=tmp_path, **environ)
    assert (tmp_path / "s.db").stat().st_size > 0


def test_runtime_packages_are_few():
    """Each is somebody who could do harm; those that only build do not run."""
    names = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert names | {"packaging"} >= BUILD_ONLY
    assert len(names - BUILD_ONLY) <= MOST_PACKAGES


def test_every_locked_package_has_hashes_and_no_address():
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text()
        assert "://" not in text
        for block in re.split(r"^(?=[a-z0-9._-]+==)", text, flags=re.MULTILINE)[1:]:
            assert "--hash=sha256:" in block, block.splitlines()[0]
