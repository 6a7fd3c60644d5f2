"""Findings of `faultline check` and `faultline feed`: one line for each thing that was looked at."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing that a check looked at. An error breaks a promise of the product; a warning does not."""

    part: str
    """Part that was looked at: config, bundle, cluster, feed, host or trust; of a feed: records, period, clock …"""
    level: Literal["ok", "warning", "error"]
    text: str
    """One sentence; of a warning or an error, with the remedy."""
