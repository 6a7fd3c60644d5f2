"""TLS, passwords, tokens and certificates on a real broker: the daemon and the verbs come in, and who may not is told
why in one sentence."""

import ssl
import time
from pathlib import Path

import pytest

from detector.__main__ import main
from detector.certificates import ends_of_file
from tests.eventually import eventually
from tests.kafka.broker import BrokerUnavailable
from tests.kafka.certificates import Authority, openssl
from tests.kafka.secured import ENVIRONMENT, secured
from tests.service.network import STRANGE, Trouble, told
from tests.service.stage import Daemon, Stage, get
from tests.teaching.test_preview import clock

pytestmark = pytest.mark.broker

WAYS = ("SCRAM", "OAUTH", "MUTUAL")

OUTAGE = (Trouble(STRANGE, "power", 70, 105),)

TOKEN_SECONDS = 15


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    with secured(tmp_path_factory.mktemp("certificates")) as broker:
        yield broker


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def hidden(guarded, topics, tmp_path, bundle):
    """A stage without topics on the guarded broker, where only what comes by TLS is configured."""
    made = Stage(guarded.broker.bootstrap, topics, tmp_path, bundle)
    yield made
    made.close()


def faultline(verb, config, *more):
    return main([verb, "--config", str(config), *more])


@pytest.mark.parametrize("way", WAYS)
def test_daemon_and_verbs_come_in_and_tell_no_secret(guarded, hidden, capfd, way):
    config = hidden.config(kafka={"common": guarded.ways[way]}, log={"level": "debug"})
    records = told(0, 110, OUTAGE)

    assert faultline("topics", config, "--create", "--partitions", "2", "--replication", "1") == 0
    hidden.tell(records)
    lesson = ["--cell", STRANGE, "--at", clock(70), "--until", clock(90), "--class", "power_loss"]
    assert faultline("teach", config, *lesson) == 0
    assert faultline("labels", config) == 0
    assert faultline("check", config) == 0
    with Daemon(config) as daemon:
        daemon.wait_ready()
        hidden.wait_taken(len(records))
        shown = "".join(get(f"{daemon.url}{path}").body for path in ("/metrics", "/readyz"))
        words = Path(f"/proc/{daemon.pid}/cmdline").read_text()
        daemon.terminate()
        log = daemon.log

    said = capfd.readouterr()
    assert "power_loss" in said.out
    assert any(b"power_loss" in body for body in hidden.alarms()[STRANGE])
    assert not [secret for secret in ENVIRONMENT.values() if secret in log + shown + words + said.out + said.err]


def test_a_token_that_ends_is_fetched_anew_by_every_client(guarded, hidden):
    guarded.provider.seconds = TOKEN_SECONDS
    config = hidden.create_topics().config(kafka={"common": guarded.ways["OAUTH"]})
    try:
        with Daemon(config) as daemon:
            daemon.wait_ready()
            given, began = guarded.provider.given, time.monotonic()
            eventually(lambda: time.monotonic() > began + 2 * TOKEN_SECONDS, "the first tokens are over")
            hidden.tell(told(0, 5))
            hidden.wait_taken(len(told(0, 5)), 20)
            assert get(f"{daemon.url}/readyz").status == 200
            assert guarded.provider.given > given
            assert daemon.terminate() == 0
    finally:
        guarded.provider.seconds = 3600


REFUSED = {
    "wrong password": (
        ("SCRAM", {"sasl.password": "wrong-Xn5p"}),
        "invalid credentials with SASL mechanism SCRAM-SHA-512",
        "check the user and password in kafka.common.",
    ),
    "another mechanism": (("SCRAM", {"sasl.mechanism": "SCRAM-SHA-256"}), "supported mechanisms: SCRAM-SHA-512", ""),
    "unknown authority": (
        ("SCRAM", {"ssl.ca.location": "{stranger}"}),
        "is not trusted (unable to get local issuer certificate)",
        "put its authority's certificate into ssl.ca.location.",
    ),
    "expired": (
        ("LATE", {}),
        "is not trusted (certificate has expired)",
        "renew the broker's certificate.",
    ),
    "no TLS": (("SCRAM", {"security.protocol": "PLAINTEXT"}), " speaks TLS", "set security.protocol to ssl or"),
    "wrong secret": (
        ("OAUTH", {"sasl.oauthbearer.client.secret": "wrong-Xn5p"}),
        "invalid_client",
        "check sasl.oauthbearer.* in kafka.common, and that its token endpoint answers.",
    ),
    "no endpoint": (
        ("OAUTH", {"sasl.oauthbearer.token.endpoint.url": "http://127.0.0.1:9/token"}),
        "Could not connect to server",
        "and that its token endpoint answers.",
    ),
    "wrong passphrase": (
        ("MUTUAL", {"ssl.key.password": "wrong-Xn5p"}),
        "ssl.key.location failed",
        "check that file, and ssl.key.password, in kafka.common.",
    ),
    "a stranger's certificate": (
        ("MUTUAL", {"ssl.certificate.location": "{other}.pem", "ssl.key.location": "{other}.key"}),
        "the broker refuses this client's certificate (alert",
        "that the brokers' truststore has its authority.",
    ),
    "an expired certificate of ours": (
        ("MUTUAL", {"ssl.certificate.location": "{over}.pem", "ssl.key.location": "{over}.key"}),
        "the broker refuses this client's certificate, which expired on 20",
        "renew it and start again.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_who_may_not_come_in_is_told_why_in_one_sentence_with_the_remedy(guarded, hidden, refusal, case):
    (way, changes), why, remedy = REFUSED[case]
    folder = guarded.authority.certificate.parent
    guarded.stranger.issue("other")
    guarded.authority.issue("over", days=-1)
    places = {
        "stranger": guarded.stranger.certificate,
        "other": folder / "stranger" / "other",
        "over": folder / "over",
    }
    wrong = {name: value.format(**places) for name, value in changes.items()}
    config = hidden.config(kafka={"common": {**guarded.ways[way], **wrong}, "reach_seconds": 3})
    for verb in ("topics", "run"):
        said = refusal(verb, "--config", config)
        assert why in said
        assert remedy in said
        assert not [secret for secret in (*ENVIRONMENT.values(), "wrong-Xn5p") if secret in said]


def test_the_end_of_a_certificate_is_the_one_that_openssl_reads(tmp_path):
    try:
        authority = Authority(tmp_path, days=40_000)  # beyond 2049, where the date is written otherwise
    except BrokerUnavailable as reason:
        pytest.skip(str(reason))
    paths = [authority.certificate, authority.issue("soon", days=3)[0], authority.issue("over", days=-1)[0]]
    for path in paths:
        told = openssl("x509", "-in", path, "-noout", "-enddate").decode().strip().removeprefix("notAfter=")
        assert ends_of_file(path) == [ssl.cert_time_to_seconds(told)]
    together = tmp_path / "all.pem"
    broken = "-----BEGIN CERTIFICATE-----\nMAA=\n"
    together.write_text("in words\n" + "".join(path.read_text() for path in paths) + broken)
    assert ends_of_file(together) == [end for path in paths for end in ends_of_file(path)]
    assert ends_of_file(tmp_path / "nowhere") == []
