"""How often what happens where: episodes drawn day by day, each from a hash of class, place and day.

Rates are a radio engineer's guesses: no operator publishes them. A day's episodes do not depend on any other day's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.faults.classes import FAULTS
from trainer.simulator.faults.episodes import FaultEpisode, Place, draw_severity
from trainer.simulator.faults.fault_class import FaultClass
from trainer.simulator.network.cells import STADIUM
from trainer.simulator.network.network import SECTORS, Network
from trainer.simulator.randomness import HashedDraws, stream_key

DAY = 1440
SHORTEST, LONGEST = 5, 4 * DAY
"""Minutes an episode may last."""

SLOW = ("pa_degradation", "baseband_overload")
"""They build up over up to twelve hours."""
SLOWEST_RAMP = 720

CAPACITY_CARRIERS = (1, 3)
"""Carriers that are switched off at night: the widest of LTE and NR. The others keep the coverage."""


@dataclass(frozen=True)
class Rate:
    """`per_day` episodes per 1,000 cells, or per place; where they strike, with what share of them."""

    per_day: float
    places: Mapping[Place, float]
    of: Literal["1000 cells", "place"] = "1000 cells"
    among: Literal["all", "stadiums", "capacity"] = "all"
    every_day: bool = False
    """The places drawn once have it every day."""


CELL: Mapping[Place, float] = {"cell": 1.0}
TRANSPORT: Mapping[Place, float] = {"site": 0.7, "chain": 0.3}
REGION: Mapping[Place, float] = {"region": 1.0}

LIVE: Mapping[str, tuple[Rate, ...]] = {
    "cell_outage": (Rate(1.2, {"cell": 0.6, "site": 0.4}),),
    "sleeping_cell_rach": (Rate(0.4, CELL),),
    "ul_interference": (Rate(1.5, CELL),),
    "dl_interference": (Rate(0.5, CELL),),
    "excessive_downtilt": (Rate(0.15, CELL),),
    "overshoot_uptilt": (Rate(0.15, CELL),),
    "pa_degradation": (Rate(0.3, CELL),),
    "rx_branch_loss": (Rate(0.4, CELL),),
    "tx_branch_loss": (Rate(0.3, CELL),),
    "capacity_loss": (Rate(0.3, {"cell": 0.6, "site": 0.4}),),
    "backhaul_congestion": (Rate(0.8, TRANSPORT),),
    "backhaul_loss": (Rate(0.8, TRANSPORT),),
    "ho_too_late": (Rate(0.3, CELL),),
    "ho_pingpong": (Rate(0.3, CELL),),
    "pci_confusion": (Rate(0.2, CELL),),
    "sync_loss_tdd": (Rate(0.1, {"site": 1.0}),),
    "signalling_storm": (Rate(0.15, {"chain": 0.5, "region": 0.5}),),
    "core_cp_outage": (Rate(0.03, REGION, of="place"),),
    "userplane_failure": (Rate(0.04, REGION, of="place"),),
    "dns_failure": (Rate(0.04, REGION, of="place"),),
    "prach_misconfig": (Rate(0.2, CELL),),
    "baseband_overload": (Rate(0.3, {"site": 1.0}),),
    "voice_ims_failure": (Rate(0.05, REGION, of="place"), Rate(0.1, CELL)),
    "mass_event": (Rate(2 / 7, {"site": 1.0}, of="place", among="stadiums"), Rate(0.3, {"site": 1.0})),
    "energy_saving": (Rate(0.3, CELL, of="place", among="capacity", every_day=True),),
    "maintenance": (Rate(1 / 60, {"site": 1.0}, of="place"),),
    "neighbour_absorb": (Rate(0.5, CELL),),
    "app_flash_crowd": (Rate(0.1, {"network": 1.0}, of="place"),),
}
"""A holiday is in no table: it comes by the calendar."""

NIGHT_WORK = ("ho_too_late", "ho_pingpong", "excessive_downtilt", "overshoot_uptilt", "prach_misconfig")
"""Configuration is pushed between midnight and five."""


def draw_day(network: Network, seed: int, day: int, rates: Mapping[str, float]) -> Iterator[FaultEpisode]:
    """The episodes that begin on a day (since 1970-01-01), each class `rates[class]` times as often as in a live net.

    At most one of a class and a kind of place begins in the same place on the same day.
    """
    for name, factor in rates.items():
        for number, rate in enumerate(LIVE[name]):
            for place, share in rate.places.items():
                yield from _draw(network, seed, day, FAULTS[name], number, rate, place, share * factor)


def _draw(
    network: Network, seed: int, day: int, fault: FaultClass, number: int, rate: Rate, place: Place, share: float
) -> Iterator[FaultEpisode]:
    centres = _places(network, rate, place, fault)
    if not len(centres):
        return
    size = network.cells / max(1, len(_places(network, Rate(0, {}), place, None)))
    per_place = rate.per_day * share * (size / 1000 if rate.of == "1000 cells" else 1)
    stream = f"schedule {fault.name} {number} {place}"
    luck = HashedDraws.of(seed, stream, centres, 0 if rate.every_day else day + 1)
    struck = centres[luck.uniform("whether") < per_place]
    today = HashedDraws.of(seed, stream, struck, day + 1)
    for cell, *draws in zip(struck.tolist(), *(today.uniform(name).tolist() for name in ("when", "how bad", "ramp")),
                            today.normal("how long").tolist(), strict=True):  # fmt: skip
        begin = day * DAY + _start(fault, draws[0])
        end = begin + duration_minutes(fault, draws[3])
        word = int(stream_key(seed, f"{stream} {cell} {day}")) >> 33
        ramp = 10 * (SLOWEST_RAMP / 10) ** draws[2] if fault.name in SLOW else None
        yield FaultEpisode(cell, fault, begin, end, draw_severity(draws[1]), word, place, ramp)


def duration_minutes(fault: FaultClass, z: float) -> int:
    """Minutes, log-normal by the class's median and 90th percentile, from a standard normal number."""
    sigma = np.log(fault.p90_minutes / fault.median_minutes) / 1.2816
    return int(np.clip(fault.median_minutes * np.exp(sigma * z), SHORTEST, LONGEST))


def _start(fault: FaultClass, u: float) -> int:
    """The minute of the day, within the class's hours."""
    first, last = (0, 5) if fault.name in NIGHT_WORK else fault.hours
    return int((first + u * (last - first)) * 60)


def _places(network: Network, rate: Rate, place: Place, fault: FaultClass | None) -> NDArray[np.int64]:
    """The first cell of every place of that kind that may be struck. # -> [k]"""
    cells = np.arange(network.cells)
    if place == "network":
        return cells[:1]
    if place == "region":
        return np.unique(network.statics.region, return_index=True)[1].astype(np.int64)
    statics = network.statics
    allowed = np.ones(network.cells, bool)
    if rate.among == "stadiums":
        allowed &= statics.type == STADIUM
    if rate.among == "capacity":
        allowed &= np.isin(statics.carrier, CAPACITY_CARRIERS)
    if fault is not None and fault.tdd_only:
        allowed &= statics.tdd > 0
    if place == "cell":
        return cells[allowed]
    return cells[allowed][np.unique(cells[allowed] // SECTORS, return_index=True)[1]]
