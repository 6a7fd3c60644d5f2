"""Names that nobody knows, by the million: memory stays what it is, and the cells that are known are served."""

import resource
from pathlib import Path

import numpy as np
import pytest

from detector.core.ingest.samples import Samples
from tests.builders import FEATURES, T0, chatter, network, nosy, pipeline, play, settings
from tests.core.test_pipeline import spelt_out

KNOWN = [f"known-{number}" for number in range(6)]
MINUTES = 100
GROWTH = 30 << 20
"""Bytes: what a chunk of names and the allocator need. A hundred bytes kept of each of ten million were a gigabyte."""


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def strangers(minute, count):
    """So many samples of cells that were never heard before and will never be again."""
    names = [f"{minute}-{number:x}" for number in range(count)]
    return Samples(0, np.arange(count), names, np.full(count, minute), np.zeros((count, FEATURES), np.float32))


@pytest.mark.parametrize("names", [200_000, pytest.param(10_000_000, marks=[pytest.mark.long, pytest.mark.timeout(0)])])
def test_a_flood_of_unknown_names_takes_no_memory_and_nothing_from_the_known(names):
    chosen = settings(max_cells=50)
    told = chatter(network(KNOWN, 0, MINUTES), np.random.default_rng(4))
    undisturbed = spelt_out(play(pipeline(chosen, nosy), told).events)
    assert len(undisturbed) > 10

    flooded = pipeline(chosen, nosy)
    events, offset, refused, before = [], 0, 0, 0
    for number in range(MINUTES):
        minute = told[number * len(KNOWN) : (number + 1) * len(KNOWN)]
        events += play(flooded, minute, first_offset=offset).events
        work = flooded.process_samples(strangers(T0 + number, names // MINUTES), offset + len(minute))
        events += work.events
        offset += len(minute) + names // MINUTES
        refused += len(work.rejections)
        assert len(flooded.cells) <= chosen.max_cells
        if number == MINUTES // 10:
            before = resident()
    assert resident() - before < GROWTH
    assert spelt_out([event for event in events if event.alarm.cell in KNOWN]) == undisturbed
