"""Requests of the recipes, as the command line hands them on. This module imports nothing heavy."""

from dataclasses import dataclass
from pathlib import Path

from detector.signatures import SigningKey

FAULTS = ("procedural", "synthetic")
"""Sources of faults to learn from: simulated faults, or shapes injected into normal windows of any catalogue."""


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """A bundle to train."""

    out: Path
    history: Path | None
    """Folder of Parquet of the network to watch; None = a simulated network."""
    cells: int
    """Cells of the simulated network."""
    days: int
    """Days of history that baselines are fitted to."""
    episodes: Path | None
    """Labelled episodes of the history that are learned, too."""
    classes: int
    """Procedural or synthetic fault classes to learn from."""
    each: int
    """Windows of each such class."""
    steps: int
    strict: bool
    """Never move the quantities that the held-out classes are known by."""
    encoder: str | None
    """Kind of encoder; None = `tree` for the simulated catalogue, `shared` for any other."""
    faults: str | None
    """One of FAULTS; None = procedural if the catalogue is the simulated one."""
    loss: str
    loss_options: dict[str, float | str]
    devices: int
    checkpoint_minutes: float
    tensorboard: Path | None
    seed: int
    signer: SigningKey | None
    """Key that signs the bundle."""
    workers: int
    """Processes that simulate."""


@dataclass(frozen=True, kw_only=True)
class AdaptRequest:
    """An encoder to take to another network."""

    bundle: Path
    history: Path
    out: Path
    days: int
    """Days of history that baselines are fitted to."""
    stretches: int
    """Stretches of two and a half hours for the calibration."""
    seed: int
    signer: SigningKey | None
    """Key that signs the bundle."""
