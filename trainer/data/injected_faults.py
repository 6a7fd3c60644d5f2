"""Fault families without a simulator: shapes injected into real normal windows of any catalogue.

Normal windows of a network show which features are correlated. The effect of a fault on some features is drawn at
random here. A family has one or two parts. Every third family has variants: each episode has only one of the two parts.
A part is a group of features, each with a size, and a shape over time. Onset and severity differ between episodes, each
size varies by up to a quarter, and some features of the group are unaffected in an episode.
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
"""Shapes of a fault over time, with their shares. The shares are guesses: persistent shapes are more frequent."""

SPARSE = 0.6
"""Share of the parts with one to four features, as in most faults of radio cells; the other parts have up to half of
all features."""

RELATED = 0.6
"""Share of the groups whose features are correlated in normal windows."""

SIZE, SIZE_SIGMA = 3.0, 0.6
"""Median of a part's size in spreads, and its log-normal sigma; features within a part vary by half this
sigma."""

TWO_PARTS, VARIANTS = 0.5, 1 / 3
"""Share of the families that have two parts, and share that have variants."""

JITTER = 0.25
"""Largest relative change of a size from episode to episode."""

UNAFFECTED_SHARE = 0.07
"""Share of a group's features that an episode does not affect."""

CHUNK_WINDOWS = 1024
"""Windows per chunk of the computation: some 30 MB for 60 features."""

SEVERITY = (0.25, 1.25)
"""Range of the factor on all sizes of an episode."""

LAG_MINUTES = (3, 20)

MINUTE = np.arange(WINDOW, dtype=np.float32)


@dataclass(frozen=True)
class Onset:
    """Begin, period and phase of episodes, as columns."""

    begin: NDArray[np.int64]
    """Index of the first minute in the window; negative: before the window. # [m]"""
    period_position: NDArray[np.float32]
    """Period position of the family's part, see `Families`. # [m]"""
    phase: NDArray[np.float32]
    """Phase of the episode, 0…1. # [m]"""

    @property
    def since(self) -> NDArray[np.float32]:
        """Minutes since the onset, negative before it. # [m, 60]"""
        return MINUTE - self.begin[:, None].astype(np.float32)


@dataclass(frozen=True)
class Families:
    """Parameters of fault families, as columns. P = 2 parts."""

    size: NDArray[np.float32]
    """Signed sizes in spreads; 0 outside the group, and in the second part of a family with one part. # [n, P, F]"""
    shape: NDArray[np.int64]
    """Index in SHAPES. # [n, P]"""
    period_position: NDArray[np.float32]
    """Position 0…1 in the range of a shape's periods, lengths or lags. # [n, P]"""
    variants: NDArray[np.bool_]
    """True: an episode shows only one of the two parts. # [n]"""


def draw_families(normal: NDArray[np.int8], count: int, rng: np.random.Generator) -> Families:
    """Draw families for the network of these normal windows. # int8 [n, 60, F]"""
    features = normal.shape[2]
    correlation = _correlation(normal)
    size = np.zeros((count, 2, features), np.float32)
    parts = 1 + (rng.random(count) < TWO_PARTS)
    for family in range(count):
        for part in range(parts[family]):
            group, sign = _draw_group(correlation, rng)
            spread = np.exp(SIZE_SIGMA * (rng.standard_normal() + 0.5 * rng.standard_normal(len(group))))
            size[family, part, group] = SIZE * spread * sign
    shape = rng.choice(len(SHAPES), (count, 2), p=list(SHAPES.values()))
    period_position = rng.random((count, 2), dtype=np.float32)
    variants = (parts == 2) & (rng.random(count) < VARIANTS / TWO_PARTS)
    return Families(size=size, shape=shape, period_position=period_position, variants=variants)


def inject_families(normal: NDArray[np.int8], count: int, each: int, seed: int) -> Examples:
    """Return `each` windows for each of `count` families; the unmodified source windows are returned as twins.

    The source windows are drawn from `normal`. # int8 [n, 60, F]
    """
    rng = np.random.default_rng([seed, 11])
    families = draw_families(normal, count, rng)
    label = np.repeat(np.arange(count), each)
    twins = normal[rng.integers(len(normal), size=len(label))]
    windows = np.empty_like(twins)
    for start in range(0, len(label), CHUNK_WINDOWS):
        chunk = slice(start, start + CHUNK_WINDOWS)
        others = normal[rng.integers(len(normal), size=len(label[chunk]))]
        windows[chunk] = inject(twins[chunk], families, label[chunk], others, rng)
    return Examples(
        windows=windows,
        twins=twins,
        label=label,
        effect=measure_effect(windows, twins),
        network=np.zeros(len(label), np.int64),
    )


def inject(
    normal: NDArray[np.int8],
    families: Families,
    family: NDArray[np.int64],
    others: NDArray[np.int8],
    rng: np.random.Generator,
) -> NDArray[np.int8]:
    """Inject one episode into each window, of the family that `family` names; absent values stay absent.

    `others` are normal windows of other cells, from which a broken correlation takes its values.
    # normal, others int8 [n, 60, F], family [n]
    """
    count = len(normal)
    begin = WINDOW - rng.integers(*ONSET_MINUTES, size=count)
    severity = rng.uniform(*SEVERITY, (count, 1))
    is_shown = np.ones((count, 2), bool)
    variants = np.flatnonzero(families.variants[family])
    is_shown[variants, rng.integers(2, size=len(variants))] = False
    codes = np.where(normal == ABSENT, np.nan, normal.astype(np.float32))
    for part in range(2):
        size = families.size[family, part] * severity * is_shown[:, part, None]
        size *= rng.uniform(1 - JITTER, 1 + JITTER, size.shape) * (rng.random(size.shape) >= UNAFFECTED_SHARE)
        has_part = (size != 0).any(axis=1)
        for kind, shape in enumerate(SHAPES):
            rows = np.flatnonzero(has_part & (families.shape[family, part] == kind))
            if len(rows):
                onset = Onset(
                    begin[rows], families.period_position[family[rows], part], rng.random(len(rows), np.float32)
                )
                codes[rows] = _add_shape(
                    shape, codes=codes[rows], size=STEPS * size[rows], onset=onset, others=others[rows], rng=rng
                )
    return np.where(np.isnan(codes), ABSENT, np.clip(np.rint(codes), -127, 127)).astype(np.int8)


def _add_shape(
    shape: str,
    *,
    codes: NDArray[np.float32],
    size: NDArray[np.float32],
    onset: Onset,
    others: NDArray[np.int8],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return the codes with one shape in all features of nonzero size, from the onset on. # [m, 60, F], size [m, F]"""
    since = onset.since
    affected = (since >= 0)[:, :, None] & (size != 0)[:, None]
    if shape == "variance":
        changed = codes + size[:, None] * rng.standard_normal(codes.shape, np.float32)
    elif shape == "freeze":
        changed = codes[np.arange(len(codes)), np.maximum(onset.begin, 0)][:, None]
    elif shape == "drop-out":
        lost = 1 - np.exp(-np.abs(size) / (3 * STEPS))[:, None]
        changed = np.where(rng.random(codes.shape, np.float32) < lost, np.nan, codes)
        return np.where(affected, changed, codes)
    elif shape == "lag":
        lag_minutes = (LAG_MINUTES[0] + onset.period_position * (LAG_MINUTES[1] - LAG_MINUTES[0])).astype(np.int64)
        changed = codes[np.arange(len(codes))[:, None], np.maximum(np.arange(WINDOW) - lag_minutes[:, None], 0)]
    elif shape == "broken correlation":
        changed = np.where(others == ABSENT, np.nan, others.astype(np.float32))
    else:
        changed = codes + size[:, None] * _profile(shape, since, onset)[:, :, None]
    return np.where(affected & ~np.isnan(changed) & ~np.isnan(codes), changed, codes)


def _profile(shape: str, since: NDArray[np.float32], onset: Onset) -> NDArray[np.float32]:
    """Return the profile of a shape at these minutes since onset, relative to its size. # [m, 60] -> [m, 60]"""
    period_position, phase = onset.period_position[:, None], onset.phase[:, None]
    share: NDArray[np.generic] = np.ones_like(since)
    if shape == "ramp":
        share = np.clip(since / (10 + 50 * period_position), 0.15, 1)
    elif shape == "trend":
        share = since / 60
    elif shape == "oscillation":
        share = 1.4 * np.sin(2 * np.pi * (since / (4 + 26 * period_position) + phase))
    elif shape == "burst":
        period = 4 + 14 * period_position
        share = (since + period * phase) % period < (0.35 + 0.45 * phase) * period
    elif shape == "pulse":
        visible = np.maximum(onset.begin, 0)[:, None]
        centre = visible + phase * (WINDOW - visible)
        share = 2 * np.exp(-0.5 * ((MINUTE - centre) / (1 + 5 * period_position)) ** 2)
    elif shape == "damped":
        share = (
            2 * np.exp(-since / (10 + 50 * period_position)) * np.cos(2 * np.pi * since / (8 + 30 * period_position))
        )
    return share.astype(np.float32)


def _correlation(normal: NDArray[np.int8]) -> NDArray[np.float32]:
    """Return the correlation of the mean deviations, 0 for a constant feature. # int8 [n, 60, F] -> [F, F]"""
    mean = np.where(normal == ABSENT, 0, normal).mean(axis=1, dtype=np.float32)
    mean = mean - mean.mean(axis=0)
    mean /= np.maximum(np.linalg.norm(mean, axis=0), 1e-6)
    return mean.T @ mean


def _draw_group(
    correlation: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Draw the features of a part, and the sign of each. # [F, F] -> [k], [k]"""
    features = len(correlation)
    most = max(1, min(4, features) if rng.random() < SPARSE else features // 2)
    count = 1 + int(most ** rng.random() - 1e-6) if most > 4 else int(rng.integers(1, most + 1))
    first = int(rng.integers(features))
    if rng.random() < RELATED:
        near = np.abs(correlation[first]) + 0.2 * rng.random(features)
        near[first] = np.inf
        group = np.argsort(-near)[:count]
        sign = np.where(correlation[first, group] < 0, -1, 1) * rng.choice([-1, 1])
        flipped = rng.random(count) < 0.15
        return group, np.where(flipped, -sign, sign).astype(np.float32)
    group = rng.choice(features, count, replace=False)
    return group, rng.choice([-1, 1], count).astype(np.float32)
