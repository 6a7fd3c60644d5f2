"""The endpoints as strangers reach them: addresses, methods, odd requests, slow clients."""

import errno
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from contextlib import suppress
from http import HTTPStatus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detector.config.schema import Http
from detector.errors import ConfigError
from detector.service.endpoints.connections import CONNECTIONS, REQUEST_SECONDS
from detector.service.endpoints.exchange import FIELDS_BYTES, LINE_BYTES, Answer, Exchange, path_of
from detector.service.http_server import Endpoints, Health
from detector.service.metrics import Metrics
from tests.conftest import unavailable
from tests.eventually import eventually
from tests.kafka.broker import BrokerUnavailable
from tests.kafka.certificates import Authority
from tests.service.hostile import one_sentence


@pytest.fixture
def opened():
    served = []

    def on(**knobs) -> Endpoints:
        health = Health(60)
        health.progress()
        served.append(Endpoints(Http(**{"port": 0, **knobs}), Metrics().registry, health))
        return served[-1]

    yield on
    for one in served:
        one.close()


@pytest.fixture
def certificate(tmp_path):
    try:
        return str(Authority(tmp_path).keystore("metrics", days=3))
    except BrokerUnavailable as reason:
        unavailable(str(reason))


def port_of(endpoints):
    return int(endpoints.address.rpartition(":")[2])


def connect(endpoints, host="127.0.0.1"):
    return socket.create_connection((host, port_of(endpoints)), timeout=5)


def read_all(client):
    answer = b""
    while part := client.recv(65_536):
        answer += part
    return answer


def read_until(client, end):
    """Return an answer whose head and body may come in parts."""
    answer = b""
    while not answer.endswith(end):
        answer += client.recv(65_536)
    return answer


def exchange(endpoints, request):
    """The whole answer to a client that sends no more."""
    with connect(endpoints) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return read_all(client)


def request(*lines, method=b"GET", target=b"/livez", version=b"HTTP/1.1"):
    return b"\r\n".join([b" ".join((method, target, version)), b"Host: x", *lines, b"", b""])


REQUESTS = {
    "plain": (request(), 200),
    "HTTP/1.0": (request(version=b"HTTP/1.0"), 200),
    "a later minor version": (request(version=b"HTTP/1.7"), 200),
    "no Host": (b"GET /livez HTTP/1.1\r\n\r\n", 200),
    "bare line feeds": (b"GET /livez HTTP/1.1\nHost: x\n\n", 200),
    "an empty line before": (b"\r\n\r\n" + request(), 200),
    "a query": (request(target=b"/livez?verbose=1&x=%00"), 200),
    "an empty query": (request(target=b"/livez?"), 200),
    "a fragment": (request(target=b"/livez#top"), 200),
    "two slashes": (request(target=b"//livez"), 200),
    "percent encoding": (request(target=b"/l%69vez"), 200),
    "absolute form": (request(target=b"http://faultline.example:9108/livez"), 200),
    "absolute form in capitals": (request(target=b"HTTP://X/livez?a"), 200),
    "a body with its length": (request(b"Content-Length: 4") + b"body", 200),
    "a body in chunks": (request(b"Transfer-Encoding: chunked") + b"4\r\nbody\r\n0\r\n\r\n", 200),
    "a body announced and asked for": (request(b"Expect: 100-continue", b"Content-Length: 9"), 200),
    "an upgrade": (request(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c"), 200),
    "a folded field": (request(b"X: a", b" b"), 200),
    "another path": (request(target=b"/livez/"), 404),
    "a decoded NUL": (request(target=b"/livez%00"), 404),
    "broken percent encoding": (request(target=b"/%zz%"), 404),
    "a path upwards": (request(target=b"/../livez"), 404),
    "another scheme": (request(target=b"file:///livez"), 404),
    "an address that is none": (request(target=b"http://[::1/livez"), 200),
    "no slash": (request(target=b"livez"), 404),
    "letters beyond ASCII": (request(target="/livez\u00fc".encode()), 404),
    "POST": (request(b"Content-Length: 4", method=b"POST") + b"body", 405),
    "OPTIONS": (request(method=b"OPTIONS", target=b"*"), 405),
    "CONNECT": (request(method=b"CONNECT", target=b"x:443"), 405),
    "a method of its own": (request(method=b"BREW"), 405),
    "lower case": (request(method=b"get"), 405),
    "no version": (b"GET /livez\r\n\r\n", 400),
    "HTTP/0.9 by name": (request(version=b"HTTP/0.9"), 505),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "a version in lower case": (request(version=b"http/1.1"), 400),
    "a version that is none": (request(version=b"HTTP/one"), 400),
    "a version of many digits": (request(version=b"HTTP/1." + b"1" * 4000), 400),
    "four words": (request(version=b"HTTP/1.1 more"), 400),
    "one word": (b"GET\r\n\r\n", 400),
    "no method": (b" /livez HTTP/1.1\r\n\r\n", 400),
    "a method of no token": (request(method=b"G(E)T"), 400),
    "a NUL in the line": (request(target=b"/livez\0"), 400),
    "a NUL in a field": (request(b"X: \0"), 400),
    "a bare carriage return": (b"GET /livez\r HTTP/1.1\r\n\r\n", 400),
    "a negative length": (request(b"Content-Length: -1"), 400),
    "a length in words": (request(b"Content-Length: ten"), 400),
    "a length of digits that are not ASCII": (request("Content-Length: \u00b2".encode("latin-1")), 400),
    "two lengths": (request(b"Content-Length: 1", b"Content-Length: 2"), 400),
    "two hosts": (request(b"Host: y"), 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300), 400),
    "SSH": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", 400),
    "controls": (b"\x1b]0;title\x07\r\n\r\n", 400),
    "the longest line": (request(target=b"/livez?" + b"x" * (LINE_BYTES - 22)), 200),
    "a longer line": (request(target=b"/livez?" + b"x" * (LINE_BYTES - 21)), 414),
    "a line of a megabyte": (request(target=b"/" + b"x" * 1_000_000), 414),
    "long fields": (request(b"X: " + b"x" * (FIELDS_BYTES - 100)), 200),
    "longer fields": (request(b"X: " + b"x" * FIELDS_BYTES), 431),
    "fields of a megabyte in all": (request(*[b"X: " + b"x" * 10_000] * 100), 431),
    "many fields": (request(*[b"X: x"] * 200), 431),
    "a request in half": (b"GET /livez HTTP/1.1\r\nHost:", None),
    "a line in half": (b"GET /li", None),
    "nothing": (b"", None),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_every_request_has_its_answer(opened, name, capfd):
    said, status = REQUESTS[name]
    answer = exchange(opened(), said)
    if status is None:
        assert answer == b""
        return
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    assert line == f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    names = dict(field.split(": ", 1) for field in fields)
    assert names["Content-Length"] == str(len(body))
    assert names["Content-Type"] == "text/plain; charset=utf-8"
    assert ("Allow" in names) == (status == 405)
    assert body.decode().rstrip("\n").isprintable()
    if status in (400, 405, 414, 431, 505):
        assert names["Connection"] == "close"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("target", ["/metrics", "/livez", "/readyz", "/nothing"])
@pytest.mark.parametrize("user", ["", "prometheus"])
def test_a_head_has_the_fields_of_a_get_and_no_body(opened, target, user):
    endpoints = opened(user=user, password=user)
    heads = {}
    for method in (b"GET", b"HEAD"):
        answer = exchange(endpoints, request(method=method, target=target.encode()))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert bool(body) == (method == b"GET")
        heads[method] = re.sub(rb"Date: .*\r\n", b"", head)
    if target == "/metrics" and not user:  # its length is that of the moment
        heads = {method: re.sub(rb"Content-Length: \d+", b"", head) for method, head in heads.items()}
    assert heads[b"GET"] == heads[b"HEAD"]


def test_a_connection_serves_many_requests_until_it_is_told_to_close(opened):
    endpoints = opened()
    with connect(endpoints) as client:
        for _ in range(3):
            client.sendall(request())
            assert b"Connection" not in read_until(client, b"alive\n")
        client.sendall(
            request() + request(method=b"HEAD") + request(target=b"/nothing") + request(b"Connection: close")
        )
        answers = read_all(client)
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"200", b"404", b"200"]
    assert answers.count(b"alive\n") == 2
    assert answers.count(b"Connection: close") == 1


@pytest.mark.parametrize(
    ("said", "answers"),
    [
        (request(version=b"HTTP/1.0") * 2, 1),
        (request(b"Connection: keep-alive", version=b"HTTP/1.0") * 2, 2),
        (request(b"Content-Length: 5") + request(), 1),
        (request(b"Transfer-Encoding: gzip, chunked") + request(), 1),
        (request(b"Content-Length: 0") + request(), 2),
        (request(method=b"DELETE") + request(), 1),
        (request() * 50, 50),
    ],
)
def test_what_follows_is_answered_only_where_it_is_surely_a_request(opened, said, answers):
    assert exchange(opened(), said).count(b"HTTP/1.1 ") == answers


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/metrics", "/metrics"),
        ("///metrics?x#y", "/metrics"),
        ("https://h/metrics", "/metrics"),
        ("http://h", ""),
        ("http://user:x@[::1]:1/a%2Fb", "/a/b"),
        ("*", "*"),
        ("/%25", "/%"),
        ("/%ff", "/\ufffd"),
    ],
)
def test_a_path_is_what_a_target_means(target, path):
    assert path_of(target) == path


class Nothing:
    def await_request(self):
        pass

    read_request = write_answer = await_request


WORDS = st.sampled_from(
    [
        *(b"GET", b"HEAD", b"POST", b" ", b"/livez", b"*", b"http://", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9", b"\r\n"),
        *(b"\n", b"\r", b"\0", b"Host: x", b"Content-Length: ", b"7", b"-", b"Expect: 100-continue", b":", b"\xff"),
        *(b"Connection: keep-alive", b"Transfer-Encoding: chunked", b"=?utf-8?q?x?=", b"\t", b"\x0b", b"x" * 3000),
    ]
)


@given(st.lists(WORDS | st.binary(max_size=9), max_size=30).map(b"".join))
@example(b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n")
@example(b"GET / HTTP/1.1\r\n\xff\xfe: \x80\r\n\r\n")
@example(b"GET / HTTP/1.1\r\nContent-Type: multipart/x; boundary=\r\n\r\n")
def test_whatever_is_sent_there_is_an_answer_or_an_end(said):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    with ours, theirs:
        theirs.settimeout(5)
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        Exchange(ours, lambda path, authorization: Answer(HTTPStatus.OK, b"x"), Nothing())
        ours.close()
        answer = read_all(theirs)
    assert re.fullmatch(rb"(HTTP/1\.1 (200|400|405|414|431|505) [A-Z][\w -]*\r\n(?s:.*))?", answer)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "reached", "shown"),
    [
        ("127.0.0.1", ["127.0.0.1"], "127.0.0.1"),
        ("0.0.0.0", ["127.0.0.1"], "0.0.0.0"),
        ("localhost", ["127.0.0.1"], "localhost"),
        ("::1", ["::1"], "[::1]"),
        ("[::1]", ["::1"], "[::1]"),
        ("0:0:0:0:0:0:0:1", ["::1"], "[0:0:0:0:0:0:0:1]"),
        ("::", ["::1", "127.0.0.1"], "[::]"),
        ("[::]", ["::1", "127.0.0.1"], "[::]"),
        ("::ffff:127.0.0.1", ["127.0.0.1"], "[::ffff:127.0.0.1]"),
    ],
)
def test_every_spelling_of_an_address_is_listened_on(opened, host, reached, shown):
    if ":" in host and not has_ipv6():
        pytest.skip("this host has no IPv6")
    endpoints = opened(host=host)
    assert endpoints.url == f"http://{shown}:{port_of(endpoints)}"
    for address in reached:
        with connect(endpoints, address) as client:
            client.sendall(request(b"Connection: close"))
            assert read_all(client).endswith(b"alive\n")


def test_a_name_with_several_addresses_is_listened_on_at_all_of_them(opened, monkeypatch):
    if not has_ipv6():
        pytest.skip("this host has no IPv6")
    answers = [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0))]
    answers += [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("127.0.0.1", "192.0.2.7")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)  # the resolver is the outside
    endpoints = opened(host="metrics.example")
    monkeypatch.undo()
    for address in ("::1", "127.0.0.1"):
        connect(endpoints, address).close()


def test_nobody_is_asked_for_a_name(opened, monkeypatch):
    def ask(*_, **__):
        raise AssertionError("the resolver was asked")

    for question in ("getfqdn", "gethostbyaddr", "gethostbyname", "getnameinfo"):
        monkeypatch.setattr(socket, question, ask)
    endpoints = opened()
    assert exchange(endpoints, request()).endswith(b"alive\n")


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("", "'' at http.host is no address and no host name"),
        ("0", "'0' at http.host is no address and no host name"),
        ("127.1", "is no address and no host name; set it to an address of this host, such as 127.0.0.1 or ::1"),
        ("0x7f000001", "is no address and no host name"),
        ("256.0.0.1", "is no address and no host name"),
        ("*", "is no address and no host name"),
        ("127.0.0.1:9108", "and give the port in http.port"),
        ("[::1]:9108", "and give the port in http.port"),
        ("http://127.0.0.1", "is no address and no host name"),
        ("a b", "is no address and no host name"),
        ("x\0y", "is no address and no host name"),
        ("\u202e1", "is no address and no host name"),
        ("a..b", "cannot be resolved"),
        ("x" * 70, "cannot be resolved"),
        ("nowhere.invalid", r"cannot be resolved \(.+\); set it to an address of this host\."),
        ("192.0.2.7", "this host does not have that address; set http.host to one of its own"),
        ("::1%nowhere", "cannot be resolved .*; give an interface of this host after the %"),
        ("2001:db8::7", r"cannot listen on \[2001:db8::7\]:0: this host (does not have that address|has no IPv6)"),
        ("fe80::1", "a link-local address needs its interface; set http.host to fe80::1%INTERFACE|has no IPv6"),
        ("224.0.0.1", "is no address and no host name"),
        ("255.255.255.255", "is no address and no host name"),
    ],
)
def test_an_address_that_is_none_of_ours_is_refused_with_its_remedy(host, sentence):
    with pytest.raises(ConfigError, match=sentence) as raised:
        Endpoints(Http(host=host, port=0), Metrics().registry, Health(60))
    assert "free port" not in one_sentence(str(raised.value))


def test_a_port_that_is_taken_or_forbidden_is_named_with_its_remedy(opened):
    port = port_of(opened())
    remedy = "another process listens there; stop it, or set http.port to a free port."
    with pytest.raises(ConfigError, match=rf"cannot listen on 127\.0\.0\.1:{port}: {remedy}"):
        opened(port=port)
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 81))
    except OSError as error:
        if error.errno != errno.EACCES:
            pytest.skip("port 81 is in use")
        with pytest.raises(ConfigError, match=r"may not use a port below 1024; set http\.port to a port from 1024"):
            opened(port=81)


def test_the_end_waits_for_no_client(opened, certificate):
    for knobs in ({}, {"certificate": certificate}):
        threads = threading.active_count()
        endpoints = opened(**knobs)
        clients = [connect(endpoints) for _ in range(20)]
        for client in clients[:10]:
            client.sendall(b"GET /metrics HTTP/1.1\r\n")
        if not knobs:
            clients[0].sendall(b"\r\n" * 2 + request(target=b"/metrics") * 100)  # and nothing of it is read
        began = time.monotonic()
        endpoints.close()
        assert time.monotonic() - began < 1
        eventually(lambda before=threads: threading.active_count() <= before, "all threads are gone", 3)
        for client in clients:
            client.close()
        with pytest.raises(OSError, match="refused"):
            connect(endpoints)


def test_clients_that_do_not_speak_tls_hold_nobody_up(opened, certificate, capfd):
    endpoints = opened(certificate=certificate)
    stalled = [connect(endpoints) for _ in range(CONNECTIONS - 2)]
    for client in stalled[::2]:
        client.sendall(b"\x16\x03\x01\x02\x00")
    for client in stalled[1::4]:
        client.sendall(request())  # plain
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(f"{endpoints.url}/livez", timeout=3, context=context) as answer:
        assert answer.read() == b"alive\n"
    with context.wrap_socket(connect(endpoints)) as client:
        client.sendall(request() + request(b"Connection: close"))
        assert read_all(client).count(b"alive\n") == 2  # and no error: the end is told in TLS, too
    for client in stalled:
        client.close()
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_client_gains_no_time_by_a_byte_now_and_then(opened, certificate):
    """Each is closed when its time is over, and meanwhile everybody else is served at once."""
    plain, secret = opened(), opened(certificate=certificate)
    clients = {
        "silent": (connect(plain), b""),
        "slow line": (connect(plain), b"G"),
        "slow fields": (connect(plain), b"x"),
        "slow second request": (connect(plain), b"G"),
        "slow handshake": (connect(secret), b"\x16"),
        "half a handshake": (connect(secret), b""),
    }
    clients["slow fields"][0].sendall(b"GET /livez HTTP/1.1\r\n")
    clients["slow second request"][0].sendall(request())
    read_until(clients["slow second request"][0], b"alive\n")
    clients["slow second request"][0].sendall(b"GE")
    clients["half a handshake"][0].sendall(b"\x16\x03\x01\x02\x00\x01\x00")
    began, ends = time.monotonic(), {}
    while len(ends) < len(clients) and time.monotonic() - began < 2 * REQUEST_SECONDS:
        for name, (client, byte) in clients.items():
            if name in ends:
                continue
            client.settimeout(0.1)
            try:
                client.sendall(byte)
                ended = client.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
            if ended:
                ends[name] = time.monotonic() - began
        asked = time.monotonic()
        assert exchange(plain, request()).endswith(b"alive\n")
        assert time.monotonic() - asked < 1
    for client, _ in clients.values():
        client.close()
    assert ends.keys() == clients.keys()
    for name, seconds in ends.items():
        assert seconds < REQUEST_SECONDS + 2, name


@pytest.mark.slow
def test_a_client_that_reads_nothing_is_closed_and_holds_nobody_up(opened):
    endpoints = opened()
    threads = threading.active_count()
    clients = []
    for _ in range(CONNECTIONS):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(("127.0.0.1", port_of(endpoints)))
        client.settimeout(0.2)
        with suppress(TimeoutError):  # neither of us reads
            client.sendall(request(target=b"/metrics") * 2000)
        clients.append(client)
    asked = time.monotonic()
    assert exchange(endpoints, request()).endswith(b"alive\n")
    assert time.monotonic() - asked < 2
    eventually(lambda: threading.active_count() <= threads, "all of them are closed", 4 * REQUEST_SECONDS)
    for client in clients:
        client.close()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["-I"], "HTTP/1.1 200 OK"),
        (["-I", "--http1.0"], "HTTP/1.1 200 OK"),
        (["--head", "--path-as-is"], "Content-Length: 6"),
        (["-i", "-X", "OPTIONS"], "Allow: GET, HEAD"),
        (["-i", "-d", "x" * 5000], "HTTP/1.1 405"),
        (["-i", "-X", "GET", "-d", "x" * 100_000, "-H", "Expect: 100-continue"], "alive"),
        (["-i", "-H", "X: " + "x" * 70_000], "HTTP/1.1 431"),
        (["--http2-prior-knowledge"], ""),
    ],
)
def test_curl_is_answered(opened, options, expected):
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl on the PATH")
    endpoints = opened()
    done = subprocess.run(
        [curl, "-sS", "-m", "5", *options, f"{endpoints.url}/livez"], capture_output=True, text=True, check=False
    )
    assert expected in done.stdout
    assert (done.returncode == 0) == bool(expected), done.stderr
