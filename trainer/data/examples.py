"""Training examples: windows cut from a history or simulated with an episode, each with its twin.

The twin of a window is the same cell and minutes without the episode.
"""

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT, STEPS, WINDOW, Baseline, deviations
from detector.terminal import progress
from trainer.data.history import History, SimulatedHistory
from trainer.simulator import (
    FAULTS,
    FaultClass,
    FaultEpisode,
    Operator,
    apply_episode,
    draw_severity,
    measure,
    neutral_knobs,
    random_family,
    random_fault,
    records,
)
from trainer.simulator.faults.knobs import Knobs
from trainer.workers import PROCESSES

ONSET_MINUTES = (5, 120)
"""Minutes between an episode's begin and its window's end: from barely visible to fully developed."""

CODED_AT_ONCE = 4096
"""Samples encoded together: their coefficients need six times the memory of their values."""

CHUNKS = 64
"""Groups of classes, each simulated with its own random generator, so the number of workers has no effect."""


@dataclass(frozen=True)
class Examples:
    """Windows of faults with their twins. Class numbers are arbitrary, equal within a class."""

    windows: NDArray[np.int8]
    """# [n, 60, F]"""
    twins: NDArray[np.int8]
    """The same cells and minutes without the episode. # [n, 60, F]"""
    label: NDArray[np.int64]
    """Class numbers. # [n]"""
    effect: NDArray[np.float32]
    """Length of the mean deviation's change from the twin, in spreads: the visibility of the episode. # [n]"""
    network: NDArray[np.int64]
    """Number of each window's network, from 0. Each network has its own normal windows. # [n]"""


def cut_windows(
    history: History, baseline: Baseline, cell: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.int8]:
    """Return the windows up to and including the sample of each `end`. # [n], [n] -> int8 [n, 60, F]"""
    granularity = history.catalogue.granularity
    return granularity.expand(cut_samples(history, baseline, cell, end, granularity.samples))


def cut_samples(
    history: History, baseline: Baseline, cell: NDArray[np.int64], end: NDArray[np.int64], samples: int
) -> NDArray[np.int8]:
    """Return the deviations of the last `samples` up to and including that of each `end`.

    # [n], [n] -> int8 [n, samples, F]
    """
    granularity = history.catalogue.granularity
    age = granularity.period_minutes * np.arange(samples - 1, -1, -1)
    minute = (granularity.first_minute(end)[:, None] - age).ravel()
    values = history.read(np.repeat(cell, samples), minute)
    return encode_values(history, baseline, cell, minute=minute, values=values, samples=samples)


def encode_values(
    history: History,
    baseline: Baseline,
    cell: NDArray[np.int64],
    *,
    minute: NDArray[np.int64],
    values: NDArray[np.float32],
    samples: int,
) -> NDArray[np.int8]:
    """Return stretches of values as deviations. # cell [n], minute and values [n · samples] -> int8 [n, samples, F]"""
    rows = baseline.rows([history.cells[number] for number in cell])
    codes = np.empty(values.shape, np.int8)
    logarithmic, stretches = history.catalogue.logarithmic, max(1, CODED_AT_ONCE // samples)
    for first in range(0, len(cell), stretches):
        part = slice(first * samples, (first + stretches) * samples)
        coefficients = np.repeat(baseline.coefficients(rows[first : first + stretches]), samples, axis=0)
        codes[part] = deviations(values[part], minute[part], coefficients, logarithmic)
    return codes.reshape(len(cell), samples, -1)


def simulate_examples(
    history: SimulatedHistory,
    baseline: Baseline,
    classes: Sequence[str | int],
    *,
    each: int,
    seed: int,
    workers: int,
    strict: bool = False,
) -> Examples:
    """Simulate `each` windows of every class: a name of the simulator's, or the number of a procedural class.

    With `strict`, a procedural class never moves the features that identify a held-out class. The network's operator
    must come from `without_smoothing`. Classes are numbered in their order. A class that is listed twice gets
    twice as many windows.
    """
    assert not history.network.operator.measurement.smoothing_weights, (
        "the operator smooths its measurements, but faults are applied to the window's minutes alone;"
        " use without_smoothing"
    )
    number = {name: position for position, name in enumerate(dict.fromkeys(classes))}
    numbered = [(number[name], name) for name in classes]
    chunks = [numbered[start::CHUNKS] for start in range(min(CHUNKS, len(numbered)))]
    simulate = partial(_simulate_chunk, history, baseline, each=each, seed=seed, strict=strict)
    parts = []
    with (
        progress("simulating examples", len(chunks), "parts") as advance,
        ProcessPoolExecutor(workers, mp_context=PROCESSES) as pool,
    ):
        for part in pool.map(simulate, chunks):
            parts.append(part)
            advance()
    return stack_examples(parts)


def without_smoothing(operator: Operator) -> Operator:
    """Return the operator without moving means, which need minutes before the window. An encoder does not need them."""
    return replace(operator, measurement=replace(operator.measurement, smoothing_weights={}))


def stack_examples(parts: Sequence[Examples]) -> Examples:
    """Concatenate examples; class and network numbers are unchanged."""
    columns = {
        column.name: np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(Examples)
    }
    return Examples(**columns)


def join_networks(parts: Sequence[Examples]) -> Examples:
    """Return examples of the same classes from several networks, with network numbers made unique."""
    before = np.cumsum([0, *(int(part.network.max(initial=-1)) + 1 for part in parts)])
    return stack_examples(
        [replace(part, network=part.network + first) for part, first in zip(parts, before, strict=False)]
    )


def _simulate_chunk(
    history: SimulatedHistory,
    baseline: Baseline,
    classes: Sequence[tuple[int, str | int]],
    *,
    each: int,
    seed: int,
    strict: bool,
) -> Examples:
    label = np.repeat([number for number, _ in classes], each)
    rng = np.random.default_rng([seed, int(label[0])])
    count = len(label)
    cell = rng.integers(len(history.cells), size=count)
    end = rng.integers(history.span[0] + WINDOW, history.span[1], size=count)
    minute = (end[:, None] - np.arange(WINDOW - 1, -1, -1)).ravel()
    cells = np.repeat(cell, WINDOW)
    knobs = neutral_knobs(count * WINDOW)
    faults = [fault for _, name in classes for fault in [_fault_class(name, strict)] * each]
    for example, fault in enumerate(faults):
        begin = int(end[example] - rng.integers(*ONSET_MINUTES)) + 1
        episode = FaultEpisode(
            cell=int(cell[example]),
            fault=fault,
            begin=begin,
            end=begin + 2880,
            severity=draw_severity(rng.random()),
            seed=int(rng.integers(2**31)),
        )
        rows = np.arange(example * WINDOW, (example + 1) * WINDOW)
        apply_episode(knobs, episode, rows, network=history.network, cell=cells, minute=minute)
    measurement = history.network.operator.measurement

    def encode(turned: Knobs | None) -> NDArray[np.int8]:
        def true_values(cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
            return records(history.network, cell, minute, turned)

        values = measure(measurement, true_values, cells, minute)
        return encode_values(history, baseline, cell, minute=minute, values=values, samples=WINDOW)

    windows, twins = encode(knobs), encode(None)
    return Examples(
        windows=windows,
        twins=twins,
        label=label,
        effect=measure_effect(windows, twins),
        network=np.zeros(count, np.int64),
    )


def _fault_class(name: str | int, strict: bool) -> FaultClass:
    """Return the class of a name or number; every second procedural class has variants."""
    if isinstance(name, str):
        return FAULTS[name]
    return random_family(name, strict) if name % 2 else random_fault(name, strict)


def measure_effect(windows: NDArray[np.int8], twins: NDArray[np.int8]) -> NDArray[np.float32]:
    """Return the length of the mean deviation's change from twin to window, in spreads. # [n, 60, F] twice -> [n]"""
    both = (windows != ABSENT) & (twins != ABSENT)
    change = np.where(both, windows.astype(np.int16) - twins, 0).mean(axis=1) / STEPS
    return np.linalg.norm(change, axis=1).astype(np.float32)


def digest_examples(examples: Examples) -> str:
    """Return the SHA-256 of all columns: equal digests give equal batches."""
    return digest_arrays(vars(examples))


def digest_arrays(arrays: Mapping[str, Any]) -> str:
    """Return the SHA-256 of arrays with their names, types and shapes, in the order of their names."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
