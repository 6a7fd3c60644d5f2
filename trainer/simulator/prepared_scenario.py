"""A scenario, ready to be simulated: any stretch of it alone, so that a year needs no more memory than a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from trainer.simulator.delivery import Delivery
from trainer.simulator.faults.episodes import FaultEpisode
from trainer.simulator.faults.schedule import DAY, LONGEST, draw_day
from trainer.simulator.network.network import Network
from trainer.simulator.timeline import NetworkTimeline

EARLIER = LONGEST // DAY + 1
"""What began so many days before may still be felt."""

EARLIER_MINUTES = 60
"""How far back a record may look: an exporter that smooths, or is stuck, tells of minutes before its own."""


@dataclass(frozen=True, eq=False)
class PreparedScenario:
    """What is given, and what chance adds to it day by day."""

    network: Network
    named_episodes: tuple[FaultEpisode, ...]
    """Faults and holidays that the scenario names."""
    rates: Mapping[str, float]
    """How often each class comes of itself, as a factor of a live network's rate."""
    seed: int
    span: tuple[int, int]
    """First minute since 1970, and the one after the last."""
    delivery: Delivery

    def episodes(self, first: int, last: int) -> tuple[FaultEpisode, ...]:
        """All that is felt between two minutes, in an order that does not depend on them."""
        days = range(first // DAY - EARLIER, -(-last // DAY))
        drawn = (episode for day in days for episode in draw_day(self.network, self.seed, day, self.rates))
        return tuple(e for e in (*self.named_episodes, *drawn) if e.effect_end > first and e.begin < last)

    def timeline_between(self, first: int, last: int) -> NetworkTimeline:
        """Life between two minutes: equal to the whole's there."""
        return _during(self, first, last)

    def timeline_around(self, first: int, last: int) -> NetworkTimeline:
        """Life of whole days that hold these minutes, and all that their records look at; kept for others of the day.

        `last` is exclusive.
        """
        return self.timeline_between(first // DAY * DAY - EARLIER_MINUTES, -(-last // DAY) * DAY)

    @cached_property
    def timeline(self) -> NetworkTimeline:
        """Life of the whole span; its memory grows with it."""
        return NetworkTimeline(self.network, self.episodes(*self.span))


@lru_cache(maxsize=2)
def _during(play: PreparedScenario, first: int, last: int) -> NetworkTimeline:
    return NetworkTimeline(play.network, play.episodes(first, last))
