"""Period of the feed as the configured bundle declares it, for what is asked before the bundle is read."""

import json
from pathlib import Path

from detector.config.schema import Config
from detector.core.settings import Settings
from detector.core.vocabulary import PERIODS


def declared_period(bundle: Path) -> int:
    """Return the period in a bundle's manifest; 1 where there is none that can be read."""
    try:
        period = json.loads((bundle / "manifest.json").read_bytes()).get("period_minutes", 1)
    except (OSError, ValueError, AttributeError, RecursionError):
        return 1
    return period if period in PERIODS else 1


def declared_settings(config: Config) -> Settings:
    """Return the settings of the pipeline at the period of the configured bundle."""
    return config.settings_at(declared_period(Path(config.bundle)))
