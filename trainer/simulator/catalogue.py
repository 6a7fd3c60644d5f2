"""Feature catalogue of every simulated network, read from the YAML file beside this module."""

from functools import cache
from importlib.resources import files

import yaml

from detector.core.features import Catalogue, Feature


@cache
def catalogue() -> Catalogue:
    """Return the 130 features, in the order of a record's last axis."""
    rows = yaml.safe_load((files("trainer.simulator") / "catalogue.yaml").read_text(encoding="utf-8"))
    return Catalogue(tuple(Feature(**row) for row in rows))
