"""Features: their catalogue, and the deviation of a value from what is usual for its cell at this time of day.

Deviations are 8-bit codes: 1/16 of the cell's own spread a step, clipped at ±8 spreads, with one code for "not
reported". After this step no value is a NaN or has a unit: a window of one network looks like a window of any other.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.granularity import Granularity
from detector.core.vocabulary import WINDOW as WINDOW

ABSENT = -128
"""Code of "not reported": the one int8 that no clipped deviation reaches."""

CLIP = 8.0
"""Deviations are clipped at so many spreads: beyond it a value is "very far". Clipping alone gives + .15 macro-F1."""

STEPS = 127 / CLIP
"""Codes per spread. One step is 0.063 spreads, a fiftieth of ordinary minute-to-minute noise."""


@dataclass(frozen=True)
class Feature:
    """Feature: one measured quantity of a cell's minute, as the bundle's catalogue describes it."""

    name: str
    unit: str
    kind: str
    """`counter` (events of the minute), `gauge` (a state) or `ratio` (a share in percent)."""
    transform: str
    """`log1p` where spread grows with level (counters, delays), else `identity`."""
    low: float
    high: float
    """Values outside [low, high] are impossible, and count as not reported."""
    alias: str = ""
    """The 3GPP TS 28.552 measurement name, where one exists."""
    group: str = ""


@dataclass(frozen=True)
class Catalogue:
    """Catalogue: the features of a network, in the order of every array's last axis."""

    features: tuple[Feature, ...]
    period_minutes: int = 1
    """Minutes that a sample stands for: one of PERIODS."""
    stamp: str = "begin"
    """End of the period whose time a record carries: one of STAMPS."""

    def __len__(self) -> int:
        return len(self.features)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)

    @property
    def digest(self) -> str:
        """Digest of names, units, kinds, transforms, order and period.

        Windows can be compared where digests are equal. A period of one minute adds nothing: digests of before hold.
        """
        rows = [f"{feature.name}|{feature.unit}|{feature.kind}|{feature.transform}" for feature in self.features]
        rows += [] if self.period_minutes == 1 else [f"|period|{self.period_minutes}|"]
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]

    @property
    def granularity(self) -> Granularity:
        return Granularity(self.period_minutes)

    def sample_minute(self, minutes: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the first minutes of the samples whose records bear these times, in minutes. # [n] -> [n]"""
        shift = self.period_minutes if self.stamp == "end" else 0
        return self.granularity.first_minute(np.floor(minutes - shift).astype(np.int64))

    @property
    def logarithmic(self) -> NDArray[np.bool_]:
        """True for features with the transform `log1p`. # [F]"""
        return np.array([feature.transform == "log1p" for feature in self.features])

    @property
    def bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lowest and highest possible values. # [F] each"""
        low = np.array([feature.low for feature in self.features], np.float32)
        high = np.array([feature.high for feature in self.features], np.float32)
        return low, high


def transform(values: NDArray[np.float32], logarithmic: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Put reported values on the scale on which their spread is even. NaN stays NaN. # [..., F] -> [..., F]"""
    scaled = values.astype(np.float32, copy=True)
    scaled[..., logarithmic] = np.log1p(np.maximum(scaled[..., logarithmic], 0))
    return scaled


@dataclass(frozen=True)
class Baseline:
    """Baseline, per cell and feature: a mean, a few harmonics of the day, a spread. It is learned, and in the bundle.

    Both arrays are memory-mapped where they come from a bundle: an instance pays for its assigned cells only.
    """

    cells: NDArray[np.bytes_]
    """Names of the rows except the last, sorted. # S[C]"""
    table: NDArray[np.float16]
    """Spread, mean, then cosine and sine of harmonic 1…H; the last row is the fleet's. # [C + 1, 2 + 2·H, F]"""

    def coefficients(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the table at these rows. # [n] -> [n, 2 + 2·H, F]"""
        return _to_single(self.table[rows])

    def rows(self, names: list[str]) -> NDArray[np.int64]:
        """Return the rows of these cells' baselines: the fleet's row for a cell without one. # [n]"""
        if not len(self.cells):
            return np.zeros(len(names), np.int64)
        encoded_names = np.array([name.encode() for name in names], np.bytes_)
        positions = np.searchsorted(self.cells, encoded_names)
        last = len(self.cells) - 1
        is_known = (positions < len(self.cells)) & (self.cells[np.minimum(positions, last)] == encoded_names)
        is_known &= np.array([not name.endswith("\0") for name in names], bool)  # numpy drops zero bytes at the end
        return np.where(is_known, positions, len(self.cells))


def _to_single(half: NDArray[np.float16]) -> NDArray[np.float32]:
    """Convert finite numbers to single precision, six times as fast as `astype`: numpy converts halves one by one.

    The bits are moved to their places in single precision; a factor, a power of two, then corrects the exponent.
    """
    bits = half.view(np.int16).astype(np.int32)
    bits <<= 13
    bits &= np.int32(-0x7000_0001)
    single = bits.view(np.float32)
    single *= np.float32(2.0**112)
    return single


def day_basis(minute: NDArray[np.int64], harmonics: int) -> NDArray[np.float32]:
    """Return 1, then cosine and sine of each harmonic of the day. # [n] -> [n, 1 + 2·H]"""
    angle = (minute % 1440).astype(np.float32) * np.float32(2 * np.pi / 1440)
    columns = [np.ones_like(angle)]
    for harmonic in range(1, harmonics + 1):
        columns += [np.cos(harmonic * angle), np.sin(harmonic * angle)]
    return np.stack(columns, axis=1)


def deviations(
    values: NDArray[np.float32],
    minute: NDArray[np.int64],
    coefficients: NDArray[np.float32],
    logarithmic: NDArray[np.bool_],
) -> NDArray[np.int8]:
    """Return the deviation from the baseline in spreads, coded as int8, `ABSENT` where nothing was reported.

    # values [n, F], minute [n], coefficients [n, 2 + 2·H, F] -> [n, F]
    """
    harmonics = (coefficients.shape[1] - 2) // 2
    usual = np.einsum("nh,nhf->nf", day_basis(minute, harmonics), coefficients[:, 1:])
    spreads = (transform(values, logarithmic) - usual) / coefficients[:, 0]
    is_absent = np.isnan(spreads)
    codes = np.rint(np.clip(np.where(is_absent, 0, spreads), -CLIP, CLIP) * np.float32(STEPS))
    return np.where(is_absent, ABSENT, codes).astype(np.int8)


def fingerprints(values: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return one number per row that differs where any reported value differs, to the last bit. # [n, F] -> [n]

    It is a multiply-add hash with odd 64-bit weights. It does not resist an adversary: the only harm of a collision is
    a correction that is not counted.
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.uint64)
    random_numbers = np.random.default_rng(0).integers(2**63, size=values.shape[1], dtype=np.uint64)
    weights = random_numbers * np.uint64(2) + np.uint64(1)
    return (bits * weights).sum(axis=1, dtype=np.uint64)
