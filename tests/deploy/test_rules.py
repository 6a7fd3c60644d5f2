"""The rules as Prometheus' own tools see them, and as whoever is woken by them would."""

import re

import pytest
import yaml
from prometheus_client import generate_latest

from detector.service.metrics import Metrics
from tests.deploy.programs import ask
from tests.deploy.prometheus import RULES, hurried
from tests.kafka.broker import ROOT

pytestmark = pytest.mark.slow

SEVERITIES = ("critical", "warning", "info")

ALERTS = [rule for group in yaml.safe_load((RULES / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
NAMES = [alert["alert"] for alert in ALERTS]


def test_promtool_accepts_the_rules_and_the_scrape(fetched):
    said = ask([fetched("promtool"), "check", "config", str(RULES / "prometheus.yml")])
    assert f"{len(ALERTS)} rules found" in said


def test_every_story_of_the_rules_comes_true(fetched):
    ask([fetched("promtool"), "test", "rules", str(RULES / "tests" / "alerts.yml")])


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_a_story_in_which_it_fires(name):
    assert f'{{alertname="{name}"}}' in (RULES / "tests" / "alerts.yml").read_text()


def test_promtool_finds_nothing_amiss_with_the_metrics(fetched):
    assert ask([fetched("promtool"), "check", "metrics"], said=generate_latest(Metrics().registry).decode()) == ""


def test_amtool_accepts_the_routes_and_finds_a_receiver_for_every_severity(fetched):
    routes = str(RULES / "alertmanager.yml")
    ask([fetched("amtool"), "check-config", routes])
    told = ["config", "routes", "test", "--config.file", routes]
    for severity, receiver in zip(SEVERITIES, ("pager", "channel", "nobody"), strict=True):
        assert ask([fetched("amtool"), *told, f"severity={severity}"]).startswith(receiver)


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_an_alert_says_how_grave_it_is_what_it_means_and_where_to_read_on(alert):
    told = alert["annotations"]
    assert alert["labels"]["severity"] in SEVERITIES
    assert set(told) == {"summary", "description", "runbook_url"}
    assert len(told["summary"]) < 120
    assert told["description"].endswith(".")
    anchor = told["runbook_url"].removeprefix("runbook.md#")
    runbook = (ROOT / "deploy" / "runbook.md").read_text()
    assert anchor in [heading.lower() for heading in re.findall(r"^### (\w+)$", runbook, re.MULTILINE)]


def test_inhibitions_name_alerts_that_exist():
    text = (RULES / "alertmanager.yml").read_text()
    assert set(re.findall(r"Faultline\w+", text)) <= set(NAMES)


def test_hurrying_changes_durations_alone():
    slow = "groups: [{name: n, rules: [{alert: A, expr: 'rate(x[10m]) > 60 and y offset 1d > 900', for: 2m}]}]"
    (rule,) = yaml.safe_load(hurried(slow, 60))["groups"][0]["rules"]
    assert rule["expr"] == "rate(x[10000ms]) > 60 and y offset 20000ms > 900"
    assert rule["for"] == "4000ms"
