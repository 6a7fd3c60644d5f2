"""The real Prometheus beside the real daemon on the real broker: an alert fires under its fault, and not before."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from tests.deploy.feed import Feed, body
from tests.deploy.prometheus import Prometheus
from tests.eventually import eventually
from tests.kafka.broker import free_ports
from tests.kafka.certificates import Authority
from tests.kafka.topics import QUIET
from tests.service.broken import lose_a_file
from tests.service.network import CELLS, label
from tests.service.stage import Daemon, get

pytestmark = [pytest.mark.broker, pytest.mark.deploy]

START_SECONDS = 180.0
"""Of a daemon, on a machine that does much else."""

FOLLOWS = {
    "FaultlineDeaf": {"FaultlineRejectsRising"},
    "FaultlineDown": {"FaultlineNoRecords", "FaultlineRestarting"},
    "FaultlineAlarmStorm": {"FaultlineCellsSilent"},
    "FaultlineTooManyCells": {"FaultlineRejectsRising"},
    "FaultlineLagging": {"FaultlineSlow", "FaultlineFrontierOld"},
    "FaultlineNoProgress": {
        *("FaultlineNotReady", "FaultlineNoRecords", "FaultlineSlow", "FaultlineLagging", "FaultlineFrontierOld"),
    },
    "FaultlineRebalancing": {"FaultlineTransactionsAborting"},
    "FaultlineTransactionsAborting": {"FaultlineDown", "FaultlineNoProgress", "FaultlineNoRecords"},
}
"""What may fire beside it, because it is true as well."""


@pytest.fixture
def told(request):
    """Prints how long an alert took, for the closing table."""

    def tell(name: str, fault: str, began: float) -> None:
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(f"\n{name:<32} {fault:<60} {time.monotonic() - began:5.1f} s")

    return tell


@pytest.fixture
def asked(fetched, tmp_path):
    """Prometheus on some daemons."""
    fetched("prometheus")
    folder = tmp_path / "prometheus"
    folder.mkdir()

    def on(*daemons: Daemon, **more: object) -> Prometheus:
        return Prometheus(folder, [daemon.url.split("://")[1] for daemon in daemons], **more)

    return on


@pytest.fixture
def fires(told):
    """Waits for an alert, tells how long it took, and that nothing else was alarmed."""

    def wait(prometheus: Prometheus, name: str, fault: str, began: float) -> None:
        prometheus.wait_firing(name)
        told(name, fault, began)
        assert prometheus.firing() - {name} <= FOLLOWS.get(name, set())

    return wait


@contextmanager
def running(stage, **changes) -> Iterator[Daemon]:
    with Daemon(stage.config(**changes)) as daemon:
        yield daemon.wait_ready(START_SECONDS)


def test_what_is_well_alarms_nobody_and_a_killed_daemon_does(stage, asked, fires):
    port = free_ports(1)[0]
    with Feed(stage), running(stage, http={"port": port}) as daemon, asked(daemon) as prometheus:
        prometheus.wait_quiet()
        scrapes = prometheus.query("count_over_time(faultline_ready[10m]) + 50")[0]["value"][1]
        eventually(
            lambda: prometheus.query(f"count_over_time(faultline_ready[10m]) >= {scrapes}") != [], "25 s go by", 90
        )
        assert prometheus.query('ALERTS{alertstate="firing"}[20s]') == []
        began = time.monotonic()
        daemon.kill()
        fires(prometheus, "FaultlineDown", "kill -9", began)
        with running(stage, http={"port": port}):
            prometheus.wait_quiet()


def test_who_is_started_again_and_again_is_told_of(stage, asked, fires):
    port = free_ports(1)[0]
    with Feed(stage, every=2), running(stage, http={"port": port}) as daemon, asked(daemon, pace=6) as prometheus:
        prometheus.wait_quiet()
        began = time.monotonic()
        for _ in range(3):
            daemon.kill()
            daemon = Daemon(stage.config(http={"port": port})).wait_ready(START_SECONDS)
            eventually(lambda: prometheus.query("faultline_ready == 1") != [], "it was seen", 30)
        with daemon:
            fires(prometheus, "FaultlineRestarting", "kill -9, three times", began)


def test_a_scrape_without_a_target_is_told_of(asked, fires):
    began = time.monotonic()
    with asked() as prometheus:
        fires(prometheus, "FaultlineMissing", "no target in the scrape configuration", began)


def test_a_feed_that_stops_is_told_of(stage, asked, fires):
    with Feed(stage) as feed, running(stage) as daemon, asked(daemon) as prometheus:
        prometheus.wait_quiet()
        feed.close()
        fires(prometheus, "FaultlineNoRecords", "the feed stops", time.monotonic())


def test_a_feed_of_old_minutes_is_told_of(stage, asked, fires):
    with Feed(stage, behind=180), running(stage) as daemon, asked(daemon) as prometheus:
        began = time.monotonic()
        fires(prometheus, "FaultlineFrontierOld", "minutes of three hours ago", began)


def test_alarms_that_come_late_are_told_of(stage, asked, fires):
    with Feed(stage, stamped=600), running(stage) as daemon, asked(daemon) as prometheus:
        fires(prometheus, "FaultlineSlow", "records that were ten minutes under way", time.monotonic())


def test_a_broker_that_hangs_under_load_is_told_of(stage, mortal_broker, asked, fires, told):
    slow = {"batch_records": 1, "producer": {"transaction.timeout.ms": 60_000}}
    # Ready first: of what had gathered before it, one record at a time, the second partition would wait for minutes.
    with running(stage, kafka=slow) as daemon, Feed(stage, 400, every=0.3) as feed, asked(daemon) as prometheus:
        began = time.monotonic()
        fires(prometheus, "FaultlineLagging", "more comes than one record a transaction", began)
        feed.close()
        began = time.monotonic()
        mortal_broker.pause()
        prometheus.wait_firing("FaultlineNotReady")
        told("FaultlineNotReady", "the broker hangs (SIGSTOP)", began)
        fires(prometheus, "FaultlineNoProgress", "the broker hangs (SIGSTOP), records lie there", began)


def test_broken_records_are_told_of_and_a_feed_of_nothing_else_too(stage, asked, fires):
    with Feed(stage) as feed, running(stage) as daemon, asked(daemon) as prometheus:
        prometheus.wait_quiet()
        began = time.monotonic()
        feed.body = lambda cell, minute: b"{" if cell == CELLS[0] else body(cell, minute)
        fires(prometheus, "FaultlineRejectsRising", "every eighth record is broken", began)
        began = time.monotonic()
        feed.body = lambda cell, minute: b"{"
        fires(prometheus, "FaultlineDeaf", "all records are broken", began)


def test_cells_there_is_no_room_for_are_told_of(stage, asked, fires):
    with Feed(stage) as feed, running(stage, limits={"cells": len(CELLS)}) as daemon, asked(daemon) as prometheus:
        prometheus.wait_quiet()
        feed.speaking = [*CELLS, "nobody-1", "nobody-2"]
        fires(prometheus, "FaultlineTooManyCells", "names beyond limits.cells", time.monotonic())


def test_a_storm_and_a_silence_are_told_of(stage, asked, fires):
    with Feed(stage, 100) as feed, running(stage) as daemon, asked(daemon) as prometheus:
        prometheus.wait_quiet()
        feed.speaking = feed.speaking[:60]
        began = time.monotonic()
        fires(prometheus, "FaultlineAlarmStorm", "40 of 100 cells fall silent", began)
        eventually(lambda: "FaultlineAlarmStorm" not in prometheus.firing(), "the storm is over", 60)
        fires(prometheus, "FaultlineCellsSilent", "40 of 100 cells are silent", began)


def test_a_large_network_without_an_alarm_is_told_of(stage, asked, fires):
    with Feed(stage, 1100, every=2), running(stage) as daemon, asked(daemon) as prometheus:
        fires(prometheus, "FaultlineNoAlarms", "1,100 cells and a scaled day without an alarm", time.monotonic())


def test_a_refused_bundle_and_instances_that_differ_are_told_of(stage, asked, fires, bundle, other_bundle, tmp_path):
    current = tmp_path / "current"
    current.symlink_to(bundle)
    broken = shutil.copytree(other_bundle, tmp_path / "broken")
    lose_a_file(broken)
    soon = {"bundle": str(current), "runtime": {"reload_seconds": 0.5}}
    both = running(stage, **soon), running(stage, kafka={"instance": "second"})
    with Feed(stage), both[0] as daemon, both[1] as second, asked(daemon, second) as prometheus:
        prometheus.wait_quiet()
        began = time.monotonic()
        put(broken, current)
        fires(prometheus, "FaultlineBundleRefused", "a bundle that lacks a file", began)
        began = time.monotonic()
        put(other_bundle, current)
        eventually(lambda: "FaultlineBundleRefused" not in prometheus.firing(), "a good one mends it", 90)
        fires(prometheus, "FaultlineBundlesDiffer", "one of two instances has another bundle", began)


def test_a_broker_that_refuses_alarms_is_told_of(stage, asked, fires):
    with Feed(stage, 30) as feed, running(stage) as daemon, asked(daemon) as prometheus:
        prometheus.wait_quiet()
        shrink(stage)
        feed.speaking = feed.speaking[:-3]
        fires(prometheus, "FaultlineTransactionsAborting", "max.message.bytes of alarms too small", time.monotonic())


def test_a_canary_that_is_missed_is_told_of(stage, asked, fires):
    nothing = {"false_alarms_per_1000_cells_per_day": 1e-15}
    with Feed(stage), running(stage, alarms=nothing) as daemon, asked(daemon) as prometheus:
        fires(prometheus, "FaultlineCanaryMissed", "a budget that no score can meet", time.monotonic())


def test_partitions_that_never_rest_are_told_of(stage, asked, fires):
    restless = {"consumer": {"heartbeat.interval.ms": 200}}  # to hear sooner that the group is another
    with Feed(stage), running(stage, kafka=restless) as daemon, asked(daemon, pace=6) as prometheus:
        prometheus.wait_quiet()
        began = time.monotonic()
        while "FaultlineRebalancing" not in prometheus.firing():
            come_and_go(stage)
            assert time.monotonic() < began + 120
        fires(prometheus, "FaultlineRebalancing", "a member that comes and goes", began)


def test_memory_near_its_limit_is_told_of(stage, asked, fires):
    small = {"faultline:memory_limit_bytes": "vector(1e8)"}
    with Feed(stage), running(stage) as daemon, asked(daemon, changes=small) as prometheus:
        fires(prometheus, "FaultlineMemory", "a limit of 100 MB", time.monotonic())


def test_a_label_that_cannot_be_used_is_told_of(stage, asked, fires):
    with Feed(stage), running(stage) as daemon, asked(daemon) as prometheus:
        prometheus.wait_quiet()
        stage.put_label(b"nonsense", b"{")
        fires(prometheus, "FaultlineLabelsRefused", "nonsense on the labels' topic", time.monotonic())


def test_commits_that_the_log_does_not_have_are_told_of(stage, asked, fires):
    watcher = Consumer({"bootstrap.servers": stage.bootstrap, "group.id": f"{stage.prefix}group", **QUIET})
    watcher.commit(offsets=[TopicPartition(stage.topic("minutes"), 0, 1_000_000)], asynchronous=False)
    watcher.close()
    with Feed(stage), running(stage) as daemon, asked(daemon) as prometheus:
        fires(prometheus, "FaultlinePartitionsReset", "an offset that is not in the log", time.monotonic())


def test_an_exemplar_in_quarantine_is_told_of(stage, asked, fires):
    with Feed(stage), running(stage) as daemon, asked(daemon) as prometheus:
        prometheus.wait_quiet()
        stage.teach(label("slow", "delay", quarantined=True))
        fires(prometheus, "FaultlineQuarantined", "a label that is held", time.monotonic())


def test_a_certificate_that_ends_soon_is_told_of_and_a_renewed_one_is_not(stage, asked, fires, tmp_path):
    """Scraped by TLS and with a password, as the comment in prometheus.yml says; renewed without a restart."""
    authority = Authority(tmp_path / "certificates")
    certificate = tmp_path / "metrics.pem"
    shutil.copy(authority.keystore("soon", days=3), certificate)
    (tmp_path / "password").write_text("scrape-Vb6n\n")
    http = {"certificate": str(certificate), "user": "prometheus", "password": f"${{file:{tmp_path}/password}}"}
    secrets = {"secrets/authority.pem": authority.certificate.read_text(), "secrets/faultline": "scrape-Vb6n"}
    began = time.monotonic()
    with Feed(stage), running(stage, http=http) as daemon, asked(daemon, secrets=secrets) as prometheus:
        assert get(f"{daemon.url}/metrics").status == 401
        fires(prometheus, "FaultlineCertificateExpiring", "a certificate of three days, by TLS and password", began)
        os.replace(authority.keystore("late"), certificate)
        prometheus.wait_quiet()


def put(bundle, link) -> None:
    fresh = link.with_name("fresh")
    fresh.symlink_to(bundle)
    os.replace(fresh, link)


def shrink(stage) -> None:
    """The topic of alarms takes none any more."""
    admin = AdminClient({"bootstrap.servers": stage.bootstrap, **QUIET})
    entry = ConfigEntry("max.message.bytes", "100", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, stage.topic("alarms"), incremental_configs=[entry])
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(20)


def come_and_go(stage) -> None:
    group = {"group.id": f"{stage.prefix}group", "partition.assignment.strategy": "cooperative-sticky"}
    group["heartbeat.interval.ms"] = "200"
    member = Consumer({"bootstrap.servers": stage.bootstrap, **group, **QUIET})
    member.subscribe([stage.topic("minutes")])
    eventually(lambda: member.poll(0.1) is not None or member.assignment() != [], "it has a partition")
    member.close()
