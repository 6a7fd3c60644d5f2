"""All that a comparison found, as the page tells it and as a machine reads it: one source for both."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainer.loss_comparison.few_shot import Crowd
from trainer.loss_comparison.head_gap import Gap
from trainer.loss_comparison.results import Row
from trainer.loss_comparison.toy_3d import ToyRun
from trainer.metrics.embedding import Proportion


@dataclass(frozen=True)
class Facts:
    """What was learned from, and for how long."""

    version: str
    device: str
    learned_classes: int
    base_classes: int
    """Among them."""
    windows: int
    cells: int
    steps: int
    asked_steps: int
    budget_minutes: float | None
    seeds: list[int]
    features: int
    dimension: int


@dataclass(frozen=True)
class DatasetFacts:
    """How a loss took the lesson of three classes."""

    name: str
    state: str
    reason: str
    right: float | None

    @classmethod
    def of(cls, lesson: ToyRun) -> "DatasetFacts":
        return cls(lesson.contestant.name, lesson.state, lesson.reason, lesson.right)


@dataclass(frozen=True)
class Report:
    facts: Facts
    rows: list[Row]
    """The best first, those that were not trained last."""
    gaps: list[Gap]
    gap: str
    lessons: list[DatasetFacts]
    untrained: Proportion
    """Unseen classes, by the first weights of the first encoder and seed."""
    crowd: Crowd | None
    """None where no loss was trained."""
    crowd_of: str
    """The row whose embeddings it was asked on."""


def ranked(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: -row.unseen.share if row.unseen else 1.0)


def write_json(report: Report, path: Path) -> None:
    path.write_text(json.dumps(_plain(asdict(report)), indent=1, allow_nan=False) + "\n")


def _plain(told: Any) -> Any:
    """A loss that came apart is not a number, and JSON has no word for that but null. # Any: whatever asdict gives"""
    if isinstance(told, dict):
        return {name: _plain(part) for name, part in told.items()}
    if isinstance(told, list):
        return [_plain(part) for part in told]
    return None if isinstance(told, float) and not math.isfinite(told) else told
