"""Weekly traffic profiles: users per minute of the week, by cell type.

Clustering the traffic of 9,600 towers gives five patterns (Wang et al., IMC 2015). The fifth, the "comprehensive" one,
is a mixture of the others here.
"""

import numpy as np

from trainer.simulator.randomness import Column

CELL_TYPES = ("business", "residential", "transport", "rural", "stadium")

WEEK_MINUTES = 7 * 1440

# Users per hour 0…23, value at the half hour, busy hour = 1. Peaks: business 10–16 h, residential 20–21 h,
# transport 8 h and 17–18 h, rural 19 h. The values are guesses, fitted to the published peaks and night/day ratio.
WEEKDAY = (
    "0.10 0.07 0.05 0.05 0.06 0.10 0.22 0.45 0.75 0.95 1.00 0.98 "
    "0.95 0.97 1.00 0.98 0.93 0.88 0.72 0.52 0.40 0.30 0.22 0.15",
    "0.40 0.26 0.17 0.12 0.11 0.14 0.26 0.45 0.53 0.50 0.48 0.50 "
    "0.58 0.58 0.56 0.58 0.65 0.76 0.87 0.95 1.00 1.00 0.87 0.62",
    "0.08 0.05 0.04 0.04 0.08 0.22 0.58 0.97 1.00 0.70 0.50 0.48 "
    "0.55 0.56 0.53 0.62 0.80 1.00 0.97 0.70 0.46 0.34 0.25 0.15",
    "0.28 0.18 0.13 0.11 0.13 0.22 0.38 0.55 0.62 0.62 0.62 0.66 "
    "0.72 0.68 0.66 0.70 0.78 0.88 0.96 1.00 0.97 0.86 0.66 0.44",
    "0.12 0.08 0.06 0.05 0.06 0.10 0.20 0.32 0.42 0.48 0.50 0.52 "
    "0.55 0.54 0.52 0.52 0.54 0.56 0.52 0.45 0.38 0.30 0.22 0.16",
)
SATURDAY = (
    "0.16 0.12 0.09 0.07 0.07 0.08 0.11 0.16 0.24 0.33 0.40 0.43 "
    "0.44 0.43 0.42 0.41 0.40 0.40 0.38 0.36 0.34 0.31 0.27 0.21",
    "0.47 0.33 0.22 0.15 0.12 0.12 0.16 0.26 0.42 0.58 0.68 0.73 "
    "0.77 0.77 0.75 0.74 0.76 0.81 0.87 0.93 0.97 0.96 0.85 0.67",
    "0.14 0.10 0.07 0.06 0.08 0.15 0.26 0.38 0.48 0.55 0.58 0.60 "
    "0.62 0.62 0.62 0.64 0.66 0.68 0.64 0.54 0.44 0.37 0.32 0.23",
    "0.32 0.22 0.15 0.12 0.12 0.18 0.28 0.44 0.58 0.68 0.74 0.78 "
    "0.82 0.80 0.78 0.79 0.83 0.90 0.95 0.96 0.92 0.84 0.70 0.50",
    "0.14 0.10 0.07 0.06 0.06 0.08 0.12 0.20 0.30 0.40 0.46 0.50 "
    "0.52 0.54 0.56 0.58 0.58 0.56 0.52 0.46 0.40 0.34 0.28 0.20",
)
SUNDAY_OF_SATURDAY = (0.88, 1.02, 0.88, 0.88, 0.88)
"""Sunday's traffic over Saturday's, by cell type: more people are at home."""

MIXTURE = (0.30, 0.45, 0.10, 0.15, 0.0)
"""Weights of the types in the mixed pattern."""


def week_profiles(exponent: float, shift_hours: int) -> Column:
    """Return the users per minute of the week from Monday 00:00, busy hour = 1, by CELL_TYPES. # -> [5, 10080]"""
    week = np.empty((len(CELL_TYPES), WEEK_MINUTES), np.float32)
    for row, (weekday, saturday) in enumerate(zip(WEEKDAY, SATURDAY, strict=True)):
        weekday_knots = [float(knot) for knot in weekday.split()]
        saturday_knots = [float(knot) for knot in saturday.split()]
        sunday_knots = [knot * SUNDAY_OF_SATURDAY[row] for knot in saturday_knots]
        hourly = np.roll(np.array(weekday_knots * 5 + saturday_knots + sunday_knots) ** exponent, shift_hours)
        week[row] = np.maximum(_interpolate(hourly), 0.01)
    return week


def _interpolate(hourly: np.ndarray) -> np.ndarray:
    """Return Catmull and Rom's spline through the half hours, periodic over the week. # [168] -> [10080]"""
    hours = hourly.size
    position = (np.arange(hours * 60) / 60 - 0.5) % hours
    knot = position.astype(int)
    fraction = position - knot
    a, b, c, d = (hourly[(knot + step) % hours] for step in (-1, 0, 1, 2))
    return 0.5 * (
        2 * b + (c - a) * fraction + (2 * a - 5 * b + 4 * c - d) * fraction**2 + (3 * b - a - 3 * c + d) * fraction**3
    )
