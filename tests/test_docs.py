"""What the program can do is in its documents, and what the documents say is true."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli import VERBS
from monitor.cli.documents import account_document, position_document
from monitor.exchanges import names
from monitor.margin.assessment import assess
from monitor.margin.casefile import parse_cases
from monitor.memory import FamilyMemory, FamilyState, PositionMemory
from monitor.rules import discover
from monitor.rules.cushion import Cushion
from tests.builders import NOW, USDM, key, position

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()


def verbs() -> list[str]:
    return list(VERBS)


@pytest.mark.parametrize("kind", sorted(discover()))
def test_every_rule_kind_is_in_the_readme(kind):
    assert f"| `{kind}` |" in README


@pytest.mark.parametrize("name", names())
def test_every_exchange_is_in_the_readme(name):
    assert f"| `{name}` |" in README


def test_every_verb_is_in_the_readme_and_no_other():
    documented = set(re.findall(r"^\| `margincall ([a-z-]+)", README, re.MULTILINE))
    assert documented == set(verbs())


def test_the_make_targets_that_the_readme_names_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`make ([a-z]+)`", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_planning_example_of_the_readme_computes():
    (text,) = re.findall(r"<<'JSON'\n(.*?)\nJSON\n", README, re.DOTALL)
    (position,), problems = parse_cases(text)
    assert problems == []
    assert position is not None
    # 0.1 long at 100,000 with 1,000 of margin: (1000 - 10000) / (0.1 x 0.004 - 0.1) = 90,361.4...
    assert f"{assess(position).ours.liquidation_price:.1f}" == "90361.4"


def test_every_key_of_the_positions_document_is_documented_and_no_other():
    family = FamilyMemory(key=USDM, state=FamilyState.OK, since=NOW)
    seen = PositionMemory(key=key(), family="usdm", epoch=1, first_seen=NOW, last_seen=NOW, assessment=assess(position()))
    section = (ROOT / "docs" / "json.md").read_text().partition("positions --json")[2].partition("## The others")[0]
    accounts, positions = section.split("`positions`, worst first")
    for table, document in ((accounts, account_document("x", "y", [family], NOW)), (positions, position_document(seen, "ok"))):
        documented = [name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
        assert sorted(documented) == sorted(document)


@pytest.mark.parametrize("path", ["README.md", "ARCHITECTURE.md", *sorted(f"docs/{one.name}" for one in ROOT.glob("docs/*.md"))])
def test_every_file_that_a_document_names_exists(path):
    document = ROOT / path
    text = document.read_text()
    for link in re.findall(r"\]\(((?!http)[^)#]+)\)", text):
        assert (document.parent / link).exists(), link
    for name in re.findall(r"`([a-z_0-9]+/[a-z_0-9/]+\.py)`", text):
        assert any((place / name).exists() for place in (ROOT / "monitor", ROOT)), name


def test_the_architecture_is_two_pages():
    assert len(ARCHITECTURE.splitlines()) <= 100


def test_the_levels_table_of_the_readme_is_what_the_rules_do():
    cushion = Cushion()
    for level in ("warning", "critical", "emergency"):
        line, within = getattr(cushion, level), getattr(cushion.within, level)
        row = next(row for row in README.splitlines() if row.startswith(f"| {level} |"))
        assert f"cushion at or below {line * 100:.0f} %" in row
        assert f"within {within * 100:.0f} %" in row


def test_the_version_is_told_once():
    shown = subprocess.run([sys.executable, "-m", "monitor", "--version"], capture_output=True, text=True, check=True)
    version = shown.stdout.split()[-1]
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text()
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()
