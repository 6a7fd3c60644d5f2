"""What is shown of a running daemon: names that Prometheus likes, labels from closed lists, and never a cell."""

import os
import re
import socket
import struct
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from detector.certificates import USES
from detector.config.schema import Http
from detector.core.ingest.samples import Reason
from detector.core.ingest.value_faults import ValueFault
from detector.core.scoring.classifier import VERDICTS
from detector.core.vocabulary import CHANGES, KINDS, SEVERITIES
from detector.errors import BUNDLE_REASONS
from detector.service.endpoints.connections import CONNECTIONS
from detector.service.feed.health import DEAF
from detector.service.http_server import Endpoints, Health
from detector.service.latency import IGNORED
from detector.service.metrics import (
    CUTS,
    OUTCOMES,
    PLAYS,
    RESETS,
    STAGES,
    TABLES,
    TRANSACTIONS,
    WITHHELD,
    Metrics,
)
from tests.eventually import eventually
from tests.service.network import CELLS, MINUTES, told
from tests.service.stage import get, samples

LABELS = {
    "outcome": {*OUTCOMES, *TRANSACTIONS, *CUTS, *PLAYS},
    "reason": {*map(str, Reason), *DEAF, *BUNDLE_REASONS, *RESETS, *WITHHELD, *IGNORED},
    "verdict": set(VERDICTS),
    "type": set(CHANGES),
    "severity": set(SEVERITIES),
    "kind": {*KINDS, *map(str, ValueFault)},
    "stage": set(STAGES),
    "certificate": set(USES),
    "topic": set(TABLES),
}
"""Every label there may be, with its values; `le` and the two infos aside."""

UNITS = ("_seconds", "_records", "_total", "_bytes")


@pytest.mark.broker
def test_every_metric_is_named_as_prometheus_wants_it(undisturbed):
    families = list(text_string_to_metric_families(undisturbed.metrics))
    assert len(families) > 20
    for family in families:
        assert re.fullmatch(r"faultline_[a-z][a-z0-9_]*", family.name)
        assert family.documentation.endswith(".")
        names = {sample.name for sample in family.samples if not sample.name.endswith("_created")}
        if family.type == "counter":
            assert names == {f"{family.name}_total"}
        else:
            assert not family.name.endswith("_total")
        if family.type == "histogram":
            assert family.name.endswith(UNITS), family.name
        assert not re.search(r"_(ms|millis|minutes|hours|kb|percent)(_|$)", family.name)


@pytest.mark.broker
def test_labels_come_from_closed_lists(undisturbed):
    for family in text_string_to_metric_families(undisturbed.metrics):
        for sample in family.samples:
            for label, value in sample.labels.items():
                if label != "le" and family.type != "info" and not sample.name.endswith("_info"):
                    assert value in LABELS[label], sample


@pytest.mark.broker
def test_no_cell_is_named_anywhere(undisturbed):
    assert not [cell for cell in CELLS if cell in undisturbed.metrics]


@pytest.mark.broker
def test_the_numbers_are_those_of_the_run(undisturbed):
    seen = samples(undisturbed.metrics)
    count = len(told(0, MINUTES))
    assert seen['faultline_records_total{outcome="in_order"}'] == count
    assert seen["faultline_batch_size_records_sum"] == count
    assert seen['faultline_latency_ignored_records_total{reason="past"}'] == count, "they are stamped months ago"
    assert seen["faultline_end_to_end_latency_seconds_count"] == 0
    assert seen["faultline_cells_tracked"] == len(CELLS)
    assert seen["faultline_partitions_assigned"] == 2
    assert seen["faultline_consumer_lag_records"] == seen["faultline_consumer_lag_records_max"] == 0
    assert seen["faultline_ready"] == 1
    assert seen['faultline_exemplars{kind="fault"}'] == 1
    assert sum(value for name, value in seen.items() if name.startswith("faultline_verdicts_total")) == count
    assert seen["faultline_windows_scored_total"] == count - seen['faultline_verdicts_total{verdict="insufficient"}']
    notified = sum(value for name, value in seen.items() if name.startswith("faultline_alarms_total{"))
    assert notified == len(undisturbed.messages)
    assert all(seen[f'faultline_alarms_open{{severity="{severity}"}}'] == 0 for severity in SEVERITIES)
    for stage in STAGES:
        assert seen[f'faultline_stage_duration_seconds_count{{stage="{stage}"}}'] > 0


@pytest.mark.broker
def test_a_running_daemon_says_that_it_lives_and_judges(undisturbed):
    assert (undisturbed.livez.status, undisturbed.livez.body) == (200, "alive\n")
    assert (undisturbed.readyz.status, undisturbed.readyz.body) == (200, "ready\n")


# --- the endpoints alone ---------------------------------------------------------------------------------------------


@pytest.fixture
def health():
    return Health(stall_seconds=60)


@pytest.fixture
def endpoints(health):
    served = Endpoints(Http(port=0), Metrics().registry, health)
    yield served
    served.close()


@pytest.fixture
def url(endpoints):
    return f"http://{endpoints.address}"


def connect(endpoints):
    host, port = endpoints.address.split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def test_what_is_not_alive_or_not_ready_says_why(health, url):
    assert (get(f"{url}/livez").status, get(f"{url}/livez").body) == (503, "no progress for 60 s\n")
    health.progress()
    assert get(f"{url}/livez").status == 200
    assert (get(f"{url}/readyz").status, get(f"{url}/readyz").body) == (503, "starting\n")
    health.is_ready = True
    assert get(f"{url}/readyz").status == 200


def test_what_is_not_there_names_what_is(url):
    assert get(f"{url}/").status == 404
    assert "/metrics" in get(f"{url}/").body
    assert get(f"{url}/metrics?name[]=faultline_ready").status == 200


def test_clients_that_say_nothing_hold_nobody_up(endpoints, url):
    dumb = [connect(endpoints) for _ in range(20)]
    try:
        dumb[0].sendall(b"GET /metr")
        assert get(f"{url}/metrics").status == 200
    finally:
        for client in dumb:
            client.close()


def test_more_clients_than_there_is_room_for_cut_the_oldest_off(endpoints, url):
    """Ten times the bound, all of them saying a byte now and then."""
    threads, files = threading.active_count(), open_files()
    slow = []
    try:
        for _ in range(10 * CONNECTIONS):
            slow.append(connect(endpoints))
            slow[-1].sendall(b"GET /")
        for client in slow[-CONNECTIONS:]:
            client.sendall(b"m")
        assert get(f"{url}/metrics").status == 200
        eventually(lambda: threading.active_count() <= threads + CONNECTIONS, "threads are bounded")
        eventually(lambda: open_files() <= files + CONNECTIONS + len(slow), "files are bounded")
    finally:
        for client in slow:
            client.close()
    eventually(lambda: threading.active_count() <= threads, "all are gone")


def open_files():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("said", [b"", b"GET /metrics HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\xfc\r\n\r\n"])
def test_a_client_that_hangs_up_or_talks_nonsense_leaves_no_traceback(endpoints, url, said, capfd):
    for _ in range(5):
        client = connect(endpoints)
        client.sendall(said)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()  # a reset, not a farewell
    eventually(lambda: get(f"{url}/metrics").status == 200, "it still answers", 5)
    assert capfd.readouterr().err == ""


def test_a_method_that_changes_something_is_not_there(endpoints):
    with connect(endpoints) as client:
        client.sendall(b"POST /metrics HTTP/1.0\r\nContent-Length: 0\r\n\r\n")
        assert client.recv(100).split()[1] == b"405"


def test_a_closed_endpoint_gives_its_port_back(health):
    served = Endpoints(Http(port=0), Metrics().registry, health)
    port = int(served.address.rpartition(":")[2])
    served.close()
    Endpoints(Http(port=port), Metrics().registry, health).close()
