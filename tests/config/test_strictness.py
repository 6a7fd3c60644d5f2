"""The configuration as a whole: each mistake with its line, the nearest key, and no wish read out of nothing."""

import pytest

from detector.__main__ import main
from detector.config.loader import read_config, read_knobs, write_knobs
from detector.errors import ConfigError

TOP = "bundle: b\nkafka: {common: {bootstrap.servers: 'x:1'}}\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config.yaml"


def refusal(path, text):
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        read_config(path)
    sentence = str(raised.value)
    assert sentence.startswith(f"{path}: ")
    assert sentence.endswith(".")
    return sentence.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("alarms: {unknown_minutes: 30}\nalarms: {clear_margin: 2}\n", "line 4, column 1: `alarms` stands twice"),
        ("limits: {record_bytes: 20:30}\n", "line 3, column 24: `limits.record_bytes` is 20:30, which"),
        ("limits: {cells: 0100000}\n", "line 3, column 17: `limits.cells` is 0100000, which is octal"),
        ("limit: {cells: 1}\n", "line 3, column 1: `limit` is no key of the document (did you mean `limits`?)."),
        ("Limits: {cells: 1}\n", "(did you mean `limits`?)."),
        ("minutes: {late-minutes: 1}\n", "`late-minutes` is no key of `minutes` (did you mean `late_minutes`?)."),
        (
            "http: {listen: 1}\n",
            "`listen` is no key of `http`; known are certificate, host, key, password, port, user.",
        ),
        ("minutes: {quorum_cells: 1.0}\n", "`minutes.quorum_cells` is 1.0; allowed is a whole number from 1 to 50."),
        ("minutes: {late_minutes: '1'}\n", "is the text '1'; allowed is a whole number from 0 to 59 or `auto`."),
        ("minutes: {late_minutes: }\n", "is empty (null); allowed is a whole number from 0 to 59 or `auto`."),
        ("minutes: {late_minutes: [1]}\n", "is a list; allowed is a whole number from 0 to 59 or `auto`."),
        ("minutes: []\n", "`minutes` is an empty list; allowed is a mapping of keys to values."),
        ("minutes:\n", "line 3, column 9: `minutes` is empty (null); allowed is a mapping of keys to values."),
        ("log: {level: debug, format: yes}\n", "line 3, column 29: `log.format` is yes, which is true or false"),
        ("alarms: {system_dn: 2026-01-05}\n", "`alarms.system_dn` is 2026-01-05; allowed is a text that is not empty"),
        ("alarms: {system_dn: 12}\n", "and without controls; put it in quotes."),
        ("alarms: {system_dn: true}\n", "`alarms.system_dn` is true; allowed is a text"),
        ("alarms: {system_dn: ~}\n", "`alarms.system_dn` is empty (null); allowed is a text"),
        ("alarms: {system_dn: ''}\n", "`alarms.system_dn` is empty; allowed is a text that is not empty"),
        ('alarms: {system_dn: " \\t"}\n', "`alarms.system_dn` is blank; allowed is a text that is not empty"),
        ('alarms: {system_dn: "a\\nb"}\n', "without controls"),
        ("alarms: {half_life_minutes: .nan}\n", "is .nan, which is no finite number"),
        ("alarms: {half_life_minutes: .inf}\n", "is .inf, which is no finite number"),
        ("alarms: {budgets: {no: 1}}\n", "the key `no` of `alarms.budgets` is true or false"),
        ("http: {host: ''}\n", "`http.host` is empty; allowed is an address or the name of a host, such as 127.0.0.1;"),
        ("http: {host: ' '}\n", "`http.host` is blank"),
        ("http: {host: ~}\n", "`http.host` is empty (null)"),
        ("http: {host: 0}\n", "`http.host` is 0; allowed is an address"),
        ("http: {host: '0'}\n", "`http.host` is no address and no name of a host; give one, such as 127.0.0.1."),
        ("http: {host: '127.1'}\n", "`http.host` is no address and no name of a host"),
        (
            "http: {host: '*'}\n",
            "`http.host` is `*`; give 0.0.0.0 to listen on every interface of IPv4, or :: for IPv6.",
        ),
        ("http: {host: '127.0.0.1:80'}\n", "`http.host` is a host with a port or brackets; give the host here"),
        ("http: {host: 'node-1:80'}\n", "`http.host` is a host with a port or brackets"),
        ("http: {host: '[::1]'}\n", "`http.host` is a host with a port or brackets"),
        ("http: {host: '[::1]:80'}\n", "`http.host` is a host with a port or brackets"),
        ("http: {host: 'http://node'}\n", "`http.host` is a URL or a path; give the host alone"),
        ("http: {host: 'node one'}\n", "`http.host` is no address and no name of a host"),
        ("http: {port: 70000}\n", "`http.port` is 70000; allowed is a whole number from 0 to 65,535."),
        ("http: {port: -1}\n", "`http.port` is -1; allowed is a whole number from 0 to 65,535."),
        ("http: {certificate: ' '}\n", "`http.certificate` is blank"),
        ("http: {user: 12, password: 1234567}\n", "`http.password` is a value that is not shown; allowed is a text"),
        ("trust: key.pem\n", "`trust` is the text 'key.pem'; allowed is a list."),
    ],
)
def test_a_mistake_is_told_with_what_is_allowed(path, text, sentence):
    assert sentence in refusal(path, TOP + text)


@pytest.mark.parametrize("name", ["group", "instance"])
@pytest.mark.parametrize("value", ["''", "' '", '"a "', "~", "1", "yes", "2026-01-05", "[a]"])
def test_a_name_on_the_cluster_is_a_text_that_says_something(path, name, value):
    assert f"`kafka.{name}` is" in refusal(path, f"bundle: b\nkafka: {{{name}: {value}}}\n")


@pytest.mark.parametrize("name", ["minutes", "alarms", "active", "labels", "deadletters"])
def test_a_topic_has_a_name(path, name):
    assert f"`kafka.topics.{name}` is empty" in refusal(path, f"bundle: b\nkafka: {{topics: {{{name}: ''}}}}\n")


@pytest.mark.parametrize(
    ("servers", "problem"),
    [
        ("''", "empty"),
        ("' '", "empty"),
        ("'a:9092,'", "empty"),
        ("'a:9092,,b:9092'", "empty"),
        ("'a:0'", "with a port outside 1 to 65,535"),
        ("'a:70000'", "with a port outside 1 to 65,535"),
        ("'a:port'", "no host with a port"),
        ("':9092'", "no host with a port"),
        ("'a b:9092'", "no host with a port"),
        ("'::1:9092'", "no host with a port"),
        ("'[x]:9092'", "no IPv6 address in its brackets"),
        ("9092", "no address and no name of a host"),
    ],
)
def test_a_broker_has_a_host_and_a_port(path, servers, problem):
    sentence = refusal(path, f"bundle: b\nkafka: {{common: {{bootstrap.servers: {servers}}}}}\n")
    assert f"`kafka.common.bootstrap.servers` has an address that is {problem}; give host:port" in sentence


@pytest.mark.parametrize(
    "servers", ["a", "a:9092, b.c:1", "[::1]:9092", "PLAINTEXT://a:9092", "10.0.0.1:65535", "_a-b.c.:1"]
)
def test_an_address_that_librdkafka_takes_is_taken(path, servers):
    path.write_text(f"bundle: b\nkafka: {{common: {{bootstrap.servers: '{servers}'}}}}\n")
    assert read_config(path).kafka.common["bootstrap.servers"] == servers


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1%eth0", "localhost", "node-1.example.", "a_b"]
)
def test_a_host_to_listen_on_is_taken(path, host):
    path.write_text(TOP + f"http: {{host: '{host}'}}\n")
    assert read_config(path).http.host == host


@pytest.mark.parametrize("value", ["[a, b]", "{a: b}", "~", "2026-01-05", "1e3", "yes"])
def test_a_property_of_librdkafka_is_one_plain_value(path, value):
    sentence = refusal(path, f"bundle: b\nkafka:\n  common: {{bootstrap.servers: a, client.id: {value}}}\n")
    assert sentence.startswith("line 3, column 45: `kafka.common.client.id` is ")


def test_all_mistakes_come_at_once_and_check_ends_with_2(path, capfd):
    path.write_text("bundl: x\nkafka: {grup: a, batch_records: 010}\nminutes: {late_minutes: 60}\nhttp: {host: ''}\n")
    assert main(["check", "--offline", "--config", str(path)]) == 2
    (said,) = capfd.readouterr().err.splitlines()
    assert said.startswith(f"faultline: {path}: has 6 mistakes: line 1, column 1: ")
    for part in (
        "`bundle` is missing",
        "did you mean `bundle`?",
        "`group`?",
        "is 010",
        "is 60",
        "`http.host` is empty",
    ):
        assert part in said


def test_mistakes_between_keys_come_at_once(path):
    sentence = refusal(path, "bundle: b\nhttp: {key: k, host: '*'}\nruntime: {stall_seconds: 5}\n")
    assert sentence.startswith("has 4 mistakes: ")
    for place in ("line 2, column 8", "line 2, column 16", "line 3, column 11"):
        assert f"{place}: " in sentence


def test_knobs_are_written_so_that_they_are_read_again(path):
    knobs = {
        "bundle": "0100",
        "kafka": {"group": "yes", "instance": "20:30", "common": {"a": "1e3", "b": True, "c": "~"}},
    }
    path.write_text(write_knobs(knobs))
    assert read_knobs(path) == knobs
