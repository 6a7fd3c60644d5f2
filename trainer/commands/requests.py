"""Requests of the verbs whose work prints a report."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class CatalogueRequest:
    """Data to draft a catalogue from: files, or the input topic."""

    files: list[Path]
    topic: bool
    config: Path
    cell: str | None
    """Column of the cells; None = recognised. So is the next."""
    time: str | None
    out: Path | None
    """File of the draft; None = standard output."""


@dataclass(frozen=True, kw_only=True)
class CompareRequest:
    """Losses and encoders to train on the same windows and seeds."""

    out: Path
    losses: list[str]
    encoders: list[str]
    steps: int
    classes: int
    each: int
    cells: int
    seeds: list[int]
    budget_minutes: float | None
    """Time for all trainings together; None = as long as they take."""
    workers: int


@dataclass(frozen=True, kw_only=True)
class EvaluateRequest:
    """Histories and bundles to evaluate: one pair, or several named cases."""

    out: Path
    history: Path | None
    bundle: Path | None
    cases: list[str]
    """NAME:HISTORY:BUNDLE, instead of `history` and `bundle`."""
    episodes: Path | None
    """Known episodes; None = episodes.csv of the history."""
    teach: Path | None
    """Episodes to teach; None = drawn, one each of most classes."""
    seed: int
