"""What a calibration can promise: false alarms of a rare kind are foretold from some stretches of ordinary life.

Between two quantiles a tail's scale is a sum of exponential spacings (Rényi 1953), so its error follows from how many
stretches lie above each, and a threshold lies so many scales out. On simulated days of life (672 cells, 10 classes, 5
promised) six draws of 1,200 stretches gave 7.4 to 17.1 false alarms, six of 6,000 6.0 to 10.4, all 16,128 8.9.
"""

import numpy as np

from detector.core.scoring.classifier import threshold
from detector.core.scoring.tail_fit import FAR_TAIL, FEWEST, TAIL, TWO_HOURS
from trainer.console import console

DAY, WEEK = 1440, 7
"""A day in minutes, and a week in days."""

DRAWS = 4000
INTERVAL_QUANTILES = (0.025, 0.975)

BUDGET, CLASSES = 5.0, 10
"""What the sentence is said for: the budget of config.yaml, and some faults taught."""


def budget_interval(stretches: int, budget: float, classes: int) -> tuple[float, float]:
    """Between what the false alarms come, 19 times in 20, where `budget` are promised; other days are other days yet.

    Every class's part is off by the exponential of its threshold's error, so their sum is skewed: it is drawn.
    """
    first, second = (max(least, part * stretches) for part, least in zip((TAIL, FAR_TAIL), FEWEST, strict=True))
    scale = np.sqrt(1 / second - 1 / first) / np.log(TAIL / FAR_TAIL)
    error = threshold(classes, budget) * scale * np.random.default_rng(0).normal(size=(DRAWS, classes))
    low, high = np.quantile(budget * np.exp(error).mean(axis=1), INTERVAL_QUANTILES)
    return float(low), float(high)


def print_budget_interval(stretches: int, cells: int, minutes: int) -> None:
    """What a history of so many cells and minutes, and so many stretches drawn from it, lets anyone promise."""
    known = min(stretches, cells * minutes // TWO_HOURS)  # drawn more often, they are the same again
    low, high = budget_interval(known, BUDGET, CLASSES)
    console.print(
        f"calibrated on {known * TWO_HOURS / DAY:.0f} cell-days: {BUDGET:g} false alarms promised may be"
        f" {low:.1f} to {high:.1f}, with {CLASSES} classes taught"
    )
    if minutes < WEEK * DAY:
        console.print(
            f"{minutes / DAY:.1f} days of history: what the missing days of the week bring will be alarms; give it a"
            " week or more"
        )
