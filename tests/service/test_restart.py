"""Stopped or killed in the middle and started anew: what comes out is what would have come out anyway."""

import random
import re
from contextlib import ExitStack

import msgspec
import pytest

from detector.errors import OperatorError
from tests.eventually import eventually
from tests.service.network import FAULTY, MINUTES, SILENT, STRANGE, label, told
from tests.service.stage import Daemon, Running, heard, serving

pytestmark = pytest.mark.broker

STOP_SECONDS = 10

SMALL_POLLS = {"kafka": {"batch_records": 20}}
"""Eighty transactions for the two hours: a kill finds something to interrupt."""


def open_rows(stage):
    """What was written about each open alarm, in order; None = it ended."""
    rows = {}
    for message in stage.read("active"):
        rows.setdefault(tuple(msgspec.json.decode(message.key())), []).append(message.value())
    return rows


def assert_same_as(undisturbed, stage):
    assert stage.alarms() == undisturbed.alarms
    expected = {}
    for message in undisturbed.active:
        expected.setdefault(tuple(msgspec.json.decode(message.key())), []).append(message.value())
    assert open_rows(stage) == expected


@pytest.mark.smoke
def test_an_orderly_stop_in_the_middle_changes_nothing(stage, undisturbed):
    stage.teach(label("drop_storm", "drops"))
    before, after = told(0, 95), told(95, MINUTES)
    config = stage.config(**SMALL_POLLS)
    stage.tell(before)

    # given three alarms open
    with Daemon(config) as daemon:
        stage.wait_taken(len(before))
        assert {key: rows[-1] is None for key, rows in open_rows(stage).items()} == {
            (FAULTY, "drop_storm"): False,
            (STRANGE, "unknown"): False,
            (SILENT, "cell_silent"): False,
        }

        # when it is asked to stop while more comes in
        stage.tell(after)
        eventually(lambda: stage.taken() > len(before), "it goes on")
        assert daemon.terminate(STOP_SECONDS) == 0
        assert "Traceback" not in daemon.log
        assert daemon.log.rstrip().endswith("stopped")
    stopped_at = stage.taken()
    assert len(before) < stopped_at < len(before + after)

    # then its successor goes on where it stopped
    with serving(config) as service:
        stage.wait_taken(len(before + after))
        assert service.metrics()['faultline_records_total{outcome="in_order"}'] == len(before + after) - stopped_at
        assert service.metrics()['faultline_records_total{outcome="replayed"}'] > 0
    assert_same_as(undisturbed, stage)


def test_kills_at_random_moments_change_nothing(stage, undisturbed):
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    stage.teach(label("drop_storm", "drops"))
    records = told(0, MINUTES)
    config = stage.config(**SMALL_POLLS)
    stage.tell(records)

    for moment in sorted(rng.sample(range(1, len(records) - 200), 2)):
        with Daemon(config) as daemon:
            eventually(lambda at=moment: stage.taken() >= at, f"{moment} records are taken", 60)
            daemon.kill()
    assert stage.taken() < len(records)

    with serving(config) as service:
        stage.wait_taken(len(records))
        assert service.log.above_info() == []
    assert_same_as(undisturbed, stage)


SENTENCE = r"fenced by .*another process runs as kafka\.instance faultline-0[,;].* give each its own\b.*\.$"


def test_a_second_process_of_the_same_name_ends_the_first_with_a_sentence(stage):
    config = stage.config()
    with heard() as log, ExitStack() as ending:

        def start():
            running = Running(config, log)
            ending.callback(running.stop)
            return running

        # while nothing comes in
        first = start()
        first.wait_metric("faultline_ready", 1)
        second = start()
        eventually(lambda: first.error is not None, "the first one ends")
        second.wait_metric("faultline_ready", 1)

        # while minutes come in
        third = start()
        stage.tell(told(0, 10))
        eventually(lambda: second.error is not None, "the second one ends")
        stage.wait_taken(80)
        third.check()
        for fenced in (first, second):
            assert isinstance(fenced.error, OperatorError)
            assert re.search(SENTENCE, str(fenced.error))
