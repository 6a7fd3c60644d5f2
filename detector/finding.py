"""Findings of `faultline check`: one line for each thing that was looked at."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing that a check looked at. An error breaks a promise of the product; a warning does not."""

    part: str
    """What was looked at: config, bundle, cluster, host or trust."""
    level: Literal["ok", "warning", "error"]
    text: str
    """One sentence; of a warning or an error, with the remedy."""
