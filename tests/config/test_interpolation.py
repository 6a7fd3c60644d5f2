"""A secret that the configuration takes from the environment is told nowhere: no log, no metric, no complaint."""

from pathlib import Path

import pytest

from tests.service.network import label, told
from tests.service.stage import Daemon, get

SECRET = "hunter2-Zq8x"

PASSED = {
    "sasl.username": "faultline",
    "sasl.password": "${KAFKA_PASSWORD}",
    "ssl.key.password": "${KAFKA_PASSWORD}",
    "sasl.oauthbearer.client.secret": "${KAFKA_PASSWORD}",
}


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("KAFKA_PASSWORD", SECRET)


@pytest.mark.broker
def test_a_daemon_that_tells_all_it_knows_does_not_tell_the_secret(stage):
    """At its most talkative, librdkafka too: it names every property, and of these that they are redacted."""
    stage.teach(label("drop_storm", "drops"))
    records = told(0, 80)
    stage.tell(records)
    config = stage.config(kafka={"common": {**PASSED, "debug": "all"}}, log={"level": "debug"})
    with Daemon(config) as daemon:
        daemon.wait_ready()
        stage.wait_taken(len(records))
        shown = "".join(get(f"{daemon.url}{path}").body for path in ("/metrics", "/readyz", "/livez", "/"))
        words = Path(f"/proc/{daemon.pid}/cmdline").read_text()
        daemon.terminate()
        log = daemon.log
    assert "sasl.password" in log
    assert SECRET not in log + shown + words


@pytest.mark.broker
@pytest.mark.parametrize(
    "wrong",
    [
        {"security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN"},
        {"security.protocol": "sasl_ssl", "sasl.mechanism": "SCRAM-SHA-256"},
        {"security.protocol": "ssl", "ssl.key.pem": "${KAFKA_PASSWORD}"},
        {"security.protocol": "ssl", "ssl.ca.location": "/nowhere"},
        {"security.protocol": "sasl_plaintext", "sasl.mechanism": "NONSENSE"},
        {"no.such.property": "${KAFKA_PASSWORD}"},
    ],
    ids=lambda wrong: " ".join(wrong.values()),
)
def test_no_sentence_about_a_mistake_tells_the_secret(stage, refusal, wrong):
    config = stage.config(kafka={"common": {**PASSED, **wrong}, "reach_seconds": 3})
    for verb in ("check", "topics", "run"):
        assert SECRET not in refusal(verb, "--config", config)


def test_a_misspelt_knob_beside_a_secret_does_not_tell_it(tmp_path, refusal):
    config = tmp_path / "config.yaml"
    config.write_text('bundle: build\nkafka: {comon: {sasl.password: "${KAFKA_PASSWORD}"}}\n')
    assert SECRET not in refusal("check", "--config", config)
