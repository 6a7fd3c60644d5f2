"""Windows to learn from: cut from a history, or simulated with an episode in them, each beside its twin without."""

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT, STEPS, WINDOW, Baseline, deviations
from trainer.data.history import History, SimulatedHistory
from trainer.simulator import (
    FAULTS,
    FaultClass,
    FaultEpisode,
    Operator,
    apply,
    draw_severity,
    measure,
    neutral,
    random_family,
    random_fault,
    records,
)
from trainer.simulator.faults.knobs import Knobs
from trainer.workers import PROCESSES

ONSET_MINUTES = (5, 120)
"""How long before a window's end its episode began: from barely visible to long under way."""

CODED_AT_ONCE = 4096
"""Minutes: their coefficients need six times the memory of their values."""


@dataclass(frozen=True)
class Examples:
    """Windows of faults with their twins; class numbers are arbitrary, equal within a class."""

    windows: NDArray[np.int8]
    """# [n, 60, F]"""
    twins: NDArray[np.int8]
    """The same cells and minutes without the episode. # [n, 60, F]"""
    label: NDArray[np.int64]
    effect: NDArray[np.float32]
    """Length of the mean deviation's change from the twin, in spreads: how visible the episode is. # [n]"""
    network: NDArray[np.int64]
    """Which network each is of, from 0: each has its own normal life. # [n]"""


def cut_windows(
    history: History, baseline: Baseline, cell: NDArray[np.int64], end: NDArray[np.int64], minutes: int = WINDOW
) -> NDArray[np.int8]:
    """Deviations of the `minutes` up to and including each `end`. # [n], [n] -> int8 [n, minutes, F]"""
    minute = (end[:, None] - np.arange(minutes - 1, -1, -1)).ravel()
    values = history.read(np.repeat(cell, minutes), minute)
    return encode_values(history, baseline, cell, minute, values, minutes)


def encode_values(
    history: History,
    baseline: Baseline,
    cell: NDArray[np.int64],
    minute: NDArray[np.int64],
    values: NDArray[np.float32],
    minutes: int,
) -> NDArray[np.int8]:
    """Deviations of stretches of values. # cell [n], minute and values [n · minutes] -> int8 [n, minutes, F]"""
    rows = baseline.rows([history.cells[number] for number in cell])
    codes = np.empty(values.shape, np.int8)
    logarithmic, some = history.catalogue.logarithmic, max(1, CODED_AT_ONCE // minutes)
    for first in range(0, len(cell), some):
        part = slice(first * minutes, (first + some) * minutes)
        coefficients = np.repeat(baseline.coefficients(rows[first : first + some]), minutes, axis=0)
        codes[part] = deviations(values[part], minute[part], coefficients, logarithmic)
    return codes.reshape(len(cell), minutes, -1)


def simulate_examples(
    history: SimulatedHistory,
    baseline: Baseline,
    classes: Sequence[str | int],
    each: int,
    seed: int,
    workers: int,
    strict: bool = False,
) -> Examples:
    """`each` windows of every class: a name of the simulator's, or the number of a procedural class, which where
    `strict` never moves what a held-out class is known by.

    The network's operator must be `without_smoothing`. Classes are numbered in their order; one that is listed again has as
    many windows more.
    """
    assert not history.network.operator.measurement.smoothed, "knobs are turned in the windows' own minutes alone"
    number = {name: place for place, name in enumerate(dict.fromkeys(classes))}
    numbered = [(number[name], name) for name in classes]
    chunks = [numbered[start::64] for start in range(min(64, len(numbered)))]
    make = partial(_examples, history, baseline, each, seed, strict)
    with ProcessPoolExecutor(workers, mp_context=PROCESSES) as pool:
        parts = list(pool.map(make, chunks))
    return stack_examples(parts)


def without_smoothing(operator: Operator) -> Operator:
    """Without moving means, which ask for the minutes before each minute: an encoder need not see that."""
    return replace(operator, measurement=replace(operator.measurement, smoothed={}))


def stack_examples(parts: Sequence[Examples]) -> Examples:
    """One after the other."""
    columns = (np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(Examples))
    return Examples(*columns)


def join_networks(parts: Sequence[Examples]) -> Examples:
    """Examples of the same classes from several networks, each part's numbered after those before."""
    before = np.cumsum([0, *(int(part.network.max(initial=-1)) + 1 for part in parts)])
    return stack_examples(
        [replace(part, network=part.network + first) for part, first in zip(parts, before, strict=False)]
    )


def _examples(
    history: SimulatedHistory,
    baseline: Baseline,
    each: int,
    seed: int,
    strict: bool,
    classes: Sequence[tuple[int, str | int]],
) -> Examples:
    label = np.repeat([number for number, _ in classes], each)
    rng = np.random.default_rng([seed, int(label[0])])
    count = len(label)
    cell = rng.integers(len(history.cells), size=count)
    end = rng.integers(history.span[0] + WINDOW, history.span[1], size=count)
    minute = (end[:, None] - np.arange(WINDOW - 1, -1, -1)).ravel()
    cells = np.repeat(cell, WINDOW)
    knobs = neutral(count * WINDOW)
    faults = [fault for _, name in classes for fault in [_fault(name, strict)] * each]
    for place, fault in enumerate(faults):
        begin = int(end[place] - rng.integers(*ONSET_MINUTES)) + 1
        episode = FaultEpisode(
            int(cell[place]), fault, begin, begin + 2880, draw_severity(rng.random()), int(rng.integers(2**31))
        )
        rows = np.arange(place * WINDOW, (place + 1) * WINDOW)
        apply(knobs, episode, rows, history.network, cells, minute)
    measurement = history.network.operator.measurement

    def told(turned: Knobs | None) -> NDArray[np.int8]:
        def true(c: NDArray[np.int64], m: NDArray[np.int64]) -> NDArray[np.float32]:
            return records(history.network, c, m, turned)

        return encode_values(history, baseline, cell, minute, measure(measurement, true, cells, minute), WINDOW)

    windows, twins = told(knobs), told(None)
    return Examples(windows, twins, label, measure_effect(windows, twins), np.zeros(count, np.int64))


def _fault(name: str | int, strict: bool) -> FaultClass:
    """Every second procedural class has variants."""
    if isinstance(name, str):
        return FAULTS[name]
    return random_family(name, strict) if name % 2 else random_fault(name, strict)


def measure_effect(windows: NDArray[np.int8], twins: NDArray[np.int8]) -> NDArray[np.float32]:
    """Length of the mean deviation's change from twin to window, in spreads. # [n, 60, F] twice -> [n]"""
    both = (windows != ABSENT) & (twins != ABSENT)
    change = np.where(both, windows.astype(np.int16) - twins, 0).mean(axis=1) / STEPS
    return np.linalg.norm(change, axis=1).astype(np.float32)


def digest_examples(examples: Examples) -> str:
    """Of every window, twin, label, effect and network: equal digests, equal batches."""
    return digest_arrays(vars(examples))


def digest_arrays(arrays: Mapping[str, Any]) -> str:
    told = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        told.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        told.update(np.ascontiguousarray(array).data)
    return told.hexdigest()
