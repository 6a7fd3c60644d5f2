"""History source of a command: a folder of Parquet, or the input topic."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from detector.config.schema import Config
from detector.core.features import Catalogue
from detector.history.parquet_source import ParquetSource
from detector.history.sampling import HistorySample, SampleSize
from detector.kafka.readers.topic_history import TopicHistory
from detector.teaching.request import SampleRequest
from detector.terminal import print_notice, status


@contextmanager
def open_source(config: Config, history: Path | None, catalogue: Catalogue) -> Iterator[ParquetSource | TopicHistory]:
    """Open the folder if one is given, else the input topic. Raises OperatorError."""
    if history:
        yield ParquetSource(history)
        return
    with closing(TopicHistory(config, catalogue, print_search_progress)) as source:
        yield source


def print_search_progress(searched: int, most: int) -> None:
    """Print how far a search has read on, where standard error is a terminal."""
    if sys.stderr.isatty():
        print_notice(f"minutes are missing where their records' timestamps point: {searched:,} of {most:,} searched …")


def sample_size(request: SampleRequest) -> SampleSize:
    return SampleSize(cell_days=request.cell_days, hours=request.hours)


def read_sample(config: Config, catalogue: Catalogue, request: SampleRequest) -> HistorySample:
    """Return a sample of all cells. Raises OperatorError."""
    with status("reading the past to replay"), open_source(config, request.history, catalogue) as source:
        return source.read_sample("", sample_size(request))
