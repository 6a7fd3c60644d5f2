"""The rungs: what is asked, of which windows, and what the reference reached there."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.ladder.windows import CLASSES, NORMAL, Windows
from trainer.simulator import FAULTS

Labels = NDArray[np.int64]

TOLERANCE = 0.05
"""A rung may differ from the reference by this much: other luck alone moves it by 0.01 … 0.03."""


def labels(*names: str) -> tuple[int, ...]:
    return tuple(CLASSES.index(name) for name in names)


HELD_OUT = labels(*(name for name, fault in FAULTS.items() if fault.held_out))
"""The six classes that no encoder is trained on."""
THIRTEEN = (*HELD_OUT, *labels(*(name for name, fault in FAULTS.items() if fault.kind == "benign"), NORMAL))
"""They, the look-alikes and normal life."""
ALL = tuple(range(len(CLASSES)))


@dataclass(frozen=True)
class Level:
    """Name each window by one example per class; the references are those of the plain and of the strong method."""

    name: str
    operator: Literal["A", "B"]
    classes: tuple[int, ...]
    plain: float
    strong: float
    least_severity: float = 0.0
    most_severity: float = 1.0
    least_effect: float = 0.0

    @property
    def rounds(self) -> int:
        return 300 if len(self.classes) < len(ALL) else 80

    def holds(self, windows: Windows) -> NDArray[np.bool_]:
        """# -> [n]"""
        severe = (windows.severity >= self.least_severity) & (windows.severity <= self.most_severity)
        return severe & (windows.effect >= self.least_effect)


LEVELS = (
    Level("L1 6-way held-out, severity ≥ .6, effect ≥ 4", "A", HELD_OUT, 0.395, 0.634, 0.6, least_effect=4),
    Level("L2 6-way held-out, effect ≥ 2", "A", HELD_OUT, 0.327, 0.509, least_effect=2),
    Level("L3 6-way held-out", "A", HELD_OUT, 0.308, 0.454),
    Level("L4 6-way held-out, severity < .4", "A", HELD_OUT, 0.269, 0.375, most_severity=0.4),
    Level("L5 13-way, with look-alikes and normal", "A", THIRTEEN, 0.231, 0.344),
    Level("L6 30-way", "A", ALL, 0.203, 0.289),
    Level("L7 6-way held-out", "B", HELD_OUT, 0.329, 0.423),
    Level("L7 13-way", "B", THIRTEEN, 0.255, 0.334),
    Level("L7 30-way", "B", ALL, 0.222, 0.286),
)


@dataclass(frozen=True)
class Single:
    """A rung that is not a matter of severity or effect."""

    name: str
    plain: float
    strong: float


TRANSFER = Single("L8 6-way held-out, support from A, query from B", 0.272, 0.416)
DETECTION = Single("L9 AUROC of one-shot detection among all 30", 0.619, 0.739)


@dataclass(frozen=True)
class Ceiling:
    """What hundreds of labelled windows per class of operator A allow."""

    name: str
    classes: tuple[int, ...]
    on_a: float
    on_b: float


CEILINGS = (
    Ceiling("supervised, six held-out classes", HELD_OUT, 0.951, 0.834),
    Ceiling("supervised, all 30 classes", ALL, 0.815, 0.618),
)
