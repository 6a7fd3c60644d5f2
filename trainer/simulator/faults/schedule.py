"""Schedule of random episodes, drawn day by day from hashes of class, place and day.

The rates are a radio engineer's guesses; no operator publishes rates. The episodes of a day depend on no other day.
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
"""Shortest and longest episode, in minutes."""

SLOW_CLASSES = ("pa_degradation", "baseband_overload")
"""Classes whose ramp takes up to twelve hours."""
SLOWEST_RAMP = 720
"""Longest ramp of these classes, in minutes."""

CAPACITY_CARRIERS = (1, 3)
"""Carriers that are switched off at night: the widest of LTE and NR. The others keep the coverage."""


@dataclass(frozen=True)
class Rate:
    """Rate of a class: `per_day` episodes per 1,000 cells or per place, split among kinds of place."""

    per_day: float
    places: Mapping[Place, float]
    unit: Literal["1000 cells", "place"] = "1000 cells"
    eligible: Literal["all", "stadiums", "capacity"] = "all"
    every_day: bool = False
    """True: the same places have an episode every day."""


CELL: Mapping[Place, float] = {"cell": 1.0}
TRANSPORT: Mapping[Place, float] = {"site": 0.7, "chain": 0.3}
REGION: Mapping[Place, float] = {"region": 1.0}

LIVE_RATES: Mapping[str, tuple[Rate, ...]] = {
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
    "core_cp_outage": (Rate(0.03, REGION, unit="place"),),
    "userplane_failure": (Rate(0.04, REGION, unit="place"),),
    "dns_failure": (Rate(0.04, REGION, unit="place"),),
    "prach_misconfig": (Rate(0.2, CELL),),
    "baseband_overload": (Rate(0.3, {"site": 1.0}),),
    "voice_ims_failure": (Rate(0.05, REGION, unit="place"), Rate(0.1, CELL)),
    "mass_event": (Rate(2 / 7, {"site": 1.0}, unit="place", eligible="stadiums"), Rate(0.3, {"site": 1.0})),
    "energy_saving": (Rate(0.3, CELL, unit="place", eligible="capacity", every_day=True),),
    "maintenance": (Rate(1 / 60, {"site": 1.0}, unit="place"),),
    "neighbour_absorb": (Rate(0.5, CELL),),
    "app_flash_crowd": (Rate(0.1, {"network": 1.0}, unit="place"),),
}
"""Rates of a live network. `holiday` has no rate: scenarios name holidays by day."""

NIGHT_WORK = ("ho_too_late", "ho_pingpong", "excessive_downtilt", "overshoot_uptilt", "prach_misconfig")
"""Classes that follow a configuration change, between midnight and five."""


def draw_day(network: Network, seed: int, day: int, rates: Mapping[str, float]) -> Iterator[FaultEpisode]:
    """Yield the episodes that begin on a day (days since 1970-01-01).

    `rates[class]` is a factor on the class's rate in a live network. Per day, class and kind of place, at most one
    episode begins in each place.
    """
    for name, factor in rates.items():
        for number, rate in enumerate(LIVE_RATES[name]):
            for place_kind, share in rate.places.items():
                stream = f"schedule {name} {number} {place_kind}"
                process = _Process(
                    fault=FAULTS[name], rate=rate, place_kind=place_kind, share=share * factor, stream=stream
                )
                yield from _draw(network, seed, day, process)


@dataclass(frozen=True, kw_only=True)
class _Process:
    """Random process that draws the episodes of one class in one kind of place."""

    fault: FaultClass
    rate: Rate
    place_kind: Place
    share: float
    """Factor on the rate."""
    stream: str
    """Name of the stream of hashed draws; part of their hash key."""


def _draw(network: Network, seed: int, day: int, process: _Process) -> Iterator[FaultEpisode]:
    fault, rate, place_kind = process.fault, process.rate, process.place_kind
    centres = _places(network, rate, place_kind, fault)
    if not len(centres):
        return
    size = network.cells / max(1, len(_places(network, Rate(0, {}), place_kind, None)))
    per_place = rate.per_day * process.share * (size / 1000 if rate.unit == "1000 cells" else 1)
    # The names of the draws are keys of their hash: another name would draw other numbers.
    place_draws = HashedDraws.of(seed, process.stream, centres, 0 if rate.every_day else day + 1)
    chosen_centres = centres[place_draws.uniform("whether") < per_place]
    day_draws = HashedDraws.of(seed, process.stream, chosen_centres, day + 1)
    columns = [day_draws.uniform(name).tolist() for name in ("when", "how bad", "ramp")]
    for cell, *draws in zip(chosen_centres.tolist(), *columns, day_draws.normal("how long").tolist(), strict=True):
        begin = day * DAY + _start(fault, draws[0])
        yield FaultEpisode(
            cell,
            fault,
            begin=begin,
            end=begin + duration_minutes(fault, draws[3]),
            severity=draw_severity(draws[1]),
            seed=int(stream_key(seed, f"{process.stream} {cell} {day}")) >> 33,
            place_kind=place_kind,
            ramp_minutes=10 * (SLOWEST_RAMP / 10) ** draws[2] if fault.name in SLOW_CLASSES else None,
        )


def duration_minutes(fault: FaultClass, z: float) -> int:
    """Return a log-normal duration with the class's median and 90th percentile, for a standard normal `z`."""
    sigma = np.log(fault.p90_minutes / fault.median_minutes) / 1.2816
    return int(np.clip(fault.median_minutes * np.exp(sigma * z), SHORTEST, LONGEST))


def _start(fault: FaultClass, u: float) -> int:
    """Return the minute of the day, within the class's hours, for a uniform `u`."""
    first, last = (0, 5) if fault.name in NIGHT_WORK else fault.hours
    return int((first + u * (last - first)) * 60)


def _places(network: Network, rate: Rate, place_kind: Place, fault: FaultClass | None) -> NDArray[np.int64]:
    """Return the first cell of each eligible place of a kind. # -> [k]"""
    cells = np.arange(network.cells)
    if place_kind == "network":
        return cells[:1]
    if place_kind == "region":
        return np.unique(network.statics.region, return_index=True)[1].astype(np.int64)
    statics = network.statics
    allowed = np.ones(network.cells, bool)
    if rate.eligible == "stadiums":
        allowed &= statics.type == STADIUM
    if rate.eligible == "capacity":
        allowed &= np.isin(statics.carrier, CAPACITY_CARRIERS)
    if fault is not None and fault.tdd_only:
        allowed &= statics.tdd > 0
    if place_kind == "cell":
        return cells[allowed]
    return cells[allowed][np.unique(cells[allowed] // SECTORS, return_index=True)[1]]
