"""What SECURITY.md promises of the project itself: the checks that are on, and nothing that goes round them in silence."""

import re
import tomllib
from pathlib import Path

import pytest

from monitor.config.web import WebSettings

ROOT = Path(__file__).parents[1]
SECURITY = (ROOT / "SECURITY.md").read_text()


def test_security_rules_are_on_for_the_whole_program():
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert lint["select"] == ["ALL"]
    assert not [rule for rule in lint["ignore"] if re.match(r"S\d*$", rule)]
    for folder, rules in lint["per-file-ignores"].items():
        assert not folder.startswith("monitor") or not [rule for rule in rules if re.match(r"S\d*$", rule)], folder


def test_every_exception_from_a_security_rule_stands_beside_its_reason():
    for path in (ROOT / "monitor").rglob("*.py"):
        for line in path.read_text().splitlines():
            for after in re.findall(r"# noqa: S\d{3}(.*)", line):
                assert re.match(r"[, ].*\w{3}", after), f"{path.name}: {line.strip()}"


def test_nothing_runs_a_shell_or_reads_objects_or_skips_a_certificate():
    forbidden = r"shell=True|\bos\.system\(|\bimport pickle\b|yaml\.load\(|verify=False|ssl=False|CERT_NONE"
    for path in (ROOT / "monitor").rglob("*.py"):
        assert not re.search(forbidden, path.read_text()), path


@pytest.mark.parametrize("listen", ["0.0.0.0:9464", "[::]:9464", "192.168.1.2:9464"])
def test_every_address_beyond_this_machine_needs_a_word_and_a_token(listen):
    for given in ({}, {"beyond_loopback": True}, {"token_from": "web_token"}):
        with pytest.raises(ValueError, match="beyond_loopback"):
            WebSettings.model_validate({"listen": listen, **given})
    assert WebSettings.model_validate({"listen": listen, "beyond_loopback": True, "token_from": "web_token"})


def test_threat_model_fits_a_page_and_says_what_is_not_protected():
    assert len(SECURITY.split()) < 1000
    for word in ("allow-list", "journal", "Caps", "control socket", "scrubber", "hash", "What is not protected"):
        assert word in SECURITY, word
