"""A bundle in office, with all that hangs on it: nothing of one bundle is ever used with another's."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from detector.bundle.format import Bundle
from detector.canary import Canary
from detector.config.schema import Config
from detector.core.encoder import Encode
from detector.core.pipeline import Pipeline
from detector.kafka.compacted_table import Table
from detector.kafka.topics import partitions
from detector.labels.store import Labels


@dataclass(frozen=True)
class Office:
    """What one bundle judges with. A label lives on the topic as raw minutes, so that every bundle embeds its own."""

    bundle: Bundle
    labels: Labels
    table: Table
    """Reader of the labels' topic, which goes on where `labels` ends."""
    pipeline: Pipeline
    """Without a partition yet."""
    canary: Canary


def take_office(
    config: Config, bundle: Bundle, encode: Encode, timed: Callable[[str], AbstractContextManager[None]]
) -> Office:
    """Embeds all labels there are, and readies the road. Raises ClusterError."""
    topic, settings = config.kafka.topics.labels, config.settings
    labels = Labels(bundle, encode, settings, config.runtime.threads)
    table = Table(config.kafka, topic)
    taught = table.records(list(range(partitions(config, topic)[topic])))
    labels.put_all((key, value) for _, key, value in taught)
    pipeline = Pipeline(bundle.catalogue, bundle.baseline, encode, labels.judge(), settings, timed)
    return Office(bundle, labels, table, pipeline, Canary(bundle, encode, settings, config.runtime.threads))
