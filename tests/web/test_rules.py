"""The alert rules in the docs name only metrics and labels that exist."""

import re
from pathlib import Path

import yaml

from monitor.web.metrics import METRICS, OUTCOMES

RULES = Path(__file__).parents[2] / "docs" / "prometheus.rules.yaml"


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def test_rules_name_only_metrics_that_exist():
    for rule in rules():
        named = re.findall(r"margincall_\w+", rule["expr"])
        assert named, rule["alert"]
        assert set(named) <= set(METRICS), rule["alert"]


def test_rules_name_only_labels_that_the_metric_has():
    for rule in rules():
        labels = {label for name in re.findall(r"margincall_\w+", rule["expr"]) for label in METRICS[name][1]}
        assert set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) <= labels, rule["alert"]
        matched = re.findall(r'(\w+)="(\w+)"', rule["expr"])
        assert {label for label, _ in matched} <= labels
        assert {value for label, value in matched if label == "outcome"} <= set(OUTCOMES)


def test_every_rule_has_a_name_of_its_own_and_says_what_it_is():
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names) >= 10
    assert all(rule["annotations"]["summary"] for rule in rules())
