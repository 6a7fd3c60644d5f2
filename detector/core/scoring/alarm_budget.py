"""Alarm budget: the share of the false alarms that each class may spend.

What a class has for itself is taken off what the others share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BudgetSplit:
    """Budget of some classes, in false alarms per 1,000 cells and day."""

    classes: int
    """Number of classes that share `budget` evenly."""
    budget: float
    class_budgets: Mapping[str, float]
    """Budgets that the other classes have for themselves."""

    def score_offsets(self, names: Sequence[str]) -> NDArray[np.float32]:
        """Return the offsets to add to these classes' scores, so that the shared classes' threshold serves all.

        A factor e more to spend is one score less to reach. # -> [n]
        """
        share = self.budget / self.classes
        budgets = self.class_budgets
        return np.array([np.log(budgets[name] / share) if name in budgets else 0 for name in names], np.float32)


def split_budget(classes: Sequence[str], budget: float, class_budgets: Mapping[str, float]) -> BudgetSplit:
    """Split the budget among the existing classes; the budget of a class that nobody has taught goes to the others."""
    separate_budgets = [class_budgets[name] for name in classes if name in class_budgets]
    return BudgetSplit(max(1, len(classes) - len(separate_budgets)), budget - sum(separate_budgets), class_budgets)
