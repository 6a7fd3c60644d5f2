"""A recorded network of several hundred cells, with everything in it that a real feed has: made once, from a seed.

Its features, its bundle and its label are the small network's of the service's tests; what is added is number, and the
disorder of a live delivery: records that come late or twice, are corrected, broken, or stamped by a wrong clock.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from detector.timestamps import iso_time
from tests.service.network import FAR, MEAN, NAMES, SPREAD, T0, Record

PARTITIONS = 4
SEED = 6

FAULTS = {"drops": 24, "power": 12, None: 24}
"""Episodes by the feature that is away; None = the cell says nothing. The first is taught, the second is not."""

LATE_SHARE, LATE_MINUTES = 0.02, 18
"""Up to 15 minutes fill their hole, later is refused; so is what lies 10 minutes behind the others."""
TWICE_SHARE = 0.01
CORRECTED_SHARE = 0.005
BROKEN_SHARE = 0.004
AHEAD_SHARE, AHEAD_MINUTES = 0.001, 40


class Episode(NamedTuple):
    cell: int
    feature: str | None
    begin: int
    end: int


class Arrival(NamedTuple):
    """One record and when it comes; the number keeps records of one moment in the order they were made."""

    moment: float
    number: int
    record: Record


def name(cell: int) -> str:
    return f"site-{cell // 3:03d}-{cell % 3}"


def record_log(cells: int, minutes: int) -> list[Record]:
    """Everything the network says, in the order in which it arrives.

    Of some 110 minutes a replay of the last commits begins after the first of them.
    """
    rng = np.random.default_rng(SEED)
    spreads = rng.normal(size=(cells, minutes, len(NAMES)))
    said = np.ones((cells, minutes), bool)
    for episode in draw_episodes(rng, cells, minutes):
        span = slice(episode.begin, episode.end)
        if episode.feature is None:
            said[episode.cell, span] = False
        else:
            spreads[episode.cell, span, NAMES.index(episode.feature)] += FAR
    arrivals = [
        Arrival(moment, number, record)
        for number, (moment, record) in enumerate(
            arriving
            for minute in range(minutes)
            for cell in rng.permutation(np.flatnonzero(said[:, minute])).tolist()
            for arriving in tell(rng, cell, minute, spreads[cell, minute])
        )
    ]
    return [arrival.record for arrival in sorted(arrivals, key=lambda one: one[:2])]


def draw_episodes(rng: np.random.Generator, cells: int, minutes: int) -> list[Episode]:
    """One to a cell, all after the first windows are full."""
    faulty = iter(rng.choice(cells, sum(FAULTS.values()), replace=False).tolist())
    episodes = []
    for feature, count in FAULTS.items():
        for _ in range(count):
            begin = int(rng.integers(minutes * 2 // 5, minutes - 20))
            episodes.append(Episode(next(faulty), feature, begin, begin + int(rng.integers(12, 40))))
    return episodes


def tell(
    rng: np.random.Generator, cell: int, minute: int, spreads: NDArray[np.float64]
) -> Iterator[tuple[float, Record]]:
    """One cell's minute as it is delivered: (when, record) once, twice, late, corrected, or beside a broken one."""
    moment = float(minute)
    if rng.random() < LATE_SHARE:
        moment += float(rng.uniform(1, LATE_MINUTES))
    yield moment, make(cell, minute, body(cell, minute, spreads))
    if rng.random() < TWICE_SHARE:
        yield moment + float(rng.uniform(0, 5)), make(cell, minute, body(cell, minute, spreads))
    if rng.random() < CORRECTED_SHARE:
        yield moment + float(rng.uniform(0, 5)), make(cell, minute, body(cell, minute, spreads + 0.5))
    if rng.random() < AHEAD_SHARE:
        yield moment, make(cell, minute, body(cell, minute + AHEAD_MINUTES, spreads))
    if rng.random() < BROKEN_SHARE:
        yield moment, make(cell, minute, break_one(rng, body(cell, minute, spreads)))


def body(cell: int, minute: int, spreads: NDArray[np.float64]) -> bytes:
    features = dict(zip(NAMES, (MEAN + SPREAD * spreads).round(4).tolist(), strict=True))
    return msgspec.json.encode({"cell": name(cell), "time": iso_time(T0 + minute), "features": features})


def break_one(rng: np.random.Generator, sound: bytes) -> bytes | None:
    """What a broken sender, or a wrong one, makes of a record."""
    broken = (sound[:-20], b"", None, sound.replace(b'"users":', b'"usage":'), sound.replace(b"T", b" at ", 1), b"\xff")
    return broken[rng.integers(len(broken))]


def make(cell: int, minute: int, value: bytes | None) -> Record:
    return name(cell).encode(), value, None, (T0 + minute) * 60_000, cell % PARTITIONS
