"""Footprint of an episode: the cells that it strikes, and its effects on their neighbours."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.faults.episodes import FaultEpisode, constants_of
from trainer.simulator.faults.fault_class import Move, Spillover, amount_of
from trainer.simulator.network.network import SECTORS, Network
from trainer.simulator.randomness import HashedDraws

CO_SITED_WEIGHT, OUTER_WEIGHT = 1.2, 1.0
"""Weights by which absorbed users are split among the neighbours: of the same site, of other sites."""

MOST_ABSORBED = 1.5
"""Largest ratio of absorbed users to a neighbour's own users; the remaining users find no coverage."""

LONGEST_CHAIN = 5
"""Largest number of sites behind one microwave or ring link; the smallest is 2."""


@dataclass(frozen=True)
class Part:
    """Effect of an episode on a group of cells, the same for each of them."""

    episode: FaultEpisode
    cells: tuple[int, ...] | None
    """Cell numbers; None: the whole network."""
    moves: tuple[Move, ...]
    weight: float
    name: str
    """Label of these cells: the fault, or the look-alike in a healthy neighbour."""
    primary: bool


def footprint(network: Network, episode: FaultEpisode) -> list[Part]:
    """Return the parts of an episode: the struck cells first, then the neighbours.

    An episode without a place strikes its own cell only.
    """
    struck, fault = struck_cells(network, episode), episode.fault
    cells = None if len(struck) == network.cells else tuple(struck)
    parts = [Part(episode=episode, cells=cells, moves=fault.moves, weight=1.0, name=fault.name, primary=True)]
    if episode.place_kind is None or episode.place_kind == "network":
        return parts
    for spill in fault.spills:
        cells_by_weight: dict[float, list[int]] = {}
        for neighbour, weight in _affected_neighbours(network, episode, spill, set(struck)).items():
            cells_by_weight.setdefault(weight, []).append(neighbour)
        moves, name = spill.moves or fault.moves, spill.look_alike or fault.name
        parts += [
            Part(episode=episode, cells=tuple(neighbours), moves=moves, weight=weight, name=name, primary=False)
            for weight, neighbours in cells_by_weight.items()
        ]
    return parts


def struck_cells(network: Network, episode: FaultEpisode) -> list[int]:
    """Return the cells with the fault itself, ascending."""
    if episode.place_kind in (None, "cell"):
        return [episode.cell]
    statics = network.statics
    if episode.place_kind == "network":
        chosen = np.arange(network.cells)
    elif episode.place_kind == "region":
        chosen = np.flatnonzero(statics.region == statics.region[episode.cell])
    else:
        first, last = _sites(network, episode)
        chosen = np.arange(SECTORS * first, min(SECTORS * last, network.cells))
    return chosen[statics.tdd[chosen] > 0].tolist() if episode.fault.tdd_only else chosen.tolist()


def _sites(network: Network, episode: FaultEpisode) -> tuple[int, int]:
    """Return the first site of a `site` or `chain`, and the one after its last; a chain lies in one row of the grid."""
    site = episode.cell // SECTORS
    if episode.place_kind == "site":
        return site, site + 1
    length_draw = HashedDraws.of(episode.seed, "chain", np.zeros(1, np.int64)).uniform("length")
    length = 2 + int(length_draw[0] * (LONGEST_CHAIN - 1))
    row, sites = site // network.side * network.side, -(-network.cells // SECTORS)
    end = min(row + network.side, sites)
    first = max(row, min(site, end - length))
    return first, min(first + length, end)


def _affected_neighbours(
    network: Network, episode: FaultEpisode, spill: Spillover, struck: set[int]
) -> dict[int, float]:
    """Return the healthy cells that a spillover reaches, with the weight of each."""
    if spill.absorbed_share:
        return _absorbing_neighbours(network, spill, struck)
    constants = constants_of(episode)
    weight, max_cells = amount_of(spill.weight, constants), amount_of(spill.max_cells, constants)
    weights: dict[int, float] = {}
    for cell in sorted(struck):
        neighbours = _neighbourhood(network, cell, spill.neighbourhood)
        for neighbour in neighbours[: len(neighbours) if np.isinf(max_cells) else int(max_cells)].tolist():
            if neighbour not in struck and (network.statics.tdd[neighbour] or not spill.tdd_only):
                weights[neighbour] = weight
    return weights


def _absorbing_neighbours(network: Network, spill: Spillover, struck: set[int]) -> dict[int, float]:
    """Return the healthy cells that absorb the users of the struck cells, with the ratio to each cell's own users."""
    load = network.statics.busy_attempts
    gained_users: dict[int, float] = {}
    for cell in sorted(struck):
        neighbours = _neighbourhood(network, cell, spill.neighbourhood).tolist()
        healthy = [neighbour for neighbour in neighbours if neighbour not in struck]
        shares = [CO_SITED_WEIGHT if neighbour // SECTORS == cell // SECTORS else OUTER_WEIGHT for neighbour in healthy]
        for neighbour, share in zip(healthy, shares, strict=True):
            users = spill.absorbed_share * share / sum(shares) * float(load[cell])
            gained_users[neighbour] = gained_users.get(neighbour, 0) + users
    return {neighbour: min(users / float(load[neighbour]), MOST_ABSORBED) for neighbour, users in gained_users.items()}


@lru_cache(maxsize=65_536)
def _neighbourhood(network: Network, cell: int, kind: str) -> NDArray[np.int64]:
    """Return the cells of a neighbourhood, nearest first. # -> [k]"""
    ring = network.neighbours(cell)
    same_site = ring // SECTORS == cell // SECTORS
    if kind == "sectors":
        return ring[same_site]
    if kind == "nearest":
        return ring[~same_site]
    if kind == "ring":
        return ring
    outer_ring = np.concatenate([ring, *(network.neighbours(neighbour) for neighbour in ring.tolist())])
    return np.setdiff1d(outer_ring, [*ring.tolist(), cell])
