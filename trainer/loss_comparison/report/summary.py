"""Report of a comparison: the one source of the HTML page and of compare.json."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import IO, Any

from trainer.loss_comparison.few_shot import FewShotComparison
from trainer.loss_comparison.head_gap import Gap
from trainer.loss_comparison.results import ResultRow
from trainer.loss_comparison.toy_3d import ToyRun
from trainer.metrics.embedding import Proportion


@dataclass(frozen=True)
class Facts:
    """Training data, settings and machine of the comparison."""

    version: str
    device: str
    learned_classes: int
    base_classes: int
    """Base classes among `learned_classes`."""
    windows: int
    cells: int
    steps: int
    asked_steps: int
    """Requested steps; `steps` can be fewer."""
    budget_minutes: float | None
    seeds: list[int]
    features: int
    dimension: int


@dataclass(frozen=True)
class ToyFacts:
    """Result of one toy training."""

    name: str
    state: str
    reason: str
    right: float | None

    @classmethod
    def of(cls, run: ToyRun) -> "ToyFacts":
        """Return the result of a run, without its embeddings."""
        return cls(run.variant.name, run.state, run.reason, run.right)


@dataclass(frozen=True)
class Report:
    """All figures of a comparison; the field names are the keys of compare.json."""

    facts: Facts
    rows: list[ResultRow]
    """Rows by their share on unseen classes, best first; untrained ones last."""
    gaps: list[Gap]
    gap: str
    """Text about `gaps`."""
    lessons: list[ToyFacts]
    """Toy trainings."""
    untrained: Proportion
    """Share on unseen classes with the initial weights of the first encoder and seed."""
    crowd: FewShotComparison | None
    """Few-shot comparison; None if no loss was trained."""
    crowd_of: str
    """Name of the row whose embeddings it uses."""


def sort_rows(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """Return the rows by their share on unseen classes, best first; untrained ones last."""
    return sorted(rows, key=lambda row: -row.unseen.share if row.unseen else 1.0)


def write_json(report: Report, file: IO[bytes]) -> None:
    """Write the report as JSON. Raises OSError."""
    content = asdict(report)
    content["gaps"] = [
        {"one": gap.first, "other": gap.second, "difference": gap.difference, "half": gap.half} for gap in report.gaps
    ]
    file.write((json.dumps(_without_nan(content), indent=1, allow_nan=False) + "\n").encode())


def _without_nan(value: Any) -> Any:
    """Return the value with null in place of NaN and infinity, as JSON needs it. # Any: all types of asdict"""
    if isinstance(value, dict):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
