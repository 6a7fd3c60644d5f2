"""Every expression of a dashboard, asked of a real Prometheus that watches a real daemon: data comes back."""

import json
import math

import pytest

from tests.deploy.feed import Feed, body
from tests.deploy.generate import DEPLOY, expressions
from tests.deploy.prometheus import Prometheus
from tests.eventually import eventually
from tests.kafka.certificates import Authority
from tests.service.network import CELLS
from tests.service.stage import Daemon

START_SECONDS = 180.0


def known(prometheus, expression):
    return [one for one in prometheus.query(expression) if not math.isnan(float(one["value"][1]))]


@pytest.mark.broker
@pytest.mark.deploy
def test_every_panel_shows_something(stage, fetched, tmp_path):
    fetched("prometheus")
    folder = tmp_path / "prometheus"
    folder.mkdir()
    authority = Authority(tmp_path / "certificates")
    http = {"certificate": str(authority.keystore("metrics")), "user": "prometheus", "password": "x"}
    secrets = {"secrets/authority.pem": authority.certificate.read_text(), "secrets/faultline": "x"}
    with Feed(stage) as feed, Daemon(stage.config(http=http)) as daemon:
        daemon.wait_ready(START_SECONDS)
        feed.body = lambda cell, minute: b"{" if cell == CELLS[0] else body(cell, minute)
        with Prometheus(folder, [daemon.url.removeprefix("https://")], secrets=secrets) as prometheus:
            prometheus.wait_firing("FaultlineRejectsRising")

            def empty():
                return [expression for expression in expressions() if not known(prometheus, expression)]

            eventually(lambda: not empty(), f"these show something: {empty()}", 60)


def test_grafana_is_given_dashboards_of_the_source_it_is_given():
    provisioned = (DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yaml").read_text()
    for path in (DEPLOY / "grafana" / "dashboards").glob("*.json"):
        board = json.loads(path.read_text())
        assert board["uid"].startswith("faultline-")
        for panel in board["panels"]:
            assert f"uid: {panel['datasource']['uid']}," in provisioned
            assert all(target["expr"] for target in panel["targets"])
        placed = [tuple(panel["gridPos"].values()) for panel in board["panels"]]
        assert len(set(placed)) == len(placed)
