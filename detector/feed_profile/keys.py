"""Keys and partitions of a feed: one cell must lie in one partition, and its key must be its name."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detector.feed_profile.profile import KeysProfile
from detector.feed_profile.records import RawRecords
from detector.feed_profile.reports import Reports
from detector.text import printable


def profile_keys(
    records: RawRecords,
    reports: Reports,
    names: Sequence[str],
    groups: Sequence[NDArray[np.intp]],
) -> KeysProfile:
    """Return keys and partitions of a sample."""
    keys, partition = records.keys, records.partition
    sent = [(keys[row], cell) for row, cell in zip(reports.rows.tolist(), reports.cells, strict=True)]
    mismatched = [(key, cell) for key, cell in sent if key is not None and key != cell.encode(errors="replace")]
    partition_of = partition[reports.rows] if len(reports) else partition[:0]
    several = [name for name, rows in zip(names, groups, strict=True) if len(np.unique(partition_of[rows])) > 1]
    per_cell = [int(partition_of[rows[0]]) for rows in groups]
    counts = np.unique(np.array(per_cell, np.int64), return_counts=True)[1].tolist()
    with_records = len(np.unique(partition))
    return KeysProfile(
        has_keys=records.has_keys,
        missing=sum(key is None for key in keys),
        mismatched=len(mismatched),
        mismatch_example=_example(mismatched),
        cells_in_several_partitions=len(several),
        several_example=several[0] if several else "",
        partitions=records.partition_count,
        empty_partitions=max(0, records.partition_count - with_records),
        most_cells=max(counts, default=0),
        least_cells=min(counts, default=0),
    )


def _example(mismatched: Sequence[tuple[bytes, str]]) -> str:
    if not mismatched:
        return ""
    key, cell = mismatched[0]
    return f"{printable(key.decode(errors='backslashreplace'), 40)!r} for cell {printable(cell, 40)!r}"
