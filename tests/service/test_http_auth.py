"""The endpoints behind TLS and a password: who has both reads the figures, and nobody else."""

import base64
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from detector.certificates import ends_of_file
from detector.config.loader import read_config
from detector.config.schema import Http
from detector.errors import ConfigError
from detector.service.http_server import Endpoints, Health
from detector.service.metrics import Metrics
from tests.conftest import unavailable
from tests.kafka.broker import BrokerUnavailable
from tests.kafka.certificates import Authority
from tests.service.stage import get

USER, PASSWORD = "prometheus", "scrape-Vb6n-ü"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    try:
        return Authority(tmp_path_factory.mktemp("certificates"))
    except BrokerUnavailable as reason:
        unavailable(str(reason))


@pytest.fixture
def files(authority):
    return authority.issue("metrics", days=3)


@pytest.fixture
def opened():
    served = []

    def on(http: Http) -> Endpoints:
        served.append(Endpoints(http, Metrics().registry, Health(60)))
        return served[-1]

    yield on
    for one in served:
        one.close()


def credentials(user=USER, password=PASSWORD, scheme="Basic"):
    return f"{scheme} {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def ask(endpoints, path="/metrics", authorization=None, authority=None):
    """Status, body and headers."""
    context = ssl.create_default_context(cafile=authority.certificate) if authority else None
    request = urllib.request.Request(endpoints.url + path)
    if authorization is not None:
        request.add_header("Authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=5, context=context) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode(), refusal.headers


def test_figures_are_for_who_has_the_password_and_health_is_for_everybody(opened):
    endpoints = opened(Http(port=0, user=USER, password=PASSWORD))
    status, body, headers = ask(endpoints)
    assert status == 401
    assert headers["WWW-Authenticate"].startswith("Basic ")
    assert "faultline_ready" not in body
    status, body, _ = ask(endpoints, authorization=credentials())
    assert status == 200
    assert "faultline_ready" in body
    assert ask(endpoints, "/livez")[0] == 503
    assert ask(endpoints, "/readyz")[1] == "starting\n"


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic " + "A" * 20_000,
        "Bearer " + credentials().removeprefix("Basic "),
        credentials(password=""),
        credentials(password=PASSWORD[:-1]),
        credentials(password=PASSWORD + "x"),
        credentials(user="Prometheus"),
        credentials(USER + ":" + PASSWORD, ""),
    ],
)
def test_whatever_else_is_shown_opens_nothing(opened, shown):
    assert ask(opened(Http(port=0, user=USER, password=PASSWORD)), authorization=shown)[0] == 401


def test_over_tls_the_certificate_is_shown_and_plain_http_is_not_heard(opened, authority, files, capfd):
    certificate, key = files
    endpoints = opened(Http(port=0, certificate=str(certificate), key=str(key), user=USER, password=PASSWORD))
    assert ask(endpoints, authorization=credentials(), authority=authority)[0] == 200
    assert ask(endpoints, authority=authority)[0] == 401
    with pytest.raises(OSError, match=r"closed|reset|Remote end|aborted"):
        get(endpoints.url.replace("https", "http") + "/livez")
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        ask(endpoints, authority=None, authorization=credentials())
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with connect(endpoints) as plain, pytest.raises((ssl.SSLError, ConnectionError)):
        old.wrap_socket(plain)
    assert capfd.readouterr().err == ""


def connect(endpoints):
    host, port = endpoints.address.split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def test_who_shakes_no_hands_holds_nobody_up(opened, authority, files):
    certificate, key = files
    endpoints = opened(Http(port=0, certificate=str(certificate), key=str(key)))
    dumb = [connect(endpoints) for _ in range(40)]
    try:
        assert ask(endpoints, authority=authority)[0] == 200
    finally:
        for client in dumb:
            client.close()


def test_a_renewed_certificate_is_shown_without_a_restart_and_a_broken_one_is_not(opened, authority, tmp_path, caplog):
    place = tmp_path / "both.pem"

    def put(content: str) -> None:
        draft = place.with_suffix(".new")
        draft.write_text(content)
        os.replace(draft, place)

    put(authority.keystore("first", days=2).read_text())
    endpoints = opened(Http(port=0, certificate=str(place)))
    assert ask(endpoints, authority=authority)[0] == 200
    first = endpoints.auth.certificate_end
    assert first == min(ends_of_file(place))

    put("nonsense")
    assert ask(endpoints, authority=authority)[0] == 200
    assert endpoints.auth.certificate_end == first

    put(authority.keystore("second", days=20).read_text())
    assert ask(endpoints, authority=authority)[0] == 200
    assert endpoints.auth.certificate_end > first + 86_400


def test_what_cannot_be_shown_is_told_in_one_sentence(authority, files, tmp_path):
    certificate, key = files
    other, _ = authority.issue("another")
    locked_certificate, locked = authority.issue("locked", encrypted_with="phrase-Jt7m")
    (tmp_path / "text").write_text("no certificate")
    for shown, opening, why in (
        (tmp_path / "nowhere", key, "No such file"),
        (tmp_path / "text", key, "PEM|NO_START_LINE|no start line"),
        (certificate, tmp_path / "text", "PEM|NO_START_LINE|no start line"),
        (other, key, "KEY_VALUES_MISMATCH|mismatch"),
        (locked_certificate, locked, "the key has a passphrase"),
    ):
        with pytest.raises(ConfigError, match=rf"cannot be used as certificate and key \(.*({why})") as raised:
            Endpoints(Http(port=0, certificate=str(shown), key=str(opening)), Metrics().registry, Health(60))
        assert "set http.certificate and http.key to PEM files that belong together." in str(raised.value)


def written(tmp_path: Path, http: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(f"bundle: none\nkafka: {{common: {{bootstrap.servers: x}}}}\nhttp: {http}\n")
    return path


def test_a_secret_comes_from_a_file_and_is_in_no_complaint(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSWORD}\n")
    config = read_config(written(tmp_path, f"{{user: {USER}, password: '${{file:{secret}}}'}}"))
    assert config.http.password == PASSWORD
    for http, sentence in (
        (f"{{password: '${{file:{secret}}}'}}", "has only one of user and password; give both, or neither"),
        (
            f"{{user: 'a:b', password: '${{file:{secret}}}'}}",
            "contains a colon, which HTTP's basic authentication does not allow",
        ),
        (f"{{port: '${{file:{secret}}}'}}", "which is not shown; allowed is a whole number"),
        ("{user: x, password: '${file:/nowhere/secret}'}", "`http.password`: the file /nowhere/secret cannot be read"),
        ("{key: x}", "is set without a certificate; set http.certificate, too"),
    ):
        with pytest.raises(ConfigError, match=sentence) as raised:
            read_config(written(tmp_path, http))
        assert PASSWORD not in str(raised.value)
    secret.write_text("x" * 70_000)
    with pytest.raises(ConfigError, match="is longer than 65,536 bytes; give a file that holds only the secret"):
        read_config(written(tmp_path, f"{{user: {USER}, password: '${{file:{secret}}}'}}"))


def test_a_value_is_filled_once(tmp_path, monkeypatch):
    """A secret that looks like a name is a secret."""
    monkeypatch.setenv("ODD", "${HOME}")
    assert read_config(written(tmp_path, f"{{user: {USER}, password: '${{ODD}}'}}")).http.password == "${HOME}"


def test_the_comparison_takes_as_long_for_a_wrong_password_as_for_the_right_one(opened):
    """Of 2,000 each, in turn: digests of one length are compared, so that a common beginning saves nothing."""
    entrance = opened(Http(port=0, user=USER, password="x" * 1000)).auth
    shown = {"near": credentials(password="x" * 999 + "y"), "far": credentials(password="y" * 1000)}
    spent = dict.fromkeys(shown, 0.0)
    for _ in range(2000):
        for name, header in shown.items():
            began = time.perf_counter()
            assert not entrance.admits(header)
            spent[name] += time.perf_counter() - began
    assert 0.5 < spent["near"] / spent["far"] < 2
