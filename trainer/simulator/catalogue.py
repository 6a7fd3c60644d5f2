"""Feature catalogue of every simulated network, read from the YAML file beside this module."""

from functools import cache
from pathlib import Path

from detector.config.catalogue import read_catalogue
from detector.core.features import Catalogue


@cache
def catalogue() -> Catalogue:
    """Return the 130 features, in the order of a record's last axis."""
    return read_catalogue(Path(__file__).with_name("catalogue.yaml"))
