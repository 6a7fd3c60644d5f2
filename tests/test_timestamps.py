"""A time is UTC unless it says otherwise, and what is no time is refused in a sentence."""

import pytest

from detector.errors import TimeError
from detector.timestamps import read_minute, write_minute

FIVE_PAST_TEN = 1_795_255_500 // 60


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21 10:05",
        "2026-11-21T10:05:59",
        "2026-11-21T10:05Z",
        "2026-11-21 11:05+01:00",
        " 2026-11-21 05:35-04:30 ",
    ],
)
def test_the_same_minute_said_in_many_ways(text):
    assert read_minute(text, "--at") == FIVE_PAST_TEN
    assert write_minute(read_minute(text, "--at")) == "2026-11-21 10:05"


def test_a_day_begins_at_midnight():
    assert write_minute(read_minute("2026-12-01", "--expires")) == "2026-12-01 00:00"


@pytest.mark.parametrize("text", ["", "noon", "10:05", "21.11.2026 10:05", "2026-13-01", "1763719500"])
def test_what_is_no_time_is_named_with_its_option(text):
    sentence = r"--until: .* (is not a time|has no date); write it as 2026-11-21 10:05, with an offset"
    with pytest.raises(TimeError, match=sentence):
        read_minute(text, "--until")
