"""Compacted records come to the newest value of each key, and a long text to one that fits its column."""

import pytest

from detector.compaction import newest_values
from detector.text import truncate


def test_the_newest_value_of_each_key_remains_and_a_retired_key_does_not():
    records = [(b"a", b"1"), (b"b", b"1"), (b"c", b"1"), (b"a", b"2"), (b"c", None), (b"d", None)]
    assert list(newest_values(records).items()) == [(b"b", b"1"), (b"a", b"2")]


@pytest.mark.parametrize(("text", "short"), [("", ""), ("cell", "cell"), ("cells", "cel…")])
def test_a_text_fits_its_column(text, short):
    assert truncate(text, 4) == short
