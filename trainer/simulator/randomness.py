"""Stateless random numbers: each is a hash of (seed, stream name, entity, index), so any minute is computable alone.

No generator has a state to advance. An added draw, a skipped cell or other block limits change no other number. A
fault and its fault-free twin therefore share all their draws exactly.
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
ENTITY = np.uint64(0xD1B54A32D192ED03)  # odd, high-entropy multipliers: they separate the states of
INDEX = np.uint64(0x8CB92BA72F3D8DD7)  # neighbouring entities and indices before the mixing
FIRST_MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)  # the two multipliers of SplitMix64's finaliser
SECOND_MULTIPLIER = np.uint64(0x94D049BB133111EB)


def mix64(words: States) -> States:
    """Return SplitMix64's finaliser: every output bit depends on every input bit. The argument stays unchanged."""
    mixed = words ^ (words >> np.uint64(30))
    mixed *= FIRST_MULTIPLIER
    mixed ^= mixed >> np.uint64(27)
    mixed *= SECOND_MULTIPLIER
    mixed ^= mixed >> np.uint64(31)
    return mixed


@lru_cache(maxsize=4096)
def name_word(name: str) -> np.uint64:
    """Return the 64-bit hash of the name of a stream or a draw."""
    return np.uint64(int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little"))


@lru_cache(maxsize=4096)
def stream_key(seed: int, name: str) -> np.uint64:
    """Return the key of a named stream under a seed; different names are independent streams."""
    word = (seed * int(ENTITY) + int(name_word(name)) + GOLDEN) & WORD
    key: np.uint64 = mix64(np.array([word], np.uint64))[0]
    return key


def stream_state(key: np.uint64, entity: NDArray[np.integer], index: NDArray[np.integer] | int = 0) -> States:
    """Return the state of each entity's stream at an index (a minute, a node, a block). # [n], [n] -> [n]"""
    start = mix64(key + np.asarray(entity).astype(np.uint64) * ENTITY)
    return mix64(start + (np.atleast_1d(index).astype(np.uint64) + np.uint64(1)) * INDEX)


def uniforms(words: States) -> Column:
    """Return the upper 23 bits as a float strictly between 0 and 1; exact on every machine. # [n] -> [n]"""
    upper_bits = (words >> np.uint64(41)).astype(
        np.int32
    )  # int32: numpy converts it to float32 in SIMD, but not uint64
    return upper_bits.astype(np.float32) * np.float32(2.0**-23) + np.float32(2.0**-24)


def normals(words: States) -> Column:
    """Return standard normal values, by inversion. # [n] -> [n]"""
    return np.asarray(ndtri(uniforms(words)))


@dataclass(frozen=True)
class HashedDraws:
    """Named draws of n rows: the same name gives the same numbers each time."""

    state: States

    @classmethod
    def of(
        cls, seed: int, stream: str, entity: NDArray[np.integer], index: NDArray[np.integer] | int = 0
    ) -> HashedDraws:
        """Return the draws of a stream at each (entity, index). # [n], [n]"""
        return cls(stream_state(stream_key(seed, stream), entity, index))

    def uniform(self, name: str) -> Column:
        """Return uniform numbers strictly between 0 and 1. # [n]"""
        return uniforms(mix64(self.state + name_word(name)))

    def normal(self, name: str) -> Column:
        """Return standard normal numbers. # [n]"""
        return normals(mix64(self.state + name_word(name)))

    def poisson(self, name: str, mean: Column) -> Column:
        """Return the number of events in the minute. # [n] -> [n]"""
        return poisson_quantile(self.uniform(name), mean)

    def binomial(self, name: str, trials: Column, share: Column | float, at_most: float = 1.0) -> Column:
        """Return the number of successful trials; `share` is clipped to 0…`at_most`. # [n], [n] -> [n]"""
        return binomial_quantile(self.uniform(name), trials, np.clip(share, 0, np.float32(at_most)))
