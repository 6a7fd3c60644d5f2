"""What the statistics look at: fifteen days of whole sites, and one working day of every cell."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tests.simulator.builders import FIRST_MONDAY, POSITION
from trainer.simulator import Network, records
from trainer.workers import PROCESSES

CELLS, SITES = 3000, 50
DAYS = np.arange(7, 22)
"""Of the simulated calendar: from a Monday to a Monday, two weekends between."""
WEEKDAY = 8
SLOTS = np.arange(0, 1440, 30)
"""Minutes of that day at which every cell is looked at."""

THINNED = 10
"""Every so many minutes are enough for the correlations of all 130 features."""

ATTEMPTS = ("rrc_att_mo_data", "rrc_att_mo_sig", "rrc_att_mt", "rrc_att_other")


@dataclass(frozen=True)
class Sample:
    network: Network
    cell: NDArray[np.int64]
    minute: NDArray[np.int64]
    features: dict[str, NDArray[np.float32]]
    """The features that a statistic asks for. # [cells, minutes]"""
    thinned: NDArray[np.float32]
    """All of them at every tenth minute. # [cells, minutes / 10, F]"""
    nulls: NDArray[np.float64]
    """Share of minutes that are not reported. # [F]"""
    weekday: dict[str, NDArray[np.float64]]
    """Attempts and volume of one working day in every cell of the network. # [CELLS]"""

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        return self.features[name]

    def total(self, *names: str) -> float:
        return float(sum(np.nansum(self.features[name], dtype=np.float64) for name in names))

    @property
    def attempts(self) -> NDArray[np.float32]:
        """# [cells, minutes]"""
        return np.sum([self.features[name] for name in ATTEMPTS], axis=0, dtype=np.float32)


def draw_sample(seed: int, names: tuple[str, ...], workers: int) -> Sample:
    """Simulates the cells of some sites of a network; both follow from the seed."""
    network = Network(CELLS, seed)
    site = np.random.default_rng(seed).choice(CELLS // 3, SITES, replace=False)
    cell = (3 * site[:, None] + np.arange(3)).ravel()
    minute = FIRST_MONDAY + (DAYS[:, None] * 1440 + np.arange(1440)).ravel()
    with ProcessPoolExecutor(workers, mp_context=PROCESSES) as pool:
        parts = list(pool.map(partial(_read, network, minute, names), cell.tolist()))
        days = list(pool.map(partial(_read_slots, network), (FIRST_MONDAY + WEEKDAY * 1440 + SLOTS).tolist()))
    columns, thinned, nulls = (np.stack(each) for each in zip(*parts, strict=True))
    features = {name: columns[:, position] for position, name in enumerate(names)}
    attempts, volume = np.sum(days, axis=0)
    return Sample(
        network, cell, minute, features, thinned, nulls.mean(axis=0), {"attempts": attempts, "volume": volume}
    )


def _read(
    network: Network, minute: NDArray[np.int64], names: tuple[str, ...], cell: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """# -> asked-for columns [n, minutes], thinned [minutes / 10, F], share of nulls [F]"""
    values = records(network, np.full(len(minute), cell), minute)
    columns = np.stack([values[:, POSITION[name]] for name in names])
    return columns, values[::THINNED].copy(), np.isnan(values).mean(axis=0)


def _read_slots(network: Network, minute: int) -> NDArray[np.float64]:
    """Attempts and volume of every cell. # -> [2, cells]"""
    values = records(network, np.arange(network.cells), np.full(network.cells, minute))
    attempts = values[:, [POSITION[name] for name in ATTEMPTS]].sum(axis=1)
    return np.stack([attempts, values[:, POSITION["pdcp_vol_dl_kb"]]]).astype(np.float64)
