"""Batches to learn from: P classes of K windows each, and normal ones, varied in what must not matter.

Every window is moved to another cell's normal life half of the time (its change from its twin is added to a stranger's
window), loses whole groups of features, and is scaled: what remains to recognise is the fault. A batch is a function
of the seed and its step, so that whoever takes a training up draws what the one that was killed would have drawn.
"""

import math

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT, Catalogue
from trainer.data.examples import Examples
from trainer.errors import TrainingError

CLASSES, PER_CLASS, NORMALS = 32, 4, 64
"""Per batch: 32 classes of four windows each, and 64 normal windows that belong to none."""

LOUD, LOUDEST = 32, 0.05
"""So many of the normal ones are from among the loudest 5 % of their network's: life that raises false alarms. Of three
times the steps on twice the classes, quiet normals alone made more false alarms for the same share named."""

ANCHORS = CLASSES * PER_CLASS
ROWS = ANCHORS + NORMALS

BASE_SHARE = 0.25
"""Of the classes of a batch, named ones; the rest are procedural. More named ones learn these and forget the others."""

VISIBLE_EFFECT = 5.0
"""Windows are drawn with probability effect / 5, between 0.05 and 1: what cannot be seen cannot be learned."""

TRANSPLANT = 0.5
FEATURE_LOSS = 0.3
GAIN = 0.15


class ClassBalancedSampler:
    """Draws classes, then windows of them, and varies what must not matter."""

    def __init__(self, examples: Examples, base_classes: int, catalogue: Catalogue, seed: int) -> None:
        self._examples, self._seed = examples, seed
        if examples.windows.shape[1:] != (60, len(catalogue)):
            raise TrainingError(
                f"the windows are {examples.windows.shape[1:]}, and the catalogue's {len(catalogue)} features need"
                f" (60, {len(catalogue)}); cut them from histories of this catalogue."
            )
        self._pools = _pools(examples)
        self._citizens = [
            np.flatnonzero(examples.network == n) for n in range(int(examples.network.max(initial=-1)) + 1)
        ]
        self._loud = np.array([row for rows in self._citizens for row in _loudest(examples.twins, rows)], np.int64)
        self._base = [number for number in self._pools if number < base_classes]
        self._procedural = [number for number in self._pools if number >= base_classes]
        groups = [feature.group for feature in catalogue.features]
        self._groups = np.unique(groups, return_inverse=True)[1]
        self._named = min(round(BASE_SHARE * CLASSES), len(self._base)) if self._procedural else CLASSES
        if len(self._base) < self._named or len(self._procedural) < CLASSES - self._named:
            raise TrainingError(
                f"{len(self._base)} named and {len(self._procedural)} procedural classes do not fill a batch of"
                f" {CLASSES}; simulate at least {CLASSES} procedural ones."
            )

    def draw(self, step: int) -> tuple[NDArray[np.int8], NDArray[np.int64], NDArray[np.int64]]:
        """Windows, classes and networks; the classes of the last NORMALS are negative and differ.

        # -> int8 [ROWS, 60, F], [ROWS], [ROWS]
        """
        rng, examples = np.random.default_rng([self._seed, step]), self._examples
        chosen = [*rng.choice(self._base, self._named, replace=False)] if self._named else []
        chosen += [*rng.choice(self._procedural, CLASSES - len(chosen), replace=False)]
        rows = np.concatenate([self._members(number, rng) for number in chosen])
        windows = self._transplanted(rows, rng)
        ordinary = rng.integers(len(examples.twins), size=NORMALS)
        ordinary[:LOUD] = rng.choice(self._loud, LOUD)
        windows = np.concatenate([windows, examples.twins[ordinary]])
        label = np.concatenate([np.repeat(chosen, PER_CLASS), -1 - np.arange(NORMALS)])
        network = examples.network[np.concatenate([rows, ordinary])]
        return self._weathered(windows, rng), label.astype(np.int64), network

    def _members(self, number: int, rng: np.random.Generator) -> NDArray[np.int64]:
        pool, weight = self._pools[number]
        return rng.choice(pool, PER_CLASS, replace=len(pool) < PER_CLASS, p=weight)

    def _transplanted(self, rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int8]:
        """Half of the windows: their change from the twin, on normal life of another cell of the same network."""
        examples = self._examples
        windows = examples.windows[rows]
        moved = np.flatnonzero(rng.random(len(rows)) < TRANSPLANT)
        here = examples.twins[rows[moved]]
        network = examples.network[rows[moved]]
        place = rng.random(len(moved)) * np.array([len(self._citizens[number]) for number in network])
        stranger = [self._citizens[number][int(at)] for number, at in zip(network, place, strict=True)]
        there = examples.twins[np.array(stranger, np.int64)]
        sum_ = windows[moved].astype(np.int16) - here + there
        absent = (windows[moved] == ABSENT) | (here == ABSENT) | (there == ABSENT)
        windows[moved] = np.where(absent, ABSENT, np.clip(sum_, -127, 127)).astype(np.int8)
        return windows

    def _weathered(self, windows: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int8]:
        """One gain per window; for the whole batch, some groups of features and some single ones are never reported."""
        gain = np.exp(GAIN * rng.standard_normal((len(windows), 1, 1))).astype(np.float32)
        scaled = np.clip(np.rint(windows * gain), -127, 127).astype(np.int8)
        rate = rng.random() * FEATURE_LOSS if rng.random() < 0.7 else 0.0
        lost = rng.random(self._groups.max() + 1)[self._groups] < rate
        lost |= rng.random(windows.shape[2]) < rate / 2
        return np.where((windows == ABSENT) | lost, ABSENT, scaled).astype(np.int8)


def _loudest(twins: NDArray[np.int8], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of these rows, those whose mean deviation is longest; at least one. # int8 [n, 60, F], [k] -> [⌈k / 20⌉]"""
    size = [np.linalg.norm(np.where(one == ABSENT, 0, one).mean(axis=0)) for one in twins[rows]]
    return rows[np.argsort(np.array(size, np.float32))[-math.ceil(LOUDEST * len(rows)) :]]


def _pools(examples: Examples) -> dict[int, tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Rows of every class, and with what probability each is drawn. Raises TrainingError for a class of one window."""
    order = np.argsort(examples.label, kind="stable")
    numbers, starts = np.unique(examples.label[order], return_index=True)
    pools = dict(zip(numbers.tolist(), np.split(order, starts[1:]), strict=False))  # of no class, split makes one
    for number, pool in pools.items():
        if len(pool) < 2:
            raise TrainingError(
                f"class {number} has one window, and nothing that it could be likened to; give it two, or leave it out."
            )
    weight = np.clip(examples.effect / VISIBLE_EFFECT, 0.05, 1)
    return {number: (pool, weight[pool] / weight[pool].sum()) for number, pool in pools.items()}
