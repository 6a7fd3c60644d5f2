"""Settings of the pipeline, as the operator chooses them, and the values that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detector.core.granularity import Granularity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SLACK_MINUTES = 5
"""A replay begins this much earlier than any window can reach: room for a watermark that falls a little."""


def kernel(samples: int, half_life: float) -> "NDArray[np.float32]":
    """Return the weights of the last samples, newest first; the half-life is in samples, too. # [samples]"""
    import numpy as np  # not with the module: every verb reads the configuration, and few need its weights

    return np.exp2(-np.arange(samples, dtype=np.float32) / np.float32(half_life))


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """Tolerance: the disorder of the log that counts as normal. All fields but the last are minutes."""

    late_minutes: int
    behind_minutes: int
    ahead_minutes: int
    silent_minutes: int
    memory_minutes: int
    """A cell without a record for longer is forgotten; a replay begins this far back."""
    quorum_cells: int


@dataclass(frozen=True)
class Settings:
    """Settings of the pipeline. `config.yaml` says what each means.

    Minutes are whole periods, except `half_life_minutes`.
    """

    max_cells: int
    max_record_bytes: int
    late_minutes: int
    behind_minutes: int
    ahead_minutes: int
    silent_minutes: int
    quorum_cells: int
    min_coverage: float
    score_minutes: int
    half_life_minutes: float
    hold_minutes: int
    unknown_minutes: int
    clear_margin: float
    budget: float
    budgets: Mapping[str, float] = field(default_factory=dict)
    """The part of `budget` that some classes have for themselves."""
    period_minutes: int = 1
    """Granularity period of the feed."""
    fatal_faults: tuple[str, ...] = ()
    """Faults of a value that refuse its record."""

    @property
    def granularity(self) -> Granularity:
        return Granularity(self.period_minutes)

    def budget_of(self, name: str) -> float:
        """Return the most that new alarms of a class may cost."""
        return self.budgets.get(name, self.budget)

    @property
    def keep_minutes(self) -> int:
        """Minutes whose scores can still matter: to a mean, and to the hold or to unknown's patience behind it."""
        return self.score_minutes + max(self.hold_minutes, self.unknown_minutes)

    @property
    def tolerance(self) -> Tolerance:
        memory_minutes = (
            self.behind_minutes
            + self.keep_minutes
            + self.granularity.window_minutes
            + self.ahead_minutes
            + max(SLACK_MINUTES, self.period_minutes)
        )
        return Tolerance(
            late_minutes=self.late_minutes,
            behind_minutes=self.behind_minutes,
            ahead_minutes=self.ahead_minutes,
            silent_minutes=self.silent_minutes,
            memory_minutes=memory_minutes,
            quorum_cells=self.quorum_cells,
        )

    @property
    def weights(self) -> "NDArray[np.float32]":
        """Weights of the smoothed score, newest sample first. # [score_minutes / period_minutes]"""
        period = self.period_minutes
        return kernel(self.score_minutes // period, self.half_life_minutes / period)
