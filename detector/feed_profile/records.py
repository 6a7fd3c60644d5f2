"""Raw records of a feed: columns as Kafka or a file delivered them, before any decoding."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.core.ingest.samples import Records

NO_TIMESTAMP = -1
"""Timestamp of a record whose source has none."""


@dataclass(frozen=True)
class RawRecords:
    """Sample of a feed in parts; each is of one partition, in the order of its offsets."""

    source: str
    """Topic or files, for a person."""
    parts: list[Records]
    timestamp_ms: NDArray[np.int64]
    """Timestamps of all records, part after part, in ms since 1970. # [n]"""
    partition_count: int = 0
    """Partitions of the topic; 0 for files."""
    has_keys: bool = True
    """False where the source has no keys: each record is keyed by its cell then."""

    def __len__(self) -> int:
        return len(self.timestamp_ms)

    @property
    def keys(self) -> list[bytes | None]:
        return [key for part in self.parts for key in part.keys]

    @property
    def values(self) -> list[bytes | None]:
        return [value for part in self.parts for value in part.values]

    @property
    def partition(self) -> NDArray[np.int64]:
        """# [n]"""
        return _joined(np.full(len(part), part.partition) for part in self.parts)


def _joined(columns: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *columns]).astype(np.int64)
