"""Prepared scenario: a checked scenario whose timeline is computable for any span, with a day's memory for a year."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue
from trainer.simulator.aggregation import aggregated_values, catalogue_at
from trainer.simulator.delivery import Arrivals, Delivery, deliver
from trainer.simulator.faults.episodes import FaultEpisode
from trainer.simulator.faults.schedule import DAY, LONGEST, draw_day
from trainer.simulator.network.network import Network
from trainer.simulator.timeline import NetworkTimeline

EARLIER_DAYS = LONGEST // DAY + 1
"""Days before a span in which an episode can begin and still have an effect."""

EARLIER_MINUTES = 60
"""Minutes before its own that a record can depend on: an exporter may smooth, or repeat its last record."""


@dataclass(frozen=True, eq=False)
class PreparedScenario:
    """Network, named episodes, rates of random episodes, time span and delivery of a scenario."""

    network: Network
    named_episodes: tuple[FaultEpisode, ...]
    """Faults and holidays that the scenario names."""
    rates: Mapping[str, float]
    """Rate of random episodes of each class, as a factor of a live network's rate."""
    seed: int
    span: tuple[int, int]
    """First minute since 1970, and the minute after the last."""
    delivery: Delivery
    period_minutes: int = 1
    """Granularity period: a record is the aggregate of its minutes."""

    def at_period(self, period_minutes: int) -> "PreparedScenario":
        """Return the scenario as exporters of this period report it: the whole periods of its span, same episodes."""
        first, last = self.span
        span = (first // period_minutes * period_minutes, last // period_minutes * period_minutes)
        return replace(self, span=span, period_minutes=period_minutes)

    @property
    def catalogue(self) -> Catalogue:
        """Features that the network's operator delivers, in its units."""
        return catalogue_at(self.network.operator.measurement.catalogue(), self.period_minutes)

    @property
    def records(self) -> int:
        """Number of periods of all cells."""
        return self.network.cells * (self.span[1] - self.span[0]) // self.period_minutes

    def reported_values(
        self, timeline: NetworkTimeline, cell: NDArray[np.int64], minute: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the values of the records that begin at these minutes. # [n], [n] -> [n, 130]"""
        return aggregated_values(timeline.reported_values, cell, minute, self.period_minutes)

    def deliver(self, cell: NDArray[np.int64], minute: NDArray[np.int64]) -> Arrivals:
        """Return the arrivals of the records that begin at these minutes; a record is exported at its period's end.

        # cell [n], minute [n] -> columns [m]
        """
        arrivals, period = deliver(self.network, self.delivery, cell, minute), self.period_minutes
        return replace(
            arrivals, received=arrivals.received + 60 * (period - 1), source=arrivals.source // period * period
        )

    def episodes(self, first: int, last: int) -> tuple[FaultEpisode, ...]:
        """Return all episodes with an effect between two minutes, in an order independent of the span."""
        days = range(first // DAY - EARLIER_DAYS, -(-last // DAY))
        drawn = (episode for day in days for episode in draw_day(self.network, self.seed, day, self.rates))
        return tuple(e for e in (*self.named_episodes, *drawn) if e.effect_end > first and e.begin < last)

    def timeline_between(self, first: int, last: int) -> NetworkTimeline:
        """Return the timeline between two minutes; its values there equal those of the whole timeline."""
        return _timeline(self, first, last)

    def timeline_around(self, first: int, last: int) -> NetworkTimeline:
        """Return the timeline of the whole days that contain these minutes, with the minutes their records depend on.

        `last` is exclusive. The timeline is cached for further minutes of the same days.
        """
        earlier = EARLIER_MINUTES + self.period_minutes - 1
        return self.timeline_between(first // DAY * DAY - earlier, -(-last // DAY) * DAY)

    @cached_property
    def timeline(self) -> NetworkTimeline:
        """Timeline of the whole span; its memory grows with the span."""
        return NetworkTimeline(self.network, self.episodes(*self.span))


@lru_cache(maxsize=2)
def _timeline(scenario: PreparedScenario, first: int, last: int) -> NetworkTimeline:
    return NetworkTimeline(scenario.network, scenario.episodes(first, last))
