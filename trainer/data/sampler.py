"""Class-balanced sampler: P classes of K windows each, and normal windows, with augmentations for invariance.

Half of the windows are transplanted to another cell: their change from the twin is added to a normal window of that
cell. Whole groups of features are dropped, and every window is scaled. Recognition must not depend on the
cell, the available features or the size. A batch is a function of the seed and its step, so a resumed training draws
the same batches as an uninterrupted training.
"""

import math

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT, Catalogue
from trainer.data.examples import Examples
from trainer.errors import TrainingError

CLASSES, PER_CLASS, NORMALS = 32, 4, 64
"""Per batch: 32 classes of four windows each, and 64 normal windows of no class."""

LOUD, LOUDEST = 32, 0.05
"""32 of the normal windows of a batch are among the 5 % of their network with the largest mean deviation: these raise
false alarms. In trainings of three times the steps on twice the classes, quiet normal windows alone caused more false
alarms for the same share of named faults."""

ANCHORS = CLASSES * PER_CLASS
ROWS = ANCHORS + NORMALS

BASE_SHARE = 0.25
"""Share of the classes of a batch that are named; the rest are procedural. With a larger share an encoder learns
the named classes and generalises less to others."""

VISIBLE_EFFECT = 5.0
"""Windows are drawn with probability effect / 5, between 0.05 and 1: an invisible episode cannot be learned."""

TRANSPLANT = 0.5
"""Share of the windows that are transplanted to another cell."""

FEATURE_LOSS = 0.3
"""Largest share of the feature groups that a batch drops."""

GAIN = 0.15
"""Log-normal sigma of a window's scale."""


class ClassBalancedSampler:
    """Sampler that draws classes, then windows of each, and augments them."""

    def __init__(self, examples: Examples, base_classes: int, catalogue: Catalogue, seed: int) -> None:
        """Raises TrainingError for windows of another catalogue, too few classes, or a class with one window."""
        self._examples, self._seed = examples, seed
        if examples.windows.shape[1:] != (60, len(catalogue)):
            raise TrainingError(
                f"the windows have the shape {examples.windows.shape[1:]}; the catalogue's {len(catalogue)} features"
                f" need (60, {len(catalogue)}). Cut the windows from histories of this catalogue."
            )
        self._pools = _class_pools(examples)
        self._rows_by_network = [
            np.flatnonzero(examples.network == n) for n in range(int(examples.network.max(initial=-1)) + 1)
        ]
        self._loud = np.array(
            [row for rows in self._rows_by_network for row in _loudest_rows(examples.twins, rows)], np.int64
        )
        self._base = [number for number in self._pools if number < base_classes]
        self._procedural = [number for number in self._pools if number >= base_classes]
        groups = [feature.group for feature in catalogue.features]
        self._groups = np.unique(groups, return_inverse=True)[1]
        self._base_count = min(round(BASE_SHARE * CLASSES), len(self._base)) if self._procedural else CLASSES
        if len(self._base) < self._base_count or len(self._procedural) < CLASSES - self._base_count:
            raise TrainingError(
                f"{len(self._base)} named and {len(self._procedural)} procedural classes do not fill a batch of"
                f" {CLASSES} classes. Simulate at least {CLASSES} procedural classes."
            )

    def draw(self, step: int) -> tuple[NDArray[np.int8], NDArray[np.int64], NDArray[np.int64]]:
        """Return the windows, classes and networks of a batch; the last NORMALS rows have distinct negative classes.

        # -> int8 [ROWS, 60, F], [ROWS], [ROWS]
        """
        rng, examples = np.random.default_rng([self._seed, step]), self._examples
        classes = [*rng.choice(self._base, self._base_count, replace=False)] if self._base_count else []
        classes += [*rng.choice(self._procedural, CLASSES - len(classes), replace=False)]
        rows = np.concatenate([self._draw_members(number, rng) for number in classes])
        windows = self._transplant_faults(rows, rng)
        normals = rng.integers(len(examples.twins), size=NORMALS)
        normals[:LOUD] = rng.choice(self._loud, LOUD)
        windows = np.concatenate([windows, examples.twins[normals]])
        label = np.concatenate([np.repeat(classes, PER_CLASS), -1 - np.arange(NORMALS)])
        network = examples.network[np.concatenate([rows, normals])]
        return self._scale_and_drop(windows, rng), label.astype(np.int64), network

    def _draw_members(self, number: int, rng: np.random.Generator) -> NDArray[np.int64]:
        pool, weight = self._pools[number]
        return rng.choice(pool, PER_CLASS, replace=len(pool) < PER_CLASS, p=weight)

    def _transplant_faults(self, rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int8]:
        """Return the windows; half have their change from the twin added to a normal window of the same network."""
        examples = self._examples
        windows = examples.windows[rows]
        moved = np.flatnonzero(rng.random(len(rows)) < TRANSPLANT)
        twins = examples.twins[rows[moved]]
        network = examples.network[rows[moved]]
        position = rng.random(len(moved)) * np.array([len(self._rows_by_network[number]) for number in network])
        hosts = [self._rows_by_network[number][int(at)] for number, at in zip(network, position, strict=True)]
        host = examples.twins[np.array(hosts, np.int64)]
        sum_ = windows[moved].astype(np.int16) - twins + host
        absent = (windows[moved] == ABSENT) | (twins == ABSENT) | (host == ABSENT)
        windows[moved] = np.where(absent, ABSENT, np.clip(sum_, -127, 127)).astype(np.int8)
        return windows

    def _scale_and_drop(self, windows: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int8]:
        """Scale each window by one gain; drop the same groups of features and single features from the whole batch."""
        gain = np.exp(GAIN * rng.standard_normal((len(windows), 1, 1))).astype(np.float32)
        scaled = np.clip(np.rint(windows * gain), -127, 127).astype(np.int8)
        rate = rng.random() * FEATURE_LOSS if rng.random() < 0.7 else 0.0
        lost = rng.random(self._groups.max() + 1)[self._groups] < rate
        lost |= rng.random(windows.shape[2]) < rate / 2
        return np.where((windows == ABSENT) | lost, ABSENT, scaled).astype(np.int8)


def _loudest_rows(twins: NDArray[np.int8], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows with the longest mean deviation, at least one. # int8 [n, 60, F], [k] -> [⌈k / 20⌉]"""
    size = [np.linalg.norm(np.where(window == ABSENT, 0, window).mean(axis=0)) for window in twins[rows]]
    return rows[np.argsort(np.array(size, np.float32))[-math.ceil(LOUDEST * len(rows)) :]]


def _class_pools(examples: Examples) -> dict[int, tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Return each class's rows and their probabilities. Raises TrainingError for a class of one window."""
    order = np.argsort(examples.label, kind="stable")
    numbers, starts = np.unique(examples.label[order], return_index=True)
    # Not strict: without examples, np.split still returns one empty array.
    pools = dict(zip(numbers.tolist(), np.split(order, starts[1:]), strict=False))
    for number, pool in pools.items():
        if len(pool) < 2:
            raise TrainingError(
                f"class {number} has one window; a class needs two, to be compared with each other. Give it a second"
                " window, or leave it out."
            )
    weight = np.clip(examples.effect / VISIBLE_EFFECT, 0.05, 1)
    return {number: (pool, weight[pool] / weight[pool].sum()) for number, pool in pools.items()}
