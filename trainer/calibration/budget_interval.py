"""Budget interval: how far the counted false alarms may lie from the budget, given the stretches of normal life.

Between two quantiles, a tail's scale is a sum of exponential spacings (Rényi 1953). Its error follows from the number
of stretches above each quantile, and a threshold lies so many scales out. Measured on simulated days (672 cells,
10 classes, a budget of 5): six draws of 1,200 stretches gave 7.4 to 17.1 false alarms, six of 6,000 gave 6.0 to 10.4,
all 16,128 gave 8.9.
"""

import numpy as np

from detector.core.scoring.classifier import threshold
from detector.core.scoring.tail_fit import FAR_TAIL, FEWEST, TAIL, TWO_HOURS
from detector.terminal import print_line

DAY, WEEK = 1440, 7
"""A day in minutes, and a week in days."""

CELL_DAYS_WANTED = 100
"""Reported cell-days below which the alarm budget is a guess: the stretches of a training's calibration."""

DRAWS = 4000
INTERVAL_QUANTILES = (0.025, 0.975)

BUDGET, CLASSES = 5.0, 10
"""Budget of config.yaml, and a number of taught faults, for which the interval is printed."""


def budget_interval(stretches: int, budget: float, classes: int) -> tuple[float, float]:
    """Return the 95 % interval of the false alarms on days like those of the calibration; other days may differ.

    Every class's share is off by the exponential of its threshold's error. The sum is skewed, so it is drawn.
    """
    first, second = (max(least, part * stretches) for part, least in zip((TAIL, FAR_TAIL), FEWEST, strict=True))
    scale = np.sqrt(1 / second - 1 / first) / np.log(TAIL / FAR_TAIL)
    error = threshold(classes, budget) * scale * np.random.default_rng(0).normal(size=(DRAWS, classes))
    low, high = np.quantile(budget * np.exp(error).mean(axis=1), INTERVAL_QUANTILES)
    return float(low), float(high)


def print_budget_interval(stretches: int, cell_days: float, minutes: int) -> None:
    """Print the interval for so many stretches, drawn from so many reported cell-days of a history of these minutes."""
    distinct = min(stretches * TWO_HOURS / DAY, cell_days)  # more draws than this repeat the same minutes
    low, high = budget_interval(int(distinct * DAY / TWO_HOURS), BUDGET, CLASSES)
    if distinct < CELL_DAYS_WANTED:
        print_line(f"too little past to tell: {distinct:.0f} cell-days, {CELL_DAYS_WANTED} wanted")
    print_line(
        f"calibrated on {distinct:.0f} cell-days: with a budget of {BUDGET:g} false alarms and"
        f" {CLASSES} classes taught, expect {low:.1f} to {high:.1f}"
    )
    if minutes < WEEK * DAY:
        print_line(
            f"the history spans {minutes / DAY:.1f} days: what is usual on other days of the week will raise alarms;"
            " give a week or more"
        )
