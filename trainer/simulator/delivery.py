"""Delivery of records from a cell's exporter to Kafka: loss, delay, duplicates, corrections, stuck exporters, clocks.

Delivery depends on the cell and minute of a record, never on its values. Rates without a source are guesses, chosen so
that a day of a few thousand cells contains every kind of problem.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.simulator.catalogue import catalogue
from trainer.simulator.network.network import Network
from trainer.simulator.noise import Noise
from trainer.simulator.randomness import Column, HashedDraws

DAY_MINUTES = 1440


@dataclass(frozen=True)
class Outage:
    """Outage of a collector or link, at most once per entity and block; all records are dropped or buffered."""

    name: str
    entity_kind: str
    block_minutes: int
    probability: float
    """Probability per entity and block."""
    duration_range: tuple[float, float]
    """Shortest and longest duration, in minutes."""
    lost_share: float
    """Share of outages whose records are dropped; the others deliver the buffered records in one burst at the end."""


COLLECTOR = Outage("collector outage", "region", 720, 0.03, (2, 15), lost_share=0.5)
LINK = Outage("O&M link outage", "site", DAY_MINUTES, 0.012, (5, 60), lost_share=0.3)


@dataclass(frozen=True)
class Delivery:
    """Parameters of delivery. Probabilities are per record unless stated otherwise."""

    transit_seconds: float = 10.0
    """Minimum transit time of every record; a log-normal delay is added."""
    delay_seconds: float = 12.0
    """Median of the log-normal delay."""
    delay_sigma: float = 0.55
    """Log-spread of that delay."""
    straggler_p: float = 0.012
    """Probability of a further delay."""
    straggler_seconds: tuple[float, float] = (60.0, 600.0)
    """Further delay of a straggler: the square of a uniform number interpolates, so most are near the lower end."""
    lost_p: float = 0.002
    doubled_p: float = 0.0015
    doubled_seconds: float = 60.0
    """Longest delay of the duplicate, as when the acknowledgement to the sender was lost."""
    restated_p: float = 0.0004
    restated_share: tuple[float, float] = (0.3, 0.9)
    """Share of the final counts in the first version."""
    restated_minutes: tuple[float, float] = (5.0, 15.0)
    """Time from the first version's arrival to the second's."""
    stuck_p: float = 0.004
    """Probability per cell and day that the exporter repeats its last record."""
    stuck_minutes: tuple[float, float] = (3.0, 20.0)
    skewed_p: float = 0.03
    """Probability per site that its clock is permanently wrong."""
    skewed_seconds: float = 90.0
    """Largest clock error, in either direction."""
    outages: tuple[Outage, ...] = (COLLECTOR, LINK)


LIVE = Delivery()
"""Delivery of a live network."""

PERFECT = Delivery(
    transit_seconds=0, delay_seconds=0, straggler_p=0, lost_p=0, doubled_p=0, restated_p=0, stuck_p=0, skewed_p=0,
    outages=(),
)  # fmt: skip


@dataclass(frozen=True)
class Arrivals:
    """Received records, in the order of arrival. # [m] each"""

    row: NDArray[np.int64]
    """Index of the requested (cell, minute)."""
    received: NDArray[np.float64]
    """Time of arrival, in seconds since 1970."""
    stamp: NDArray[np.int64]
    """Begin of the minute by the exporter's clock, in seconds since 1970."""
    sequence: NDArray[np.uint8]
    """0 for the first version, 1 for the corrected one."""
    share: Column
    """Share of the counters' final values in this version."""
    source: NDArray[np.int64]
    """Minute whose values the record carries: its own, or the last one before the exporter got stuck."""
    suspect: NDArray[np.bool_]
    """Suspect flag of the exporter (TS 32.435): counted in part, or stuck."""


def deliver(network: Network, delivery: Delivery, cell: NDArray[np.integer], minute: NDArray[np.integer]) -> Arrivals:
    """Return the arrivals of the records of each (cell, minute); a minute is exported at its end.

    The delivery of a record depends on the network's seed, the cell and the minute, not on the other rows.
    # cell [n], minute [n] -> columns [m]
    """
    cells, minutes = np.asarray(cell, np.int64), np.asarray(minute, np.int64)
    site, region = network.statics.site[cells], network.statics.region[cells]
    entities = {"cell": cells.astype(np.uint64), "site": site.astype(np.uint64), "region": region.astype(np.uint64)}
    noise = Noise(network.seed, minutes.astype(np.uint64), entities)
    draws = HashedDraws.of(network.seed, "delivery", cells, minutes)
    source = minutes.copy()
    stuck = noise.events("stuck exporter", "cell", DAY_MINUTES, delivery.stuck_p, delivery.stuck_minutes)
    source[stuck.row] = stuck.first - 1
    restated = (source == minutes) & (draws.uniform("restated") < delivery.restated_p)
    row, received, sequence = _versions(delivery, draws, _travel(delivery, noise, draws, minutes), restated)
    first_share = np.where(restated, _between(delivery.restated_share, draws.uniform("share")), np.float32(1))
    share = np.where(sequence == 0, first_share[row], np.float32(1))
    stamp = minutes * 60 + _skew(delivery, network.seed, site)
    return Arrivals(
        row=row,
        received=received,
        stamp=stamp[row],
        sequence=sequence,
        share=share,
        source=source[row],
        suspect=(share < 1) | (source != minutes)[row],
    )


def partial_records(values: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the records with their counters multiplied by `share`; sums need not match. # [n, F], [n] -> [n, F]"""
    counters = np.array([feature.kind == "counter" for feature in catalogue().features])
    scaled: NDArray[np.float32] = np.where(counters, np.floor(values * share[:, None]), values)
    return scaled


def _travel(delivery: Delivery, noise: Noise, draws: HashedDraws, minute: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the arrival time of each record's first version, in seconds; NaN if it is lost. # [n] -> [n]"""
    received = (minute + 1) * 60 + np.float64(delivery.transit_seconds)
    received += delivery.delay_seconds * np.exp(delivery.delay_sigma * draws.normal("delay"))
    extra_delay = _between(delivery.straggler_seconds, draws.uniform("further delay") ** 2)
    received += np.where(draws.uniform("straggler") < delivery.straggler_p, extra_delay, 0)
    received[draws.uniform("lost") < delivery.lost_p] = np.nan
    for outage in delivery.outages:
        events = noise.events(
            outage.name, outage.entity_kind, outage.block_minutes, outage.probability, outage.duration_range
        )
        recovery_time = (events.end + 1) * 60.0  # export of the first minute after the outage
        recovery_time[events.strength < outage.lost_share] = np.nan
        received[events.row] = np.maximum(received[events.row], recovery_time)  # np.maximum propagates NaN (= lost)
    return received


def _versions(
    delivery: Delivery, draws: HashedDraws, received: NDArray[np.float64], restated: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.uint8]]:
    """Return first versions, duplicates and corrections by arrival. # [n], [n] -> row, received, sequence [m]"""
    has_arrived = ~np.isnan(received)
    doubled = draws.uniform("doubled") < delivery.doubled_p
    # The names of the draws are keys of their hash: another name would draw other numbers.
    first_versions, copies, corrections = (
        np.flatnonzero(has_arrived & selected) for selected in (True, doubled, restated)
    )
    copy_time = received + delivery.doubled_seconds * draws.uniform("copied")
    correction_time = received + 60 * _between(delivery.restated_minutes, draws.uniform("corrected"))
    row = np.concatenate([first_versions, copies, corrections])
    received = np.concatenate([received[first_versions], copy_time[copies], correction_time[corrections]])
    sequence = (np.arange(len(row)) >= len(first_versions) + len(copies)).astype(np.uint8)
    order = np.argsort(received, kind="stable")
    return row[order], received[order], sequence[order]


def _skew(delivery: Delivery, seed: int, site: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the seconds by which each site's clock is fast. # [n] -> [n]"""
    draws = HashedDraws.of(seed, "clocks", site)
    seconds = delivery.skewed_seconds * (2 * draws.uniform("fast or slow") - 1)
    return np.where(draws.uniform("wrong clock") < delivery.skewed_p, np.rint(seconds), 0).astype(np.int64)


def _between(bounds: tuple[float, float], share: Column) -> Column:
    low, high = bounds
    return np.float32(low) + np.float32(high - low) * share
