"""Where an episode is felt: the cells it strikes, and what spills over to their neighbours."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.faults.episodes import FaultEpisode, constants_of
from trainer.simulator.faults.fault_class import Move, Spillover, amount_of
from trainer.simulator.network.network import SECTORS, Network
from trainer.simulator.randomness import HashedDraws

CO_SITED, OUTER = 1.2, 1.0
"""Weights of a neighbour when users or hand-overs are spread over all of them."""

MOST_ABSORBED = 1.5
"""A neighbour takes at most so many times its own users: the rest find no coverage."""

LONGEST_CHAIN = 5
"""Sites behind one microwave or ring link: two to five."""


@dataclass(frozen=True)
class Part:
    """What an episode does to some cells, to all of them alike."""

    episode: FaultEpisode
    cells: tuple[int, ...] | None
    """None: the whole network."""
    moves: tuple[Move, ...]
    weight: float
    name: str
    """What it is there: the fault, or in a healthy neighbour the look-alike."""
    primary: bool


def footprint(network: Network, episode: FaultEpisode) -> list[Part]:
    """The stricken cells first, then those nearby. Without a place, an episode is its one cell's and no one else's."""
    struck, fault = struck_cells(network, episode), episode.fault
    cells = None if len(struck) == network.cells else tuple(struck)
    parts = [Part(episode, cells, fault.moves, 1.0, fault.name, True)]
    if episode.place is None or episode.place == "network":
        return parts
    for spill in fault.spills:
        alike: dict[float, list[int]] = {}
        for near, weight in _reached(network, episode, spill, set(struck)).items():
            alike.setdefault(weight, []).append(near)
        moves, name = spill.moves or fault.moves, spill.called or fault.name
        parts += [Part(episode, tuple(nearby), moves, weight, name, False) for weight, nearby in alike.items()]
    return parts


def struck_cells(network: Network, episode: FaultEpisode) -> list[int]:
    """The cells with the fault itself, ascending."""
    if episode.place in (None, "cell"):
        return [episode.cell]
    statics = network.statics
    if episode.place == "network":
        chosen = np.arange(network.cells)
    elif episode.place == "region":
        chosen = np.flatnonzero(statics.region == statics.region[episode.cell])
    else:
        first, last = _sites(network, episode)
        chosen = np.arange(SECTORS * first, min(SECTORS * last, network.cells))
    return chosen[statics.tdd[chosen] > 0].tolist() if episode.fault.tdd_only else chosen.tolist()


def _sites(network: Network, episode: FaultEpisode) -> tuple[int, int]:
    """The first site of a `site` or `chain`, and the one after its last. A chain lies in one row of the grid."""
    site = episode.cell // SECTORS
    if episode.place == "site":
        return site, site + 1
    luck = HashedDraws.of(episode.seed, "chain", np.zeros(1, np.int64)).uniform("length")
    length = 2 + int(luck[0] * (LONGEST_CHAIN - 1))
    row, sites = site // network.side * network.side, -(-network.cells // SECTORS)
    end = min(row + network.side, sites)
    first = max(row, min(site, end - length))
    return first, min(first + length, end)


def _reached(network: Network, episode: FaultEpisode, spill: Spillover, struck: set[int]) -> dict[int, float]:
    """The healthy cells that a spill comes to, and by how much."""
    if spill.absorbed:
        return _absorbing(network, spill, struck)
    constants = constants_of(episode)
    weight, most = amount_of(spill.weight, constants), amount_of(spill.most, constants)
    weights: dict[int, float] = {}
    for cell in sorted(struck):
        near = _near(network, cell, spill.to)
        for other in near[: len(near) if np.isinf(most) else int(most)].tolist():
            if other not in struck and (network.statics.tdd[other] or not spill.tdd_only):
                weights[other] = weight
    return weights


def _absorbing(network: Network, spill: Spillover, struck: set[int]) -> dict[int, float]:
    """Where the users of the stricken cells go, all to healthy ones: how many, as a share of each cell's own."""
    load = network.statics.busy_attempts
    gained: dict[int, float] = {}
    for cell in sorted(struck):
        healthy = [near for near in _near(network, cell, spill.to).tolist() if near not in struck]
        shares = [CO_SITED if near // SECTORS == cell // SECTORS else OUTER for near in healthy]
        for near, share in zip(healthy, shares, strict=True):
            gained[near] = gained.get(near, 0) + spill.absorbed * share / sum(shares) * float(load[cell])
    return {near: min(users / float(load[near]), MOST_ABSORBED) for near, users in gained.items()}


@lru_cache(maxsize=65_536)
def _near(network: Network, cell: int, to: str) -> NDArray[np.int64]:
    """Nearest first. # -> [k]"""
    around = network.neighbours(cell)
    own = around // SECTORS == cell // SECTORS
    if to == "sectors":
        return around[own]
    if to == "nearest":
        return around[~own]
    if to == "ring":
        return around
    second = np.concatenate([around, *(network.neighbours(near) for near in around.tolist())])
    return np.setdiff1d(second, [*around.tolist(), cell])
