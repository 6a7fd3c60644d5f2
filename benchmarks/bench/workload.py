"""The work that is timed: one simulated minute, told again under later times and other cells' names."""

from time import time as now

import numpy as np

from detector.core.ingest.samples import Records
from detector.timestamps import iso_time
from trainer.simulation.record_encoder import minute_records
from trainer.simulator import Network, catalogue, records

FIRST_MINUTE = 29_463_840
SIMULATED = 1000
"""Cells that are simulated; beyond these, bodies are told again under other names."""


def bodies(cells: int) -> tuple[list[bytes], list[bytes]]:
    """Keys and values of one minute of `cells` cells."""
    network = Network(SIMULATED, seed=77)
    values = records(network, np.arange(SIMULATED), np.full(SIMULATED, FIRST_MINUTE))
    made = list(minute_records(network.names, FIRST_MINUTE, values, catalogue().names))
    keys, told = [], []
    for number in range(cells):
        key, value, _ = made[number % SIMULATED]
        name = key if number < SIMULATED else b"%s-%d" % (key, number // SIMULATED)
        keys.append(name)
        told.append(value if name == key else value.replace(key, name, 1))
    return keys, told


def log(cells: int, minutes: int, skip: int = 0) -> list[tuple[bytes, bytes, int]]:
    """(key, value, timestamp in ms) of `minutes` minutes, in order, after the first `skip`."""
    keys, values = bodies(cells)
    before = iso_time(FIRST_MINUTE).encode()
    stamp = int(now() * 1000)  # a broker deletes records whose own timestamp is past the topic's retention
    told = []
    for minute in range(FIRST_MINUTE + skip, FIRST_MINUTE + skip + minutes):
        time = iso_time(minute).encode()
        told += [(key, value.replace(before, time, 1), stamp) for key, value in zip(keys, values, strict=True)]
    return told


def polls(told: list[tuple[bytes, bytes, int]], size: int) -> list[Records]:
    """The same as polls of one partition."""
    return [
        Records(
            0,
            np.arange(start, min(start + size, len(told)), dtype=np.int64),
            [key for key, _, _ in told[start : start + size]],
            [value for _, value, _ in told[start : start + size]],
        )
        for start in range(0, len(told), size)
    ]
