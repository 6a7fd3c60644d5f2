"""The way from a cell's exporter to the product: what is lost, late, doubled, corrected, stuck or wrongly stamped.

It knows nothing of what the records say, only of which minute of which cell they are. Rates without a source are
guesses, chosen so that every kind of trouble is met within a day of a few thousand cells.
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
    """A way that is shut now and then, at most once per place and block; what comes then is all lost or all held."""

    name: str
    place: str
    block_minutes: int
    probability: float
    """Per place and block."""
    lasting: tuple[float, float]
    """Shortest and longest, in minutes."""
    lost_share: float
    """Of the outages; the others hold their records, and deliver them in one burst at the end."""


COLLECTOR = Outage("collector outage", "region", 720, 0.03, (2, 15), lost_share=0.5)
LINK = Outage("O&M link outage", "site", DAY_MINUTES, 0.012, (5, 60), lost_share=0.3)


@dataclass(frozen=True)
class Delivery:
    """How records travel. Probabilities are per record where nothing else is said."""

    transit_seconds: float = 10.0
    """What every record takes, and then a log-normal delay on top:"""
    delay_seconds: float = 12.0
    """its median,"""
    delay_sigma: float = 0.55
    """and its log-spread."""
    straggler_p: float = 0.012
    straggler_seconds: tuple[float, float] = (60.0, 600.0)
    """Further delay of a straggler; the square of a uniform number lies between, so most are near the first."""
    lost_p: float = 0.002
    doubled_p: float = 0.0015
    doubled_seconds: float = 60.0
    """The copy follows within, as where a sender's acknowledgement was lost."""
    restated_p: float = 0.0004
    restated_share: tuple[float, float] = (0.3, 0.9)
    """Of the final values, in the first version."""
    restated_minutes: tuple[float, float] = (5.0, 15.0)
    """From the first version's arrival to the second's."""
    stuck_p: float = 0.004
    """Per cell and day: the exporter repeats its last record."""
    stuck_minutes: tuple[float, float] = (3.0, 20.0)
    skewed_p: float = 0.03
    """Per site, for ever: its clock is off."""
    skewed_seconds: float = 90.0
    """At most, either way."""
    outages: tuple[Outage, ...] = (COLLECTOR, LINK)


LIVE = Delivery()

PERFECT = Delivery(
    transit_seconds=0, delay_seconds=0, straggler_p=0, lost_p=0, doubled_p=0, restated_p=0, stuck_p=0, skewed_p=0,
    outages=(),
)  # fmt: skip


@dataclass(frozen=True)
class Arrivals:
    """What the product receives, in the order in which it does. # columns [m]"""

    row: NDArray[np.int64]
    """Which of the asked minutes it is."""
    received: NDArray[np.float64]
    """Seconds since 1970."""
    stamp: NDArray[np.int64]
    """When the minute began by the exporter's clock, in seconds since 1970."""
    sequence: NDArray[np.uint8]
    """0 the first version, 1 the corrected one."""
    share: Column
    """Of the counters' final values, in this version."""
    source: NDArray[np.int64]
    """The minute whose values it carries: its own, or of a stuck exporter the last one before."""
    suspect: NDArray[np.bool_]
    """The exporter's own doubt (TS 32.435): counted in part, or stuck."""


def deliver(network: Network, delivery: Delivery, cell: NDArray[np.integer], minute: NDArray[np.integer]) -> Arrivals:
    """The records of those minutes on their way; a minute is exported at its end.

    What becomes of a record follows from the network's seed, the cell and the minute, whatever else is asked for.
    # cell [n], minute [n] -> columns [m]
    """
    cells, minutes = np.asarray(cell, np.int64), np.asarray(minute, np.int64)
    site, region = network.statics.site[cells], network.statics.region[cells]
    places = {"cell": cells.astype(np.uint64), "site": site.astype(np.uint64), "region": region.astype(np.uint64)}
    noise = Noise(network.seed, minutes.astype(np.uint64), places)
    draws = HashedDraws.of(network.seed, "delivery", cells, minutes)
    source = minutes.copy()
    stuck = noise.events("stuck exporter", "cell", DAY_MINUTES, delivery.stuck_p, delivery.stuck_minutes)
    source[stuck.row] = stuck.first - 1
    restated = (source == minutes) & (draws.uniform("restated") < delivery.restated_p)
    row, received, sequence = _versions(delivery, draws, _travel(delivery, noise, draws, minutes), restated)
    first_share = np.where(restated, _between(delivery.restated_share, draws.uniform("share")), np.float32(1))
    share = np.where(sequence == 0, first_share[row], np.float32(1))
    stamp = minutes * 60 + _skew(delivery, network.seed, site)
    return Arrivals(row, received, stamp[row], sequence, share, source[row], (share < 1) | (source != minutes)[row])


def partial_records(values: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same records with only that share of their counters counted; they need not add up. # [n, F], [n] -> [n, F]"""
    counters = np.array([feature.kind == "counter" for feature in catalogue().features])
    scaled: NDArray[np.float32] = np.where(counters, np.floor(values * share[:, None]), values)
    return scaled


def _travel(delivery: Delivery, noise: Noise, draws: HashedDraws, minute: NDArray[np.int64]) -> NDArray[np.float64]:
    """When the first version of a record arrives; NaN if it is lost. # [n] -> [n]"""
    received = (minute + 1) * 60 + np.float64(delivery.transit_seconds)
    received += delivery.delay_seconds * np.exp(delivery.delay_sigma * draws.normal("delay"))
    further = _between(delivery.straggler_seconds, draws.uniform("further delay") ** 2)
    received += np.where(draws.uniform("straggler") < delivery.straggler_p, further, 0)
    received[draws.uniform("lost") < delivery.lost_p] = np.nan
    for outage in delivery.outages:
        spells = noise.events(outage.name, outage.place, outage.block_minutes, outage.probability, outage.lasting)
        reopened = (spells.end + 1) * 60.0  # when the first minute after is exported
        reopened[spells.strength < outage.lost_share] = np.nan
        received[spells.row] = np.maximum(received[spells.row], reopened)  # NaN wins
    return received


def _versions(
    delivery: Delivery, draws: HashedDraws, received: NDArray[np.float64], restated: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.uint8]]:
    """First versions, copies and corrections, as they arrive. # [n], [n] -> row, received, sequence [m]"""
    came = ~np.isnan(received)
    doubled = draws.uniform("doubled") < delivery.doubled_p
    first, again, corrected = (np.flatnonzero(came & which) for which in (True, doubled, restated))
    copied = received + delivery.doubled_seconds * draws.uniform("copied")
    restatement = received + 60 * _between(delivery.restated_minutes, draws.uniform("corrected"))
    row = np.concatenate([first, again, corrected])
    received = np.concatenate([received[first], copied[again], restatement[corrected]])
    sequence = (np.arange(len(row)) >= len(first) + len(again)).astype(np.uint8)
    order = np.argsort(received, kind="stable")
    return row[order], received[order], sequence[order]


def _skew(delivery: Delivery, seed: int, site: NDArray[np.integer]) -> NDArray[np.int64]:
    """How many seconds each site's clock is fast. # [n] -> [n]"""
    draws = HashedDraws.of(seed, "clocks", site)
    seconds = delivery.skewed_seconds * (2 * draws.uniform("fast or slow") - 1)
    return np.where(draws.uniform("wrong clock") < delivery.skewed_p, np.rint(seconds), 0).astype(np.int64)


def _between(bounds: tuple[float, float], share: Column) -> Column:
    low, high = bounds
    return np.float32(low) + np.float32(high - low) * share
