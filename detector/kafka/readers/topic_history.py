"""The input topic as a past to look back at."""

from contextlib import closing
from difflib import get_close_matches

import numpy as np

from detector.config.schema import Config
from detector.core.features import Catalogue
from detector.core.ingest.samples import Decoder, Records, Samples
from detector.errors import OperatorError, TimeError
from detector.history.sampling import CellMinutes, HistorySample, SampleSize, is_chosen
from detector.kafka.readers.range_reader import OffsetRange, RangeReader, partition_of
from detector.timestamps import write_minute

RAW_RECORDS = 1_000_000
"""Of a look back: 2.5 GB, some ten seconds from a broker. Few of them are decoded."""

NAMES_KEPT = 100_000
"""Cells remembered to find the one that was meant."""


class TopicHistory:
    """What the input topic still holds. To be closed."""

    def __init__(self, config: Config, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._topic = config.kafka.topics.minutes
        self._delay = config.minutes.behind_minutes
        self._past = RangeReader(config)
        self._decoder = Decoder(catalogue, config.limits.record_bytes)

    def minutes(self, cell: str, first: int, last: int) -> CellMinutes:
        """Looked for in the partition where its key belongs, then in the others. Records are found by their own
        timestamps, up to `behind_minutes` after the minute they tell of. Raises OperatorError.
        """
        key, others = cell.encode(), set[bytes]()

        def wanted(other: bytes | None) -> bool:
            if other is not None and other != key and len(others) < NAMES_KEPT:
                others.add(other)
            return other == key

        own = partition_of(key, self._past.partitions)
        told: list[Samples] = []
        for number in sorted(range(self._past.partitions), key=lambda number: number != own):
            (span,) = self._past.spans([number], first * 60_000, (last + self._delay) * 60_000)
            told += [self._decoder.decode(records)[0] for records in self._past.read(span, wanted)]
            if told:
                break
        minute = np.concatenate([np.empty(0, np.int64), *(samples.minute for samples in told)])
        inside = np.flatnonzero((minute >= first) & (minute < last))
        if not len(inside):
            raise self._absence(cell, first, last, sorted(others))
        values = np.concatenate([samples.values for samples in told])
        _, newest = np.unique(minute[inside][::-1], return_index=True)
        rows = inside[::-1][newest]
        return CellMinutes(minute[rows], values[rows])

    def read_sample(self, cell: str, sample: SampleSize) -> HistorySample:
        """Whole partitions, the cell's own first, as many as are read in some seconds; of their cells a fair part."""
        bounds = self._past.bounds_ms()
        if bounds is None:
            return HistorySample(self.catalogue, [])
        since = bounds[1] - round(sample.hours * 3_600_000)
        spans = self._past.spans(range(self._past.partitions), since, bounds[1] + 1)
        chosen = self._affordable(spans, partition_of(cell.encode(), self._past.partitions))
        share = sample.records / max(1, sum(map(len, chosen)))

        def wanted(key: bytes | None) -> bool:
            return key is not None and is_chosen(key, share)

        parts = [[self._decoder.decode(records)[0] for records in self._past.read(s, wanted)] for s in chosen]
        kept = [[samples for samples in part if len(samples)] for part in parts]
        return HistorySample(self.catalogue, [part for part in kept if part])

    def close(self) -> None:
        self._past.close()

    def _affordable(self, spans: list[OffsetRange], own: int) -> list[OffsetRange]:
        chosen: list[OffsetRange] = []
        for span in sorted(spans, key=lambda span: span.partition != own):
            room = RAW_RECORDS - sum(map(len, chosen))
            if len(span) <= room or not chosen:
                chosen.append(OffsetRange(span.partition, max(span.begin, span.end - room), span.end))
        return chosen

    def _absence(self, cell: str, first: int, last: int, others: list[bytes]) -> OperatorError:
        """Why there is nothing of a cell, in one sentence."""
        bounds, times = self._past.bounds_ms(), f"{write_minute(first)} to {write_minute(last)}"
        if bounds is None:
            return TimeError(f"topic {self._topic} is empty; teach from files with --history.")
        oldest, newest = (ms // 60_000 for ms in bounds)
        if last <= oldest or first > newest:
            return TimeError(
                f"topic {self._topic} holds {write_minute(oldest)} to {write_minute(newest)}, and nothing of {times};"
                " teach from files with --history."
            )
        if not others:
            return TimeError(f"topic {self._topic} holds no minute at all from {times}; choose another time.")
        like = get_close_matches(cell, [name.decode(errors="replace") for name in others], 3)
        meant = f"; did you mean {' or '.join(like)}?" if like else "."
        return TimeError(f"cell {cell!r} was not heard from {times}, and {len(others):,} others were{meant}")


def read_cell_records(config: Config, cell: str, first: int, last: int) -> Records:
    """Of the minutes from `first` up to `last`, by the records' own time, and as long after as one may be late.

    A cell lies in one partition: where its key belongs, or else in the first that has any. Raises ClusterError.
    """
    key = cell.encode()
    with closing(RangeReader(config)) as past:
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
