"""Alarm topic reader: notifications and open alarms, as published."""

from detector.alarms.journal import Notice, _notices
from detector.config.schema import Config
from detector.kafka.shelf import read_alarms


def read_notices(config: Config) -> list[Notice]:
    """All there are, in the order of each partition; what another wrote there is passed over. Raises ClusterError."""
    return list(_notices(read_alarms(config)))
