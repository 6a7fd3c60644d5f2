"""Request of a simulation, as the command line hands it on. This module imports nothing heavy."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class SimulationRequest:
    """A scenario, the changes to it, and where its records go: into a folder or to Kafka."""

    scenario: str
    """Name of a shipped scenario, or path of a YAML file."""
    out: Path | None
    kafka: bool
    config: Path
    """Configuration with the input topic."""
    speed: str
    """`real`, `max`, or a factor."""
    now: bool
    """Play the last days instead of the scenario's."""
    cells: int | None
    days: float | None
    seed: int | None
    period: int
    """Granularity period in minutes."""
    labels: bool
    """Write the fault of each record's first minute, too."""
    workers: int
