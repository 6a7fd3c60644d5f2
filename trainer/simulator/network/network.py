"""Mobile network: sites of three sectors on a grid, in regions that share weather, core and collector."""

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.network.cells import Cells, build_cells
from trainer.simulator.network.operators import OPERATOR_A, Operator
from trainer.simulator.network.profiles import MIXTURE, week_profiles
from trainer.simulator.randomness import HashedDraws, stream_key

SECTORS = 3
"""Cells per site."""
REGION_SITES = 8
"""Sites along a region's edge: 8 x 8 sites, about 192 cells."""
OUTER_NEIGHBOURS = 8
"""Neighbours on other sites."""
MOST_CELLS = 300_000
"""Largest network: cell names have five digits of site number, so that they sort like the cell numbers."""


class Network:
    """Network of `cells` cells of an operator; the seed determines all its properties."""

    def __init__(self, cells: int, seed: int, operator: Operator = OPERATOR_A) -> None:
        if not 1 <= cells <= MOST_CELLS:
            raise ValueError(
                f"a network has {cells} cells; allowed 1 to {MOST_CELLS}. Simulate several networks for more."
            )
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
        """Return the co-sited sectors, then those of surrounding sites, nearest first. # -> [k], k <= 10"""
        site = cell // SECTORS
        column, row = site % self.side, site // self.side
        neighbour_sites = [
            x + y * self.side
            for y in range(max(row - 1, 0), row + 2)
            for x in range(max(column - 1, 0), min(column + 2, self.side))
            if (x, y) != (column, row)
        ]
        outer = np.array(
            [SECTORS * neighbour_site + sector for neighbour_site in neighbour_sites for sector in range(SECTORS)],
            np.int64,
        )
        outer = outer[outer < self.cells]
        centre = self._centres(np.array([cell]))
        distance = np.hypot(*(self._centres(outer) - centre).T)
        co_sited = [c for c in range(SECTORS * site, SECTORS * site + SECTORS) if c != cell and c < self.cells]
        return np.concatenate([np.array(co_sited, np.int64), outer[np.argsort(distance)[:OUTER_NEIGHBOURS]]])

    def _centres(self, cell: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the centre of each sector's users, in site distances: 1/3 along its azimuth. # [n] -> [n, 2]"""
        site = cell // SECTORS
        layout_draws = HashedDraws.of(self.seed, "layout", site)
        azimuth = 2 * np.pi * (layout_draws.uniform("azimuth") / SECTORS + cell % SECTORS / SECTORS)
        east = site % self.side + 0.15 * layout_draws.normal("east") + np.cos(azimuth) / 3
        north = site // self.side + 0.15 * layout_draws.normal("north") + np.sin(azimuth) / 3
        return np.stack([east, north], axis=1)
