"""What is said on standard error: a storm is told in a few lines, and a disk that is full silences nothing else."""

import logging

import msgspec
import pytest

from detector import log as logs
from detector.log import REPEATS_A_MINUTE, start_logging
from tests.service.network import MINUTES, label, told
from tests.service.stage import Daemon

logger = logging.getLogger("faultline")


@pytest.fixture
def said(capsys):
    """Starts logging in a form; what it gives tells the lines since."""
    kept = logger.handlers, logger.level, logger.propagate

    def start(form):
        start_logging("info", form)
        return lambda: capsys.readouterr().err.splitlines()

    yield start
    logger.handlers, logger.level, logger.propagate = kept


@pytest.fixture
def clock(monkeypatch):
    """The monotonic clock, to be moved by hand."""
    now = [1000.0]
    monkeypatch.setattr(logs, "monotonic", lambda: now[0])
    return now


def test_a_storm_is_told_in_a_few_lines_and_counted(said, clock):
    lines_since = said("text")
    for number in range(10_000):
        logger.warning("broker %d is away", number)
    logger.warning("something else")
    clock[0] += 61
    logger.warning("broker %d is away", 7)
    lines = lines_since()
    assert len(lines) == REPEATS_A_MINUTE + 2
    assert lines[-2].endswith("WARNING something else")
    assert lines[-1].endswith(f"broker 7 is away ({10_000 - REPEATS_A_MINUTE} more like it were left out)")


def test_a_line_for_machines_counts_too(said, clock):
    lines_since = said("json")
    for _ in range(REPEATS_A_MINUTE + 3):
        logger.warning("away")
    clock[0] += 61
    logger.warning("away")
    assert msgspec.json.decode(lines_since()[-1])["message"] == "away (3 more like it were left out)"


def test_a_clock_that_is_set_back_silences_nobody(said, clock, monkeypatch):
    lines_since = said("text")
    logger.warning("away")
    monkeypatch.setattr("time.time", lambda: 0.0)  # 1970
    clock[0] += 61
    for _ in range(REPEATS_A_MINUTE):
        logger.warning("away")
    assert len(lines_since()) == 1 + REPEATS_A_MINUTE


@pytest.mark.broker
def test_a_log_on_a_full_disk_stops_nothing(stage, undisturbed, monkeypatch):
    stage.teach(label("drop_storm", "drops"))
    records = told(0, MINUTES)
    stage.tell(records)
    config = stage.config()
    config.with_suffix(".log").symlink_to("/dev/full")
    with Daemon(config) as daemon:
        stage.wait_taken(len(records))
        daemon.terminate()
    assert stage.alarms() == undisturbed.alarms
