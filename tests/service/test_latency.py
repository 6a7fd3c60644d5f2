"""No timestamp that a producer may set spoils the latency."""

import numpy as np
import pytest

from detector.service.latency import LatencyMeter

START = 1_800_000_000.0
NOW = START + 7200
SECOND, HOUR, YEAR = 1000, 3_600_000, 31_536_000_000
NOW_MS, START_MS = round(NOW * 1000), round(START * 1000)


@pytest.mark.parametrize(
    ("timestamps_ms", "latency", "ignored"),
    [
        ([NOW_MS - 2 * SECOND], 2, {}),
        ([NOW_MS - 2 * SECOND, NOW_MS - 9 * SECOND], 9, {}),
        ([NOW_MS + 5 * SECOND], 0, {}),
        ([0], None, {"absent": 1}),
        ([-1], None, {"absent": 1}),
        ([-(2**62)], None, {"absent": 1}),
        ([1], None, {"past": 1}),
        ([START_MS - 1], None, {"past": 1}),
        ([NOW_MS - 9 * 24 * HOUR], None, {"past": 1}),
        ([NOW_MS + HOUR], None, {"future": 1}),
        ([NOW_MS + 974 * YEAR], None, {"future": 1}),
        ([2**62], None, {"future": 1}),
        ([NOW_MS - 3 * SECOND, 0, NOW_MS + YEAR, START_MS - YEAR], 3, {"absent": 1, "future": 1, "past": 1}),
        ([], None, {}),
        ([START_MS + SECOND], 7199, {}),
    ],
)
def test_only_a_plausible_timestamp_is_measured(timestamps_ms, latency, ignored):
    measured, counts = LatencyMeter(START).measure(np.array(timestamps_ms, np.int64), NOW)
    assert (measured, counts) == (latency, {"absent": 0, "future": 0, "past": 0, **ignored})


@pytest.mark.parametrize(("age_seconds", "latency"), [(10, 10), (3500, 3500), (3700, None)])
def test_a_record_that_was_not_there_when_all_was_read_has_not_waited_since(age_seconds, latency):
    meter = LatencyMeter(START)
    meter.set_caught_up(NOW)
    assert meter.measure(np.array([NOW_MS - age_seconds * 1000]), NOW)[0] == latency


def test_a_backlog_since_the_start_counts_until_it_is_read():
    meter = LatencyMeter(START)
    meter.set_caught_up(START + 60)
    assert meter.measure(np.array([START_MS + 1000]), NOW)[0] == 7199
