"""Minutes are counted in UTC, and a calendar's oddities are nobody's concern but a reader's of times."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from detector.core.features import day_basis
from detector.core.ingest.samples import Reason
from tests.builders import T0, Told, chatter, network, nosy, pipeline, play, records, refusals, settings
from tests.core.test_pipeline import spelt_out

BERLIN = ZoneInfo("Europe/Berlin")


def written(log, spell):
    """The log's records with their times spelt by `spell`."""
    made = records(log)
    values = [
        value.replace(f'"time": {one.minute * 60}'.encode(), f'"time": "{spell(one.minute)}"'.encode())
        for one, value in zip(log, made.values, strict=True)
    ]
    assert all(b'"time": "' in value for value in values)
    return type(made)(made.partition, made.offsets, made.keys, values)


def at(minute, zone=UTC):
    return datetime.fromtimestamp(minute * 60, UTC).astimezone(zone).isoformat()


def days_of_trouble():
    """Around each: clocks put forward, clocks put back, a leap day, the end of a year, a leap second."""
    moments = ["2026-03-29T01:00", "2026-10-25T01:00", "2028-02-29T00:00", "2026-01-01T00:00", "2017-01-01T00:00"]
    return [int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) // 60 for moment in moments]


@pytest.mark.parametrize("moment", days_of_trouble())
def test_a_network_that_writes_local_times_is_told_of_as_one_that_counts_seconds(moment):
    """Through the hour that is there twice, and the one that is not there."""
    log = chatter(network("abcd", moment - 70 - T0, moment + 90 - T0), np.random.default_rng(1))
    local, counted = pipeline(settings(), nosy), pipeline(settings(), nosy)
    expected = play(counted, log)
    work = local.process([(written(log, lambda minute: at(minute, BERLIN)), True)])
    assert spelt_out(work.events) == spelt_out(expected.events)
    assert expected.events
    assert work.outcomes == expected.outcomes == {"in_order": len(log), "rejected": 0} | work.outcomes


def test_a_leap_second_is_no_time_and_harms_nobody():
    """ISO 8601 has it, and no clock here does: it is refused like any other time that is none."""
    log = network("abc", 0, 3)
    told = written(log, at)
    told.values[4] = told.values[4].replace(b":00+00:00", b":60+00:00")
    work = pipeline().process([(told, True)])
    assert refusals(work) == [(4, str(Reason.TIME))]


def test_a_leap_day_that_is_none_is_refused():
    told = written([Told("a", T0)], lambda minute: "2026-02-29T12:00:00Z")
    assert refusals(pipeline().process([(told, True)])) == [(0, str(Reason.TIME))]


def test_the_usual_of_a_time_of_day_is_the_same_on_every_day():
    """A day has 1,440 minutes of UTC, whatever a clock on a wall does."""
    for moment in days_of_trouble():
        minute = np.arange(moment - 1440, moment + 1440)
        np.testing.assert_array_equal(day_basis(minute[:1440], 2), day_basis(minute[1440:], 2))
    begin = datetime(2026, 3, 28, tzinfo=UTC)
    assert (begin + timedelta(days=2)).timestamp() - begin.timestamp() == 2 * 1440 * 60
