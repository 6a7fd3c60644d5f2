"""Topic history: the input topic as a source of past minutes, for teaching and search."""

from contextlib import closing
from difflib import get_close_matches

import numpy as np

from detector.config.schema import Config
from detector.core.features import Catalogue
from detector.core.ingest.decoder import Decoder
from detector.core.ingest.samples import Records
from detector.errors import OperatorError, TimeError
from detector.history.sampling import CellMinutes, HistorySample, SampleSize
from detector.kafka.readers.minute_search import CellRecords, MinuteQuery, MinuteSearch, Progress, ignore_progress
from detector.kafka.readers.range_reader import RangeReader
from detector.kafka.readers.topic_sample import TopicSample
from detector.timestamps import write_minute


class TopicHistory:
    """Source of the minutes that the input topic still holds. The caller closes it."""

    def __init__(self, config: Config, catalogue: Catalogue, progress: Progress = ignore_progress) -> None:
        """`progress` is called while a search reads on (see `MinuteSearch`)."""
        self.catalogue = catalogue
        self._topic = config.kafka.topics.minutes
        settings = config.settings_at(catalogue.period_minutes)
        self._delay_minutes, self._quorum_cells = settings.behind_minutes, settings.quorum_cells
        self._progress = progress
        self._reader = RangeReader(config)
        self._decoder = Decoder(catalogue, config.limits.record_bytes)

    def minutes(self, cell: str, first: int, last: int) -> CellMinutes:
        """Return a cell's minutes in [first, last), the newest record of each. Raises OperatorError."""
        search = self._search(cell, first, last)
        samples = [found.samples for found in reversed(search.run())]
        minute = np.concatenate([np.empty(0, np.int64), *(part.minute for part in samples)])
        rows_inside = np.flatnonzero((minute >= first) & (minute < last))
        if not len(rows_inside):
            raise self._absence_error(search, cell, first, last)
        values = np.concatenate([part.values for part in samples])
        _, newest = np.unique(minute[rows_inside][::-1], return_index=True)
        rows = rows_inside[::-1][newest]
        return CellMinutes(minute[rows], values[rows])

    def records(self, cell: str, first: int, last: int) -> Records:
        """Return a cell's records of the minutes in [first, last), as far as there are any, in order of offset.

        A cell lies in one partition. Other minutes of the cell between these records are included. Raises ClusterError.
        """
        found = self._search(cell, first, last).run()
        return _enclosing(found[0], first, last) if found else Records(0, np.empty(0, np.int64), [], [])

    def read_sample(self, cell: str, sample: SampleSize) -> HistorySample:
        """Return a fair share of the cells of whole partitions, the cell's own partition first.

        As many partitions are read as some seconds allow. Raises ClusterError.
        """
        parts = self._topic_sample().read(cell, sample)
        return HistorySample(self.catalogue, [[part] for part in parts])

    def _topic_sample(self) -> TopicSample:
        return TopicSample(self._reader, self._decoder, self.catalogue.granularity, self._quorum_cells)

    def close(self) -> None:
        """Close the reader."""
        self._reader.close()

    def _search(self, cell: str, first: int, last: int) -> MinuteSearch:
        query = MinuteQuery(cell, first, last, self._delay_minutes)
        return MinuteSearch(self._reader, self._decoder, query, self._progress)

    def _absence_error(self, search: MinuteSearch, cell: str, first: int, last: int) -> OperatorError:
        """Return the error that says why a cell has no minute in [first, last)."""
        bounds, period = self._bounds(), f"{write_minute(first)} to {write_minute(last)}"
        if bounds is None:
            content = "holds no record of this catalogue" if any(map(len, self._reader.whole_ranges())) else "is empty"
            return TimeError(f"topic {self._topic} {content}; teach from files with --history.")
        oldest, newest = bounds
        if last <= oldest or first > newest:
            return TimeError(
                f"topic {self._topic} holds {write_minute(oldest)} to {write_minute(newest)}, and nothing of {period};"
                " teach from files with --history."
            )
        limit = "" if search.is_exhausted else f" in {search.searched:,} records read on from there"
        if not search.other_keys:
            return TimeError(
                f"topic {self._topic} holds no minute of any cell from {period}{limit}; choose another time."
            )
        names = [name.decode(errors="replace") for name in sorted(search.other_keys)]
        similar_cells = get_close_matches(cell, names, 3)
        suggestion = f"; did you mean {' or '.join(similar_cells)}?" if similar_cells else "; check the cell's name."
        return TimeError(
            f"topic {self._topic} holds no minute of cell {cell!r} from {period}{limit}, but minutes of"
            f" {len(names):,} other cells{suggestion}"
        )

    def _bounds(self) -> tuple[int, int] | None:
        """Return about the oldest and the newest minute; None where no record at either end can be decoded."""
        whole = self._reader.whole_ranges()
        edges = [*self._reader.oldest(whole), *self._reader.newest(whole)]
        minutes = np.concatenate(
            [np.empty(0, np.int64), *(self._decoder.decode(edge.records)[0].minute for edge in edges)]
        )
        return (int(minutes.min()), int(minutes.max())) if len(minutes) else None


def read_cell_records(
    config: Config, catalogue: Catalogue, cell: str, span: tuple[int, int], progress: Progress = ignore_progress
) -> Records:
    """Return a cell's records of the minutes in [first, last) of `span` (see `TopicHistory`). Raises ClusterError."""
    with closing(TopicHistory(config, catalogue, progress)) as history:
        return history.records(cell, *span)


def _enclosing(found: CellRecords, first: int, last: int) -> Records:
    """Return the records from the first to the last offset with a minute in [first, last)."""
    samples, records = found.samples, found.records
    rows = samples.index[(samples.minute >= first) & (samples.minute < last)]
    inside = slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0, 0)
    return records.part(inside)
