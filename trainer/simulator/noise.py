"""Things that change slowly, and things that now and then happen: both can be looked up at any minute, alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.randomness import (
    ENTITY,
    INDEX,
    Column,
    HashedDraws,
    States,
    mix64,
    normals,
    stream_key,
    stream_state,
)


@dataclass(frozen=True)
class Spells:
    """Rows that lie inside an occasional event, and of each its event. # [m]"""

    row: NDArray[np.intp]
    first: NDArray[np.int64]
    """The first minute inside."""
    end: NDArray[np.int64]
    """The first minute after."""
    strength: Column
    """Uniform in 0…1, one number per event."""


@dataclass(frozen=True)
class Noise:
    """Slow fluctuations of n rows, shared by the rows of a cell, a site or a region."""

    seed: int
    minute: NDArray[np.uint64]
    places: dict[str, NDArray[np.uint64]]
    """Per kind of place the entity's number. # {cell, site, region} -> [n]"""

    def slow(self, name: str, minutes: int, place: str = "cell") -> Column:
        """Gaussian noise of mean 0 and variance 1 at every minute, smooth over `minutes`.

        Lattice noise: independent normals g stand at nodes `minutes` apart, with an entity's own offset, and
        between two of them the value is cos(πf/2)·g₀ + sin(πf/2)·g₁. Sums over several scales resemble 1/f noise.
        """
        start = mix64(stream_key(self.seed, name) + self.places[place] * ENTITY)
        offset = ((start >> np.uint64(32)) * np.uint64(minutes)) >> np.uint64(32)  # 0 … minutes − 1
        moved = self.minute + offset
        node = moved // np.uint64(minutes)
        angle = (moved - node * np.uint64(minutes)).astype(np.int32).astype(np.float32)
        angle *= np.float32(np.pi / 2 / minutes)
        before = start + (node + np.uint64(1)) * INDEX
        ends = normals(mix64(np.stack([before, before + INDEX])))  # [2, n]
        return np.cos(angle) * ends[0] + np.sin(angle) * ends[1]

    def happening(
        self, name: str, place: str, block_minutes: int, probability: float | Column, lasting: tuple[float, float]
    ) -> tuple[NDArray[np.intp], Column]:
        """Rows that lie inside an occasional event, and the event's strength: see `spells`."""
        spells = self.spells(name, place, block_minutes, probability, lasting)
        return spells.row, spells.strength

    def spells(
        self, name: str, place: str, block_minutes: int, probability: float | Column, lasting: tuple[float, float]
    ) -> Spells:
        """The occasional events of a kind, from their first minute to their last.

        In each block of `block_minutes` at most one event happens, with `probability`; its duration is log-uniform
        in `lasting` (minutes), and it never outlives its block.
        """
        block = self.minute // np.uint64(block_minutes)
        state: States = stream_state(stream_key(self.seed, name), self.places[place], block)
        rows = np.flatnonzero(HashedDraws(state).uniform("whether") < probability)
        draws = HashedDraws(state[rows])
        shortest, longest = lasting
        begin = draws.uniform("when") * np.float32(block_minutes - shortest)
        duration = np.float32(shortest) * np.exp(draws.uniform("how long") * np.float32(np.log(longest / shortest)))
        first, end = np.ceil(begin), np.minimum(np.ceil(begin + duration), block_minutes)
        start = (block[rows] * np.uint64(block_minutes)).astype(np.int64)
        within = (self.minute[rows].astype(np.int64) - start).astype(np.float32)
        inside = np.flatnonzero((within >= first) & (within < end))
        return Spells(
            row=rows[inside],
            first=start[inside] + first[inside].astype(np.int64),
            end=start[inside] + end[inside].astype(np.int64),
            strength=draws.uniform("how much")[inside],
        )
