"""One cell's records out of the input topic, as they came: late ones, repeated ones and refused ones among them."""

from contextlib import closing

import numpy as np

from detector.config.schema import Config
from detector.core.ingest.samples import Records
from detector.kafka.spans import Spans, partition_of


def read_trail(config: Config, cell: str, first: int, last: int) -> Records:
    """Of the minutes from `first` up to `last`, by the records' own time, and as long after as one may be late.

    A cell lies in one partition: where its key belongs, or else in the first that has any. Raises ClusterError.
    """
    key = cell.encode()
    with closing(Spans(config)) as past:
        own = partition_of(key, past.partitions)
        end_ms = (last + config.minutes.behind_minutes) * 60_000
        for number in sorted(range(past.partitions), key=lambda number: number != own):
            (span,) = past.spans([number], first * 60_000, end_ms)
            found = list(past.read(span, lambda other: other == key))
            if found:
                return Records(
                    number,
                    np.concatenate([records.offsets for records in found]),
                    [one for records in found for one in records.keys],
                    [one for records in found for one in records.values],
                )
    return Records(0, np.empty(0, np.int64), [], [])
