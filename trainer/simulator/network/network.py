"""A mobile network: sites of three sectors on a grid, in regions that share weather, core and collector."""

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.network.cells import Cells, build_cells
from trainer.simulator.network.operators import OPERATOR_A, Operator
from trainer.simulator.network.profiles import MIXTURE, week_profiles
from trainer.simulator.randomness import HashedDraws, stream_key

SECTORS = 3
REGION_SITES = 8
"""Sites along a region's edge: 8 x 8 sites, about 192 cells."""
OUTER_NEIGHBOURS = 8
MOST_CELLS = 300_000
"""Names carry five digits of site number, so that they sort like the cells."""


class Network:
    """`cells` cells as built by `operator`; everything about it follows from `seed`."""

    def __init__(self, cells: int, seed: int, operator: Operator = OPERATOR_A) -> None:
        if not 1 <= cells <= MOST_CELLS:
            raise ValueError(f"a network of {cells} cells: must be 1 to {MOST_CELLS}; simulate several instead")
        self.cells = cells
        self.operator = operator
        self.seed = int(stream_key(seed, f"network {operator.name}"))
        sites = -(-cells // SECTORS)
        self.names = [f"{operator.name}{cell // SECTORS:05d}-{cell % SECTORS + 1}" for cell in range(cells)]
        self.side = int(np.ceil(np.sqrt(sites)))
        column, row = np.arange(sites) % self.side, np.arange(sites) // self.side
        regions_across = -(-self.side // REGION_SITES)
        self.statics: Cells = build_cells(
            cells, self.seed, operator, column // REGION_SITES + row // REGION_SITES * regions_across
        )
        self.week = week_profiles(operator.profile_exponent, operator.profile_shift_hours)  # [5, 10080]
        self.mixed_week = np.asarray(MIXTURE, np.float32) @ self.week  # [10080]

    def neighbours(self, cell: int) -> NDArray[np.int64]:
        """The two co-sited sectors, then the nearest sectors of the surrounding sites, nearest first."""
        site = cell // SECTORS
        column, row = site % self.side, site // self.side
        near = [
            x + y * self.side
            for y in range(max(row - 1, 0), row + 2)
            for x in range(max(column - 1, 0), min(column + 2, self.side))
            if (x, y) != (column, row)
        ]
        around = np.array([SECTORS * other + sector for other in near for sector in range(SECTORS)], np.int64)
        around = around[around < self.cells]
        here = self._centres(np.array([cell]))
        distance = np.hypot(*(self._centres(around) - here).T)
        co_sited = [c for c in range(SECTORS * site, SECTORS * site + SECTORS) if c != cell and c < self.cells]
        return np.concatenate([np.array(co_sited, np.int64), around[np.argsort(distance)[:OUTER_NEIGHBOURS]]])

    def _centres(self, cell: NDArray[np.integer]) -> NDArray[np.float64]:
        """Where a sector's users are, in site distances: a third of the way along its azimuth. # [n] -> [n, 2]"""
        site = cell // SECTORS
        luck = HashedDraws.of(self.seed, "layout", site)
        azimuth = 2 * np.pi * (luck.uniform("azimuth") / SECTORS + cell % SECTORS / SECTORS)
        east = site % self.side + 0.15 * luck.normal("east") + np.cos(azimuth) / 3
        north = site // self.side + 0.15 * luck.normal("north") + np.sin(azimuth) / 3
        return np.stack([east, north], axis=1)
