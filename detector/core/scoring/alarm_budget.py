"""Alarm budget: the number of false alarms that each class may raise.

A class's own budget is subtracted from the budget that the other classes share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BudgetSplit:
    """Shared and separate budgets of classes, in false alarms per 1,000 cells and day."""

    classes: int
    """Number of classes that share `budget` evenly."""
    budget: float
    class_budgets: Mapping[str, float]
    """Separate budgets of the other classes."""

    def score_offsets(self, names: Sequence[str]) -> NDArray[np.float32]:
        """Return the offsets to add to these classes' scores, so that all classes use the shared threshold.

        A budget larger by a factor e lowers the effective threshold by 1. # -> [n]
        """
        share = self.budget / self.classes
        budgets = self.class_budgets
        return np.array([np.log(budgets[name] / share) if name in budgets else 0 for name in names], np.float32)


def split_budget(classes: Sequence[str], budget: float, class_budgets: Mapping[str, float]) -> BudgetSplit:
    """Split the budget among the existing classes; the budget of a class without exemplars stays shared."""
    separate_budgets = [class_budgets[name] for name in classes if name in class_budgets]
    return BudgetSplit(max(1, len(classes) - len(separate_budgets)), budget - sum(separate_budgets), class_budgets)
