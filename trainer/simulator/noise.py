"""Smooth fluctuations and occasional events, both computable for any single minute without its neighbours."""

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
class Events:
    """Rows inside an occasional event, with the event of each row. # [m] each"""

    row: NDArray[np.intp]
    first: NDArray[np.int64]
    """First minute of the event."""
    end: NDArray[np.int64]
    """First minute after the event."""
    strength: Column
    """Uniform number in 0…1, one per event."""


@dataclass(frozen=True)
class Noise:
    """Noise of n rows (cell, minute), shared by all rows of a cell, a site or a region."""

    seed: int
    minute: NDArray[np.uint64]
    entities: dict[str, NDArray[np.uint64]]
    """Number of each row's entity, by kind. # {cell, site, region} -> [n]"""

    def fluctuation(self, name: str, minutes: int, entity_kind: str = "cell") -> Column:
        """Return Gaussian noise of mean 0 and variance 1, smooth over `minutes`. # [n]

        This is lattice noise. Independent normal values g lie at nodes `minutes` apart, with an offset per entity.
        Between two nodes the value is cos(πf/2)·g₀ + sin(πf/2)·g₁. Sums over several scales resemble 1/f noise.
        """
        start = mix64(stream_key(self.seed, name) + self.entities[entity_kind] * ENTITY)
        offset = ((start >> np.uint64(32)) * np.uint64(minutes)) >> np.uint64(32)  # 0 … minutes − 1
        shifted_minute = self.minute + offset
        node = shifted_minute // np.uint64(minutes)
        angle = (shifted_minute - node * np.uint64(minutes)).astype(np.int32).astype(np.float32)
        angle *= np.float32(np.pi / 2 / minutes)
        left_node = start + (node + np.uint64(1)) * INDEX
        node_values = normals(mix64(np.stack([left_node, left_node + INDEX])))  # [2, n]
        return np.cos(angle) * node_values[0] + np.sin(angle) * node_values[1]

    def affected_rows(
        self,
        name: str,
        entity_kind: str,
        block_minutes: int,
        probability: float | Column,
        duration_range: tuple[float, float],
    ) -> tuple[NDArray[np.intp], Column]:
        """Return the rows inside an occasional event, and the strength of each row's event. # [m], [m]

        The arguments are those of `events`.
        """
        events = self.events(name, entity_kind, block_minutes, probability, duration_range)
        return events.row, events.strength

    def events(
        self,
        name: str,
        entity_kind: str,
        block_minutes: int,
        probability: float | Column,
        duration_range: tuple[float, float],
    ) -> Events:
        """Return the occasional events of a kind with all their rows.

        Each block of `block_minutes` has at most one event per entity, with `probability`. Its duration is log-uniform
        in `duration_range` (minutes), and the event ends with its block at the latest.
        """
        block = self.minute // np.uint64(block_minutes)
        state: States = stream_state(stream_key(self.seed, name), self.entities[entity_kind], block)
        rows = np.flatnonzero(HashedDraws(state).uniform("whether") < probability)
        draws = HashedDraws(state[rows])
        shortest, longest = duration_range
        begin = draws.uniform("when") * np.float32(block_minutes - shortest)
        duration = np.float32(shortest) * np.exp(draws.uniform("how long") * np.float32(np.log(longest / shortest)))
        first, end = np.ceil(begin), np.minimum(np.ceil(begin + duration), block_minutes)
        start = (block[rows] * np.uint64(block_minutes)).astype(np.int64)
        within = (self.minute[rows].astype(np.int64) - start).astype(np.float32)
        inside = np.flatnonzero((within >= first) & (within < end))
        return Events(
            row=rows[inside],
            first=start[inside] + first[inside].astype(np.int64),
            end=start[inside] + end[inside].astype(np.int64),
            strength=draws.uniform("how much")[inside],
        )
