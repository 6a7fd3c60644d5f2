"""Episodes of faults that no encoder was trained on, in networks, cells and weeks that no trainer has seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Encode
from detector.core.features import Baseline, Catalogue
from detector.core.turns import WINDOW
from trainer.baselines import fit_baseline
from trainer.history import START_MINUTE
from trainer.simulator import FAULTS, Episode, Life, Network, Operator, catalogue, draw_severity
from trainer.windows import encode_values, measure_effect

HELD_OUT = tuple(name for name, fault in FAULTS.items() if fault.held_out)
LOOK_ALIKES = tuple(name for name, fault in FAULTS.items() if fault.kind == "benign")
NORMAL = "normal"

EACH = 60
"""Episodes of each class."""

CELLS = 300
WEEK = 7 * 1440
BEFORE, AFTER = WINDOW, 120
"""Minutes looked at, about the begin."""

SUPPORT = np.arange(30, AFTER + 1, 10)
"""Minutes after the begin at which an example's windows end: an operator shows an episode, not a minute."""


@dataclass(frozen=True)
class Past:
    """A network as a history with all of the catalogue: what an operator never delivers is null."""

    life: Life
    span: tuple[int, int]

    @property
    def catalogue(self) -> Catalogue:
        return catalogue()

    @property
    def cells(self) -> list[str]:
        return self.life.network.names

    def read(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.life.reported(cell, minute)


@dataclass(frozen=True)
class Sample:
    """Episodes of all classes in one network."""

    name: NDArray[np.str_]
    """# [n]"""
    query: NDArray[np.int8]
    """One window each, 5 to 120 minutes after the begin. # [n, 60, F]"""
    effect: NDArray[np.float32]
    """Of that window. # [n]"""
    support: NDArray[np.int8]
    """The windows of the same episode as an example. # [n, len(SUPPORT), 60, F]"""


def sample(operator: Operator, seed: int) -> Sample:
    """`EACH` episodes of every held-out class and look-alike, and as many stretches of normal life."""
    network = Network(CELLS, seed, operator)
    past = Past(Life(network), (START_MINUTE, START_MINUTE + WEEK))
    usual = fit_baseline(past)
    parts = [_of_class(past, usual, name, seed + place) for place, name in enumerate((*HELD_OUT, *LOOK_ALIKES, NORMAL))]
    columns = zip(*parts, strict=True)
    return Sample(*(np.concatenate(column) for column in columns))


def _of_class(
    past: Past, usual: Baseline, name: str, seed: int
) -> tuple[NDArray[np.str_], NDArray[np.int8], NDArray[np.float32], NDArray[np.int8]]:
    rng = np.random.default_rng(seed)
    network = past.life.network
    fault = FAULTS.get(name)
    tdd = np.flatnonzero(network.statics.tdd)
    cells = tdd if fault and fault.tdd_only else np.arange(network.cells)
    cell = rng.choice(cells, EACH, replace=len(cells) < EACH).astype(np.int64)
    first, last = fault.hours if fault else (0, 24)
    begin = past.span[1] + rng.integers(7, size=EACH) * 1440 + (60 * rng.uniform(first, last, EACH)).astype(np.int64)
    episodes = [
        Episode(int(c), fault, int(b), int(b) + 2880, draw_severity(rng.random()), int(rng.integers(2**31)))
        for c, b in zip(cell, begin, strict=True)
        if fault
    ]
    minute = (begin[:, None] + np.arange(-BEFORE, AFTER)).ravel()
    rows = np.repeat(cell, BEFORE + AFTER)
    codes = [
        encode_values(past, usual, cell, minute, life.reported(rows, minute), BEFORE + AFTER)  # type: ignore[arg-type]
        for life in (Life(network, episodes), past.life)
    ]
    end = rng.integers(5, AFTER + 1, EACH)
    query, twin = (_windows(code, end[:, None])[:, 0] for code in codes)
    support = _windows(codes[0], np.tile(SUPPORT, (EACH, 1)))
    return np.full(EACH, name), query, measure_effect(query, twin), support


def _windows(codes: NDArray[np.int8], end: NDArray[np.int64]) -> NDArray[np.int8]:
    """The windows up to so many minutes after the begin. # [n, BEFORE + AFTER, F], [n, k] -> [n, k, 60, F]"""
    at = BEFORE + end[:, :, None] - WINDOW + np.arange(WINDOW)
    return codes[np.arange(len(codes))[:, None, None], at]


def exemplars(encode: Encode, support: NDArray[np.int8]) -> NDArray[np.float32]:
    """The direction of the mean of an episode's windows, as a label's. # [n, k, 60, F] -> [n, D]"""
    count, windows = support.shape[:2]
    direction = encode(support.reshape(-1, *support.shape[2:])).direction.astype(np.float32)
    mean = direction.reshape(count, windows, -1).mean(axis=1)
    return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True))
