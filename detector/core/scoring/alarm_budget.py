"""Who may spend how much of the false-alarm budget: what a class has for itself is taken off what the others share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BudgetSplit:
    """The budget of some classes, in false alarms per 1,000 cells and day."""

    classes: int
    """How many share evenly, …"""
    budget: float
    """… and what."""
    own: Mapping[str, float]
    """What others have for themselves."""

    def eases(self, names: Sequence[str]) -> NDArray[np.float32]:
        """What is added to the scores of these classes, so that the threshold of those that share serves all of them: a
        factor e more to spend is one score less to reach. # -> [n]
        """
        each = self.budget / self.classes
        return np.array([np.log(self.own[name] / each) if name in self.own else 0 for name in names], np.float32)


def split_budget(classes: Sequence[str], budget: float, own: Mapping[str, float]) -> BudgetSplit:
    """Of the classes there are; what is set aside for one that nobody has taught yet, the others have."""
    taken = [own[name] for name in classes if name in own]
    return BudgetSplit(max(1, len(classes) - len(taken)), budget - sum(taken), own)
