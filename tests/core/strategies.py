"""What hypothesis draws: settings at the edges, and a storm told by its seed and its troubles.

How many examples: the profiles in tests/conftest.py.
"""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from detector.core.settings import Settings
from tests import builders
from tests.builders import TROUBLES, Told

FAR = 1_000_000
"""Minutes from which on a clock is wrong by years."""


@dataclass(frozen=True)
class Storm:
    """A log that can be told again from these few numbers."""

    seed: int
    cells: int
    step_minutes: int
    troubles: frozenset[str]

    @property
    def rng(self) -> np.random.Generator:
        """For what else the test has to choose."""
        return np.random.default_rng(self.seed + 1)

    def log(self, prefix: str = "", period: int = 1) -> list[Told]:
        """The storm's records; of a longer period, as many periods apart as they were minutes."""
        rng = np.random.default_rng(self.seed)
        times = int(rng.integers(5, max(20, 300 // self.cells)))
        told = builders.storm(rng, self.cells, times, self.step_minutes, sorted(self.troubles))
        return [one._replace(cell=prefix + one.cell, minute=_at_period(one.minute, period)) for one in told]

    def polls(self, length: int) -> list[int]:
        """Sizes that cut a log of this length anywhere, sometimes one record at a time."""
        rng = self.rng
        return rng.integers(1, rng.choice([2, 6, 20, 50, 500]), max(length, 1)).tolist()


def _at_period(minute: int, period: int) -> int:
    """As many periods after T0; a clock that is wrong by years stays within the years that a record may have."""
    apart = minute - builders.T0
    return builders.T0 // period * period + (apart * period if abs(apart) < FAR else apart // period * period)


@st.composite
def storms(
    draw: st.DrawFn, troubles: tuple[str, ...] = TROUBLES, cells: tuple[int, ...] = (1, 2, 3, 5, 8, 24)
) -> Storm:
    return Storm(
        draw(st.integers(0, 2**32)),
        draw(st.sampled_from(cells)),
        draw(st.sampled_from((1, 2, 3, 5))),
        frozenset(draw(st.sets(st.sampled_from(troubles)))),
    )


@st.composite
def narrow_settings(draw: st.DrawFn, period: int = 1) -> Settings:
    """Everything small: every log runs into every edge. Of a longer period, as many periods as they were minutes."""
    late = draw(st.integers(0, 5))
    chosen = builders.settings(
        late_minutes=late,
        behind_minutes=late + draw(st.integers(0, 4)),
        ahead_minutes=draw(st.integers(1, 6)),
        silent_minutes=draw(st.integers(2, 11)),
        quorum_cells=draw(st.integers(1, 5)),
        min_coverage=draw(st.sampled_from((0.0, 0.05, 0.3))),
        score_minutes=draw(st.integers(1, 4)),
        half_life_minutes=draw(st.sampled_from((0.7, 2.0, 5.0))),
        hold_minutes=draw(st.integers(1, 4)),
        unknown_minutes=draw(st.integers(1, 3)),
    )
    return chosen if period == 1 else builders.at_period(chosen, period)
