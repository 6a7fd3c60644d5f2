"""Slow, obvious twins of what the trainer computes fast, and a history that is a plain array."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet
from numpy.typing import NDArray

from detector.config.catalogue import read_catalogue
from detector.core.features import ABSENT, STEPS, WINDOW, Baseline, Catalogue, deviations
from trainer.data.baselines import (
    EVERY_MINUTES,
    FLEET_SHARE,
    FLOOR,
    KNOWN_SHARE,
    MINUTES_PER_INDEPENDENT,
    PRIOR,
    SPREAD_HOURS,
    STRETCH_LIMIT,
    STRETCH_MINUTES,
    STRETCH_SHARE,
    STRETCHES_KNOWN,
    TRIM,
)
from trainer.data.examples import ONSET_MINUTES
from trainer.data.history import History, SimulatedHistory
from trainer.simulator import FAULTS, FaultEpisode, draw_severity, random_family, random_fault


@dataclass(frozen=True)
class TableHistory:
    """A network's past as one array. # values [C, M, F]"""

    catalogue: Catalogue
    cells: Sequence[str]
    first: int
    values: NDArray[np.float32]

    @property
    def span(self) -> tuple[int, int]:
        return self.first, self.first + self.values.shape[1]

    def read(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.values[cell, minute - self.first]


Numbers = NDArray[np.float64]


def slow_basis(minute: NDArray[np.int64]) -> Numbers:
    angle = 2 * np.pi * (minute % 1440) / 1440
    return np.stack([np.ones(len(minute)), np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)], 1)


def slow_solve(basis: Numbers, values: Numbers, kept: NDArray[np.bool_], ridge: Numbers, towards: Numbers) -> Numbers:
    """Least squares with a row more for each coefficient, which says what it is likely to be. # -> [5]"""
    left = np.concatenate([basis[kept], np.diag(np.sqrt(ridge))])
    return np.linalg.lstsq(left, np.concatenate([values[kept], np.sqrt(ridge) * towards]), rcond=None)[0]


def slow_fit(minute: NDArray[np.int64], values: Numbers) -> tuple[NDArray[np.bool_], float]:
    """The minutes that count for one feature of one cell, and their spread. # [n], [n] -> bool [n]"""
    basis, present = slow_basis(minute), ~np.isnan(values)

    def left_over(kept: NDArray[np.bool_]) -> tuple[Numbers, float]:
        residual = values - basis @ slow_solve(basis, values, kept, PRIOR, np.zeros(5))
        return residual, float(np.sqrt((residual[kept] ** 2).mean())) if kept.any() else 0.0

    kept = present
    for _ in range(2):
        residual, spread = left_over(kept)
        rows = [
            np.flatnonzero(present & (minute // STRETCH_MINUTES == k)) for k in np.unique(minute // STRETCH_MINUTES)
        ]
        rows = [some for some in rows if len(some) >= 3]
        kept = present.copy()
        if len(rows) >= STRETCHES_KNOWN:
            means = np.array([residual[some].mean() for some in rows])
            away = np.abs(means - sorted(means)[len(means) // 2])
            scatter = 1.4826 * sorted(away)[len(away) // 2]
            limit = STRETCH_LIMIT * np.hypot(scatter, max(STRETCH_SHARE * spread, FLOOR))
            for some, far in zip(rows, away, strict=True):
                kept[some] &= far <= limit
    residual, spread = left_over(kept)
    kept = kept & (np.abs(residual) <= TRIM * max(spread, FLOOR))
    return kept, left_over(kept)[1]


def slow_feature(minute: NDArray[np.int64], values: Numbers) -> Numbers:
    """Spread, mean and harmonics of one feature in all cells, each drawn to the fleet's. # [C, n] -> [C, 6]"""
    basis, day = slow_basis(minute), slow_basis(np.arange(1440))
    kept, spread = (np.array(column) for column in zip(*(slow_fit(minute, row) for row in values), strict=True))
    own = np.array([slow_solve(basis, *pair, PRIOR, np.zeros(5)) for pair in zip(values, kept, strict=True)])
    known = kept.sum(axis=1) >= KNOWN_SHARE * kept.sum(axis=1).max()
    usual, noise = np.median(own[known], axis=0), np.median(spread[known])
    ridge = np.maximum(MINUTES_PER_INDEPENDENT * (noise**2 + FLOOR**2) / (own[known].var(axis=0) + FLOOR**2), PRIOR)
    rows = []
    for row, mine, its in zip(values, kept, spread, strict=True):
        coefficients = slow_solve(basis, row, mine, ridge, usual)
        covariance = MINUTES_PER_INDEPENDENT * noise**2 * np.linalg.inv(basis[mine].T @ basis[mine] + np.diag(ridge))
        doubt = np.mean([place @ covariance @ place for place in day])
        share = mine.sum() / (mine.sum() + MINUTES_PER_INDEPENDENT * SPREAD_HOURS)
        rows.append([np.sqrt(share * its**2 + (1 - share) * noise**2 + doubt), *coefficients])
    return np.array(rows)


def slow_baseline(history: TableHistory) -> tuple[list[str], Numbers]:
    """Names in order, and their rows with the fleet's. # -> [C + 1, 6, F]"""
    names = sorted(history.cells)
    minute = np.arange(*history.span)[::EVERY_MINUTES]
    table = np.empty((len(names), 6, len(history.catalogue)))
    rows = [list(history.cells).index(name) for name in names]
    for feature, one in enumerate(history.catalogue.features):
        values = history.values[rows, ::EVERY_MINUTES, feature].astype(float)
        table[:, :, feature] = slow_feature(minute, np.log1p(values) if one.transform == "log1p" else values)
    table[:, 0] = np.sqrt(table[:, 0] ** 2 + (FLEET_SHARE * np.median(table[:, 0], axis=0)) ** 2 + FLOOR**2)
    fleet = np.median(table, axis=0)
    fleet[0] = np.hypot(fleet[0], table[:, 1].std(axis=0))
    return names, np.concatenate([table, fleet[None]])


def slow_window(history: History, baseline: Baseline, cell: int, end: int, minutes: int = WINDOW) -> NDArray[np.int8]:
    """One window, minute by minute. # -> int8 [minutes, F]"""
    row = baseline.rows([history.cells[cell]])[0]
    coefficients = baseline.table[row][None].astype(np.float32)
    rows = []
    for minute in range(end - minutes + 1, end + 1):
        values = history.read(np.array([cell]), np.array([minute]))
        rows.append(deviations(values, np.array([minute]), coefficients, history.catalogue.logarithmic)[0])
    return np.stack(rows)


def slow_examples(
    history: SimulatedHistory, classes: Sequence[str | int], each: int, seed: int
) -> list[tuple[int, int, FaultEpisode]]:
    """(class number, last minute, episode) of every example of up to 64 classes, in order."""
    told = []
    for number, name in enumerate(classes):
        rng = np.random.default_rng([seed, number])
        cells = rng.integers(len(history.cells), size=each).tolist()
        ends = rng.integers(history.span[0] + WINDOW, history.span[1], size=each).tolist()
        fault = FAULTS[name] if isinstance(name, str) else (random_family(name) if name % 2 else random_fault(name))
        for cell, end in zip(cells, ends, strict=True):
            begin = end + 1 - int(rng.integers(*ONSET_MINUTES))
            severity = draw_severity(rng.random())
            told.append(
                (number, end, FaultEpisode(cell, fault, begin, begin + 2880, severity, int(rng.integers(2**31))))
            )
    return told


def slow_effect(window: NDArray[np.int8], twin: NDArray[np.int8]) -> float:
    """How far a window's mean lies from its twin's, in spreads, feature by feature. # int8 [60, F] twice"""
    total = 0.0
    for feature in range(window.shape[1]):
        pairs = zip(window[:, feature].tolist(), twin[:, feature].tolist(), strict=True)
        changes = [here - there for here, there in pairs if ABSENT not in (here, there)]
        total += (sum(changes) / len(window) / STEPS) ** 2
    return float(np.sqrt(total))


def slow_loss(
    direction: NDArray[np.float64], label: NDArray[np.int64], anchors: int, temperature: float
) -> NDArray[np.float64]:
    """Khosla et al. 2020, equation 2, one anchor at a time; 0 for an anchor without a fellow. # -> [anchors]"""
    losses = []
    for anchor in range(anchors):
        others = [row for row in range(len(label)) if row != anchor]
        similar = {row: direction[anchor] @ direction[row] / temperature for row in others}
        whole = np.log(sum(np.exp(value) for value in similar.values()))
        shares = [similar[row] - whole for row in others if label[row] == label[anchor]]
        losses.append(-sum(shares) / len(shares) if shares else 0.0)
    return np.array(losses)


Told = dict[tuple[str, int], tuple[float, list[float]]]


def slow_history(folder: Path) -> Told:
    """The latest version of every minute of every cell, with when it came."""
    names = read_catalogue(folder / "catalogue.yaml").names
    told: Told = {}
    for path in sorted(folder.rglob("*.parquet")):
        for row in pyarrow.parquet.ParquetFile(path).read().to_pylist():
            key, came = (row["cell"], row["minute"]), row.get("received", 0.0)
            if key not in told or came >= told[key][0]:
                told[key] = came, [np.nan if row[name] is None else row[name] for name in names]
    return told


def slow_read(
    told: Told, cells: Sequence[str], cell: NDArray[np.int64], minute: NDArray[np.int64], features: int
) -> NDArray[np.float32]:
    """What a history gives, one row at a time. # [n], [n] -> [n, F]"""
    nothing = (0.0, [np.nan] * features)
    keys = zip(cell.tolist(), minute.tolist(), strict=True)
    return np.array([told.get((cells[number], at), nothing)[1] for number, at in keys], np.float32)
