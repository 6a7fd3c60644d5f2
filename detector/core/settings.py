"""How the operator wants the road to be, and what follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detector.core.features import WINDOW

SLACK_MINUTES = 5
"""A replay begins this much earlier than any window can reach: room for a frontier that falls a little."""


def kernel(minutes: int, half_life: float) -> NDArray[np.float32]:
    """Weights of the last minutes, newest first. # [minutes]"""
    return np.exp2(-np.arange(minutes, dtype=np.float32) / np.float32(half_life))


@dataclass(frozen=True)
class Tolerance:
    """How much disorder of the log is normal. All in minutes but the last."""

    late_minutes: int
    behind_minutes: int
    ahead_minutes: int
    silent_minutes: int
    memory_minutes: int
    """A cell not heard for longer is forgotten; a replay begins this far back."""
    quorum_cells: int


@dataclass(frozen=True)
class Settings:
    """How the operator wants the road to be. `config.yaml` says what each means."""

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
    """Of it, what some classes have for themselves."""

    def budget_of(self, name: str) -> float:
        """What new alarms of a class may cost at most."""
        return self.budgets.get(name, self.budget)

    @property
    def keep_minutes(self) -> int:
        """Scores that can still matter: to a mean, and to the hold or the patience behind it."""
        return self.score_minutes + max(self.hold_minutes, self.unknown_minutes)

    @property
    def tolerance(self) -> Tolerance:
        memory = self.behind_minutes + self.keep_minutes + WINDOW + self.ahead_minutes + SLACK_MINUTES
        return Tolerance(
            self.late_minutes,
            self.behind_minutes,
            self.ahead_minutes,
            self.silent_minutes,
            memory,
            self.quorum_cells,
        )

    @property
    def weights(self) -> NDArray[np.float32]:
        return kernel(self.score_minutes, self.half_life_minutes)
