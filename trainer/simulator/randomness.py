"""Luck without memory: every number is a hash of (seed, stream name, entity, index), so any minute can be made alone.

There is no generator with a state to advance. Adding a draw, skipping a cell or cutting the rows differently
changes no other number, which is what lets a fault and its faultless twin share their luck exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from trainer.simulator.quantiles import Column, binomial_quantile, poisson_quantile

States = NDArray[np.uint64]

WORD = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15  # 2^64 / golden ratio: the SplitMix64 increment (Steele, Lea, Flood, OOPSLA 2014)
ENTITY = np.uint64(0xD1B54A32D192ED03)  # odd, high-entropy multipliers: neighbouring entities and indices
INDEX = np.uint64(0x8CB92BA72F3D8DD7)  # land far apart before they are mixed
FIRST = np.uint64(0xBF58476D1CE4E5B9)  # the two multipliers of SplitMix64's finaliser
SECOND = np.uint64(0x94D049BB133111EB)


def mix64(words: States) -> States:
    """SplitMix64's finaliser: every output bit depends on every input bit. Leaves its argument alone."""
    mixed = words ^ (words >> np.uint64(30))
    mixed *= FIRST
    mixed ^= mixed >> np.uint64(27)
    mixed *= SECOND
    mixed ^= mixed >> np.uint64(31)
    return mixed


@lru_cache(maxsize=4096)
def name_word(name: str) -> np.uint64:
    """The 64-bit number that stands for a stream's or a draw's name."""
    return np.uint64(int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little"))


@lru_cache(maxsize=4096)
def stream_key(seed: int, name: str) -> np.uint64:
    """The key of a named stream under a seed; different names are independent streams."""
    word = (seed * int(ENTITY) + int(name_word(name)) + GOLDEN) & WORD
    key: np.uint64 = mix64(np.array([word], np.uint64))[0]
    return key


def stream_state(key: np.uint64, entity: NDArray[np.integer], index: NDArray[np.integer] | int = 0) -> States:
    """The state of an entity's stream at an index (a minute, a node, a block). # [n], [n] -> [n]"""
    start = mix64(key + np.asarray(entity).astype(np.uint64) * ENTITY)
    return mix64(start + (np.atleast_1d(index).astype(np.uint64) + np.uint64(1)) * INDEX)


def uniforms(words: States) -> Column:
    """The upper 23 bits as a float strictly between 0 and 1; exact on every machine. # [n] -> [n]"""
    top = (words >> np.uint64(41)).astype(np.int32)  # int32: numpy converts it to float32 in SIMD, uint64 not
    return top.astype(np.float32) * np.float32(2.0**-23) + np.float32(2.0**-24)


def normals(words: States) -> Column:
    """Standard normal values, by inversion. # [n] -> [n]"""
    return np.asarray(ndtri(uniforms(words)))


@dataclass(frozen=True)
class HashedDraws:
    """The luck of n rows. A draw is named; asking for the same name twice gives the same numbers twice."""

    state: States

    @classmethod
    def of(
        cls, seed: int, stream: str, entity: NDArray[np.integer], index: NDArray[np.integer] | int = 0
    ) -> HashedDraws:
        return cls(stream_state(stream_key(seed, stream), entity, index))

    def uniform(self, name: str) -> Column:
        return uniforms(mix64(self.state + name_word(name)))

    def normal(self, name: str) -> Column:
        return normals(mix64(self.state + name_word(name)))

    def poisson(self, name: str, mean: Column) -> Column:
        """How many events happen in the minute."""
        return poisson_quantile(self.uniform(name), mean)

    def binomial(self, name: str, trials: Column, share: Column | float, at_most: float = 1.0) -> Column:
        """How many of the trials come true; `share` is held within 0…`at_most`."""
        return binomial_quantile(self.uniform(name), trials, np.clip(share, 0, np.float32(at_most)))
