"""Half hours of cells, with an episode or without, beside what the cell does at that time on other days.

The protocol is fixed: every rung of the ladder was measured on windows drawn like this. Between the sets nothing is
shared but the simulator: other seeds, other cells, other episodes.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from detector.core.features import transform
from trainer.data.history import START_MINUTE
from trainer.simulator import (
    FAULTS,
    FaultEpisode,
    Network,
    apply_episode,
    catalogue,
    draw_severity,
    measure,
    neutral_knobs,
    records,
)
from trainer.workers import PROCESSES

Read = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""What is reported of those cells and minutes. # [n], [n] -> [n, F]"""

NORMAL = "normal"
CLASSES = (NORMAL, *FAULTS)
"""The 30 classes; a label is an index here."""

MINUTES = 30
DAYS = (8, 36)
"""Of the simulated past that windows begin on: after a week to look back at."""

ONSET = (-59, 9)
"""Minutes from a window's begin: most windows lie inside the fault, an eighth hold its onset."""
MAINTENANCE_ONSET = (-12, 8)
"""It is over in half an hour."""
LASTING = 1440
"""Minutes; no episode ends inside its window."""

EARLIER_DAYS = (1, 2, 3, 7)
BLOCK_MINUTES = 24
AROUND_MINUTES = 35
"""A block begins at most this much before or after the window's time of day."""

FLEET_SHARE = 0.25
FLOOR = 1e-2
"""scale² = own² + (¼ of the median window's)² + 0.01²: a feature that hardly moves in one cell is no needle there."""

CLIP = 8.0


@dataclass(frozen=True)
class Windows:
    values: NDArray[np.float32]
    """On the scale on which their spread is even; NaN is "not reported". # [n, 30, F]"""
    usual: NDArray[np.float32]
    """The mean over the blocks of earlier days, NaN where they report nothing. # [n, F]"""
    scale: NDArray[np.float32]
    """# [n, F]"""
    label: NDArray[np.int64]
    severity: NDArray[np.float64]
    """0 in normal windows."""
    effect: NDArray[np.float32]
    """How visible the episode is. # [n]"""


def draw_windows(network: Network, each: int, seed: int, workers: int) -> Windows:
    """`each` windows of every class, one episode a window; a pure function of its arguments but the last."""
    with ProcessPoolExecutor(workers, mp_context=PROCESSES) as pool:
        parts = list(pool.map(partial(_draw_class, network, each, seed), range(len(CLASSES))))
    values, twins, usual, spread, severity = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    scale = floor(spread)
    label = np.repeat(np.arange(len(CLASSES)), each)
    return Windows(values, usual, scale, label, severity, visibility(values, twins, scale))


def _draw_class(network: Network, each: int, seed: int, label: int) -> tuple[np.ndarray, ...]:
    """-> values [n, 30, F], the same without the episodes, usual [n, F], spread [n, F], severity [n]"""
    rng = np.random.default_rng((seed, label))
    fault = FAULTS.get(CLASSES[label])
    able = np.flatnonzero(network.statics.tdd) if fault and fault.tdd_only else np.arange(network.cells)
    cell = rng.choice(able, each, replace=False)  # so that a cell tells its episode
    first_hour, last_hour = fault.hours if fault else (0, 24)
    hour = rng.integers(first_hour * 60, last_hour * 60, each)
    begin = START_MINUTE + rng.integers(*DAYS, each) * 1440 + hour
    onset = begin + rng.integers(*(MAINTENANCE_ONSET if CLASSES[label] == "maintenance" else ONSET), each)
    severity = np.array([draw_severity(u) for u in rng.random(each)]) * (fault is not None)
    ends, seeds = onset + LASTING, rng.integers(2**62, size=each)
    fates = zip(cell.tolist(), onset.tolist(), ends.tolist(), severity.tolist(), seeds.tolist(), strict=True)
    episodes = tuple(FaultEpisode(at, fault, *fate) for at, *fate in fates) if fault else ()
    quiet = reader(network)
    values = stretches(reader(network, episodes), cell, begin[:, None] + np.arange(MINUTES))
    twins = stretches(quiet, cell, begin[:, None] + np.arange(MINUTES)) if episodes else values
    usual, spread = season(quiet, cell, begin, rng)
    return values, twins, usual, spread, severity


def reader(network: Network, episodes: tuple[FaultEpisode, ...] = ()) -> Read:
    """What the operator's exporters report of a network to which those episodes happen, each alone in its cell."""

    def read(cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        if not episodes:
            return records(network, cell, minute)
        knobs = neutral_knobs(len(cell))
        for episode in episodes:
            apply_episode(
                knobs, episode, np.flatnonzero(cell == episode.cell), network=network, cell=cell, minute=minute
            )
        return records(network, cell, minute, knobs)

    return partial(measure, network.operator.measurement, read)


def stretches(read: Read, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
    """Values on the scale on which their spread is even. # cell [n], minute [n, T] -> [n, T, F]"""
    values = read(np.repeat(cell, minute.shape[1]), minute.ravel())
    return transform(values, catalogue().logarithmic).reshape(*minute.shape, -1)


def season(
    read: Read, cell: NDArray[np.int64], begin: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and spread of four blocks at about the same time on earlier days. # [n] -> [n, F], [n, F]"""
    shift = rng.integers(-AROUND_MINUTES, AROUND_MINUTES, (len(begin), len(EARLIER_DAYS)))
    earlier = begin[:, None] - 1440 * np.array(EARLIER_DAYS) + shift
    minute = (earlier[:, :, None] + np.arange(BLOCK_MINUTES)).reshape(len(begin), -1)
    values = stretches(read, cell, minute)
    present = ~np.isnan(values)
    count = present.sum(axis=1)
    known = np.where(count > 0, count, np.nan)
    mean = np.nansum(values, axis=1) / known
    square = np.where(present, values - mean[:, None], 0) ** 2
    return mean.astype(np.float32), np.sqrt(square.sum(axis=1) / known).astype(np.float32)


def floor(spread: NDArray[np.float32]) -> NDArray[np.float32]:
    """A scale that is never tiny, from the spreads of many windows. # [n, F] -> [n, F]"""
    own = np.nan_to_num(spread)
    return np.sqrt(own**2 + (FLEET_SHARE * np.median(own, axis=0)) ** 2 + FLOOR**2)


def visibility(
    values: NDArray[np.float32], twins: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Length of the mean change from the twins, in scales. # [n, T, F], [n, T, F], [n, F] -> [n]"""
    change = np.clip(np.nan_to_num((values - twins) / scale[:, None]), -CLIP, CLIP)
    return np.linalg.norm(change.mean(axis=1), axis=1)
