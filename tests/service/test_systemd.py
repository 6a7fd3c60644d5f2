"""What systemd hears of a daemon: a datagram socket in its place, and the words of sd_notify(3)."""

import os
import signal
import socket

import pytest

from detector.service.systemd import SystemdNotifier
from tests.eventually import eventually
from tests.service.network import CELLS, label, told
from tests.service.stage import Daemon


@pytest.fixture
def systemd(tmp_path):
    """A socket, and all that was said to it until now."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        heard = []

        def lines():
            try:
                while True:
                    heard.extend(listening.recv(4096).decode().splitlines())
            except BlockingIOError:
                return heard

        yield str(tmp_path / "notify"), lines


def test_where_nobody_started_us_nothing_is_said():
    supervisor = SystemdNotifier({})
    supervisor.feed_watchdog()
    supervisor.notify_status(True, "judging")
    supervisor.notify_stopping()


def test_readiness_is_said_at_once_and_its_loss_too(systemd):
    address, heard = systemd
    supervisor = SystemdNotifier({"NOTIFY_SOCKET": address})
    supervisor.notify_status(False, "no partition is assigned")
    supervisor.notify_status(True, "8 cells")
    supervisor.notify_status(True, "9 cells")
    supervisor.notify_status(False, "Kafka does not answer")
    assert heard() == ["STATUS=no partition is assigned", "READY=1", "STATUS=8 cells", "STATUS=Kafka does not answer"]


def test_a_watchdog_is_fed_three_times_in_its_patience_and_by_nobody_else(systemd):
    address, heard = systemd
    supervisor = SystemdNotifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000"})
    for _ in range(1000):
        supervisor.feed_watchdog()
    assert heard() == ["WATCHDOG=1"]
    SystemdNotifier({"NOTIFY_SOCKET": address}).feed_watchdog()
    assert heard() == ["WATCHDOG=1"]


def test_a_supervisor_that_is_gone_stops_nothing(tmp_path):
    SystemdNotifier({"NOTIFY_SOCKET": str(tmp_path / "nowhere")}).notify_stopping()


@pytest.mark.broker
def test_a_daemon_tells_systemd_when_it_judges_lives_and_goes(stage, systemd, monkeypatch):
    address, heard = systemd
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    with Daemon(stage.config()) as daemon:
        daemon.wait_ready()
        eventually(lambda: heard().count("WATCHDOG=1") > 2, "the watchdog is fed")
        assert heard().count("READY=1") >= 1
        daemon.terminate()
        assert heard()[-1] == "STOPPING=1"


@pytest.mark.broker
def test_a_signal_switches_the_log_to_debug_and_back_where_alarms_can_be_followed(stage, undisturbed):
    stage.teach(label("drop_storm", "drops"))
    with Daemon(stage.config()) as daemon:
        daemon.wait_ready()
        os.kill(daemon.pid, signal.SIGUSR1)
        eventually(lambda: "the log's level is debug" in daemon.log, "it is switched")
        first = told(0, 95)
        stage.tell(first)
        stage.wait_taken(len(first))
        os.kill(daemon.pid, signal.SIGUSR1)
        eventually(lambda: "the log's level is info" in daemon.log, "it is switched back")
        stage.tell(told(95, 100))
        stage.wait_taken(len(told(0, 100)))
        log = daemon.log
    assert f"new: drop_storm in {CELLS[1]}, minor" in log
    assert "committed {" in log.split("level is debug")[1]
    assert "committed {" not in log.split("level is info")[1]
