"""Fault families without a simulator: shapes injected into real normal windows of any catalogue.

A network that nobody can simulate still says, by its normal life, which features move together; what a fault does to
some of them is drawn here. A family is one or two parts, and every third family has variants: its episodes show the
one part or the other. A part is a group of features with a size each, and a shape in time. From episode to episode
onset and severity differ, every size by a quarter, and some features do not show it at all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.features import ABSENT, STEPS, WINDOW
from trainer.data.examples import ONSET_MINUTES, Examples, measure_effect

SHAPES = {
    "step": 0.34,
    "ramp": 0.13,
    "variance": 0.10,
    "burst": 0.08,
    "oscillation": 0.05,
    "pulse": 0.05,
    "trend": 0.05,
    "damped": 0.04,
    "freeze": 0.04,
    "drop-out": 0.04,
    "lag": 0.04,
    "broken correlation": 0.04,
}
"""What a fault does over time, and how often; the shares are guesses, with what stays above what passes."""

SPARSE = 0.6
"""Of the parts touch one to four features, as most faults of radio cells do; the rest up to half of them all."""

RELATED = 0.6
"""Of the groups are features that move together in normal life."""

SIZE, SIZE_SIGMA = 3.0, 0.6
"""Median of a part's size in spreads, and its log-normal sigma; features of a group differ by half as much again."""

TWO_PARTS, VARIANTS = 0.5, 1 / 3
JITTER = 0.25
UNSHOWN = 0.07
"""Of the features of a group do not show an episode."""

AT_ONCE = 1024
"""Windows that are made together: some 30 MB for 60 features."""

SEVERITY = (0.25, 1.25)
LAG_MINUTES = (3, 20)

MINUTE = np.arange(WINDOW, dtype=np.float32)


@dataclass(frozen=True)
class Onset:
    """How episodes begin and run, as columns."""

    begin: NDArray[np.int64]
    """Place of the first minute in the window; negative: before it. # [m]"""
    tempo: NDArray[np.float32]
    """The family's. # [m]"""
    phase: NDArray[np.float32]
    """The episode's own. # [m]"""

    @property
    def since(self) -> NDArray[np.float32]:
        """Minutes since the onset. # [m, 60]"""
        return MINUTE - self.begin[:, None].astype(np.float32)


@dataclass(frozen=True)
class Families:
    """What is constant in a fault family, as columns. P = 2 parts."""

    size: NDArray[np.float32]
    """Signed, in spreads; 0 outside the group and in a part that is not there. # [n, P, F]"""
    shape: NDArray[np.int64]
    """Place in SHAPES. # [n, P]"""
    tempo: NDArray[np.float32]
    """0…1: how fast a shape is, for whatever it has of periods, lengths and shares. # [n, P]"""
    variants: NDArray[np.bool_]
    """An episode shows one of both parts. # [n]"""


def draw_families(normal: NDArray[np.int8], count: int, rng: np.random.Generator) -> Families:
    """Families for the network whose normal windows these are. # int8 [n, 60, F]"""
    features = normal.shape[2]
    likeness = _correlation(normal)
    size = np.zeros((count, 2, features), np.float32)
    parts = 1 + (rng.random(count) < TWO_PARTS)
    for family in range(count):
        for part in range(parts[family]):
            group, sign = _draw_group(likeness, rng)
            spread = np.exp(SIZE_SIGMA * (rng.standard_normal() + 0.5 * rng.standard_normal(len(group))))
            size[family, part, group] = SIZE * spread * sign
    shape = rng.choice(len(SHAPES), (count, 2), p=list(SHAPES.values()))
    tempo = rng.random((count, 2), dtype=np.float32)
    return Families(size, shape, tempo, (parts == 2) & (rng.random(count) < VARIANTS / TWO_PARTS))


def inject_families(normal: NDArray[np.int8], count: int, each: int, seed: int) -> Examples:
    """`each` windows of `count` families in windows drawn from `normal`, their twins. # int8 [n, 60, F]"""
    rng = np.random.default_rng([seed, 11])
    families = draw_families(normal, count, rng)
    label = np.repeat(np.arange(count), each)
    twins = normal[rng.integers(len(normal), size=len(label))]
    windows = np.empty_like(twins)
    for start in range(0, len(label), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        strangers = normal[rng.integers(len(normal), size=len(label[part]))]
        windows[part] = inject(twins[part], families, label[part], strangers, rng)
    return Examples(windows, twins, label, measure_effect(windows, twins), np.zeros(len(label), np.int64))


def inject(
    normal: NDArray[np.int8],
    families: Families,
    family: NDArray[np.int64],
    strangers: NDArray[np.int8],
    rng: np.random.Generator,
) -> NDArray[np.int8]:
    """One episode of its family in each window; absent stays absent. # normal and strangers int8 [n, 60, F]"""
    count = len(normal)
    begin = WINDOW - rng.integers(*ONSET_MINUTES, size=count)
    severity = rng.uniform(*SEVERITY, (count, 1))
    shown = np.ones((count, 2), bool)
    varied = np.flatnonzero(families.variants[family])
    shown[varied, rng.integers(2, size=len(varied))] = False
    codes = np.where(normal == ABSENT, np.nan, normal.astype(np.float32))
    for part in range(2):
        size = families.size[family, part] * severity * shown[:, part, None]
        size *= rng.uniform(1 - JITTER, 1 + JITTER, size.shape) * (rng.random(size.shape) >= UNSHOWN)
        there = (size != 0).any(axis=1)
        for kind, shape in enumerate(SHAPES):
            rows = np.flatnonzero(there & (families.shape[family, part] == kind))
            if len(rows):
                onset = Onset(begin[rows], families.tempo[family[rows], part], rng.random(len(rows), np.float32))
                codes[rows] = _add_shape(shape, codes[rows], STEPS * size[rows], onset, strangers[rows], rng)
    return np.where(np.isnan(codes), ABSENT, np.clip(np.rint(codes), -127, 127)).astype(np.int8)


def _add_shape(
    shape: str,
    codes: NDArray[np.float32],
    size: NDArray[np.float32],
    onset: Onset,
    strangers: NDArray[np.int8],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """The codes with one shape in the features of a size, from the onset on. # [m, 60, F], size [m, F] in codes"""
    since = onset.since
    touched = (since >= 0)[:, :, None] & (size != 0)[:, None]
    if shape == "variance":
        other = codes + size[:, None] * rng.standard_normal(codes.shape, np.float32)
    elif shape == "freeze":
        other = codes[np.arange(len(codes)), np.maximum(onset.begin, 0)][:, None]
    elif shape == "drop-out":
        lost = 1 - np.exp(-np.abs(size) / (3 * STEPS))[:, None]
        other = np.where(rng.random(codes.shape, np.float32) < lost, np.nan, codes)
        return np.where(touched, other, codes)
    elif shape == "lag":
        behind = (LAG_MINUTES[0] + onset.tempo * (LAG_MINUTES[1] - LAG_MINUTES[0])).astype(np.int64)
        other = codes[np.arange(len(codes))[:, None], np.maximum(np.arange(WINDOW) - behind[:, None], 0)]
    elif shape == "broken correlation":
        other = np.where(strangers == ABSENT, np.nan, strangers.astype(np.float32))
    else:
        other = codes + size[:, None] * _profile(shape, since, onset)[:, :, None]
    return np.where(touched & ~np.isnan(other) & ~np.isnan(codes), other, codes)


def _profile(shape: str, since: NDArray[np.float32], onset: Onset) -> NDArray[np.float32]:
    """What a shape adds, as a share of its size, at so many minutes after its onset. # [m, 60] -> [m, 60]"""
    tempo, phase = onset.tempo[:, None], onset.phase[:, None]
    share: NDArray[np.generic] = np.ones_like(since)
    if shape == "ramp":
        share = np.clip(since / (10 + 50 * tempo), 0.15, 1)
    elif shape == "trend":
        share = since / 60
    elif shape == "oscillation":
        share = 1.4 * np.sin(2 * np.pi * (since / (4 + 26 * tempo) + phase))
    elif shape == "burst":
        period = 4 + 14 * tempo
        share = (since + period * phase) % period < (0.35 + 0.45 * phase) * period
    elif shape == "pulse":
        visible = np.maximum(onset.begin, 0)[:, None]
        centre = visible + phase * (WINDOW - visible)
        share = 2 * np.exp(-0.5 * ((MINUTE - centre) / (1 + 5 * tempo)) ** 2)
    elif shape == "damped":
        share = 2 * np.exp(-since / (10 + 50 * tempo)) * np.cos(2 * np.pi * since / (8 + 30 * tempo))
    return share.astype(np.float32)


def _correlation(normal: NDArray[np.int8]) -> NDArray[np.float32]:
    """Correlation of the windows' mean deviations, 0 where a feature never moves. # int8 [n, 60, F] -> [F, F]"""
    mean = np.where(normal == ABSENT, 0, normal).mean(axis=1, dtype=np.float32)
    mean = mean - mean.mean(axis=0)
    mean /= np.maximum(np.linalg.norm(mean, axis=0), 1e-6)
    return mean.T @ mean


def _draw_group(
    likeness: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Features that a part touches, and the way each goes. # [F, F] -> [k], [k]"""
    features = len(likeness)
    most = max(1, min(4, features) if rng.random() < SPARSE else features // 2)
    count = 1 + int(most ** rng.random() - 1e-6) if most > 4 else int(rng.integers(1, most + 1))
    first = int(rng.integers(features))
    if rng.random() < RELATED:
        near = np.abs(likeness[first]) + 0.2 * rng.random(features)
        near[first] = np.inf
        group = np.argsort(-near)[:count]
        sign = np.where(likeness[first, group] < 0, -1, 1) * rng.choice([-1, 1])
        turned = rng.random(count) < 0.15
        return group, np.where(turned, -sign, sign).astype(np.float32)
    group = rng.choice(features, count, replace=False)
    return group, rng.choice([-1, 1], count).astype(np.float32)
