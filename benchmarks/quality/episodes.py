"""Episodes of faults that no encoder was trained on, in networks, cells and weeks that no trainer has seen."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.encoder import Embeddings, Encode, embeddings_of
from detector.core.features import WINDOW, Baseline
from trainer.calibration.normal_profile import normal_windows
from trainer.data.baselines import fit_baseline
from trainer.data.examples import encode_values, measure_effect
from trainer.data.history import START_MINUTE, SimulatedHistory
from trainer.simulator import FAULTS, FaultClass, FaultEpisode, Network, NetworkTimeline, Operator, draw_severity

Classes = Mapping[str, FaultClass]

HELD_OUT: Classes = {name: fault for name, fault in FAULTS.items() if fault.held_out}
LOOK_ALIKES: Classes = {name: fault for name, fault in FAULTS.items() if fault.kind == "benign"}
NORMAL = "normal"

EACH = 60
"""Episodes of each class."""

NORMALS = 14_000
CELLS = 300
WEEK = 7 * 1440
BEFORE, AFTER = WINDOW, 120
"""Minutes looked at, about the begin."""

DAYS_APART = 8
"""A week, and a day so that what begins late on a Sunday is over before the Monday's looks back."""

SUPPORT = np.arange(30, AFTER + 1, 10)
"""Minutes after the begin at which an example's windows end: an operator shows an episode, not a minute."""


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
    life: NDArray[np.int8]
    """Windows of the week before, without a label: what `adapt` would see. # [NORMALS, 60, F]"""


def sample(operator: Operator, seed: int, unseen: Classes) -> Sample:
    """`EACH` episodes of every unseen class and look-alike, and as many stretches of normal life."""
    past = SimulatedHistory(Network(CELLS, seed, operator), (START_MINUTE, START_MINUTE + WEEK), whole=True)
    usual = fit_baseline(past)
    asked = [*unseen.items(), *LOOK_ALIKES.items(), (NORMAL, None)]
    parts = [_of_class(past, usual, name, fault, seed + place) for place, (name, fault) in enumerate(asked)]
    columns = zip(*parts, strict=True)
    life = normal_windows(past, usual, NORMALS, np.random.default_rng([seed, 9]))
    return Sample(*(np.concatenate(column) for column in columns), life)


def _of_class(
    past: SimulatedHistory, usual: Baseline, name: str, fault: FaultClass | None, seed: int
) -> tuple[NDArray[np.str_], NDArray[np.int8], NDArray[np.float32], NDArray[np.int8]]:
    rng = np.random.default_rng(seed)
    cell, begin = draw_slots(past, fault, rng)
    episodes = [
        FaultEpisode(int(c), fault, int(b), int(b) + AFTER, draw_severity(rng.random()), int(rng.integers(2**31)))
        for c, b in zip(cell, begin, strict=True)
        if fault
    ]
    minute = (begin[:, None] + np.arange(-BEFORE, AFTER)).ravel()
    rows = np.repeat(cell, BEFORE + AFTER)
    codes = [
        encode_values(
            past, usual, cell, minute=minute, values=life.reported_values(rows, minute), samples=BEFORE + AFTER
        )
        for life in (NetworkTimeline(past.network, episodes), past.life)
    ]
    end = rng.integers(5, AFTER + 1, EACH)
    query, twin = (_windows(code, end[:, None])[:, 0] for code in codes)
    support = _windows(codes[0], np.tile(SUPPORT, (EACH, 1)))
    return np.full(EACH, name), query, measure_effect(query, twin), support


def draw_slots(
    past: SimulatedHistory, fault: FaultClass | None, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cell and first minute of `EACH` episodes, of which no two meet. # -> [EACH], [EACH]

    Each cell is used once, in the week after the past; where there are too few, again in a later week.
    """
    network = past.network
    cells = np.flatnonzero(network.statics.tdd) if fault and fault.tdd_only else np.arange(network.cells)
    slot = rng.choice(len(cells) * -(-EACH // len(cells)), EACH, replace=False)
    day = rng.integers(7, size=EACH) + slot // len(cells) * DAYS_APART
    first, last = fault.hours if fault else (0, 24)
    begin = past.span[1] + day * 1440 + (60 * rng.uniform(first, last, EACH)).astype(np.int64)
    return cells[slot % len(cells)].astype(np.int64), begin


def _windows(codes: NDArray[np.int8], end: NDArray[np.int64]) -> NDArray[np.int8]:
    """The windows up to so many minutes after the begin. # [n, BEFORE + AFTER, F], [n, k] -> [n, k, 60, F]"""
    at = BEFORE + end[:, :, None] - WINDOW + np.arange(WINDOW)
    return codes[np.arange(len(codes))[:, None, None], at]


def exemplars(encode: Encode, support: NDArray[np.int8]) -> Embeddings:
    """The mean of an episode's windows, as a label's. # [n, k, 60, F] -> of n"""
    windows = encode(support.reshape(-1, *support.shape[2:])).reshaped(*support.shape[:2])
    direction = windows.direction.astype(np.float32).mean(axis=1)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return embeddings_of(direction, windows.size[:, 0], windows.shift.astype(np.float32).mean(axis=1))
