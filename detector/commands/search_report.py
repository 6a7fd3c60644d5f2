"""Report of `faultline search`: past episodes that resemble a given episode, with the alarms raised at the time."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from detector.alarms.journal import NotificationRecord, classes_of
from detector.backtest.replay import DAY_MINUTES
from detector.bundle.format import Bundle
from detector.bundle.verification import open_bundle
from detector.commands.requests import SearchRequest
from detector.config.schema import Config
from detector.core.encoder import Encode
from detector.core.features import WINDOW, Catalogue
from detector.errors import LabelError
from detector.history.parquet import HistoryFiles
from detector.history.parquet_source import ParquetSource
from detector.history.sampling import EpisodeSlice, HistorySource, SampleSize, cut
from detector.history.search import (
    Day,
    Search,
    SearchMatch,
    SearchQuery,
    days_of_files,
    days_of_samples,
    nearest_matches,
    search_query,
)
from detector.kafka.readers.alarm_topic import read_notifications
from detector.kafka.readers.topic_history import TopicHistory
from detector.labels.builder import LabelMeta, LabelWindow, build_label
from detector.teaching.history_source import print_search_progress
from detector.timestamps import write_minute

EVERYTHING = 1e6
"""Number of hours and of cell-days that no topic exceeds."""


@dataclass(frozen=True)
class _SearchOutcome:
    """Query episode, scan statistics and matches of a completed search."""

    episode: EpisodeSlice
    query: SearchQuery
    scan: Search
    matches: list[SearchMatch]


def print_search(config: Config, request: SearchRequest) -> bool:
    """Search and print; return whether any episode is within `farthest`. Raises OperatorError."""
    bundle, encode = open_bundle(Path(config.bundle), config.runtime.threads)
    notices = [] if request.offline else read_notifications(config)
    outcome = _search(config, request, bundle, encode)
    near = [match for match in outcome.matches if match.distance <= request.farthest]
    rows = [(match, _names(notices, match)) for match in near[: request.most]]
    if request.json:
        for match, names in rows:
            print(msgspec.json.encode({**msgspec.to_builtins(match), "called": names}).decode())
    else:
        _print_table(request, outcome, rows)
        print(
            f"{len(near):,} episodes within {request.farthest:g};"
            f" searched {outcome.scan.records / DAY_MINUTES:,.1f} cell-days, {outcome.scan.windows:,} windows,"
            f" {outcome.scan.encoded:,} of them with the encoder"
        )
    return bool(near)


def _search(config: Config, request: SearchRequest, bundle: Bundle, encode: Encode) -> _SearchOutcome:
    """Cut the episode from the history, and compare every past day with it."""
    coverage, threads = config.minutes.min_coverage, config.runtime.threads or os.cpu_count()
    with _open_past(config, request, bundle.catalogue) as (source, days), ThreadPoolExecutor(threads) as pool:
        episode = cut(source, request.cell, request.begin, request.end, request.now, coverage=coverage)
        label = build_label(
            LabelWindow(values=episode.values, catalogue=source.catalogue, baseline=bundle.baseline),
            LabelMeta(name="sought", kind="fault", cell=request.cell, begin=episode.begin, end=episode.end),
        )
        query = search_query(label, episode.begin, episode.end, bundle, encode)
        scan = Search(bundle, encode, query, coverage)
        windows = [window for day in days for window in scan.matches(day, pool)]
    return _SearchOutcome(episode, query, scan, nearest_matches(windows, query))


@contextmanager
def _open_past(
    config: Config, request: SearchRequest, catalogue: Catalogue
) -> Iterator[tuple[ParquetSource | TopicHistory, Iterable[Day]]]:
    """Open the episode's source and the days to search: all files, or the part of the topic that is read in seconds.

    Raises LabelError if the files have other features than the bundle.
    """
    if request.history:
        files = HistoryFiles(request.history)
        if files.catalogue.digest != catalogue.digest:
            raise LabelError(
                f"{request.history}: has the features {files.catalogue.digest} and the bundle {catalogue.digest}; train"
                " a bundle for the history's catalogue."
            )
        yield ParquetSource(request.history), days_of_files(files)
        return
    with closing(TopicHistory(config, catalogue, print_search_progress)) as topic:
        yield topic, _topic_days(topic, request.cell)


def _topic_days(topic: HistorySource, cell: str) -> Iterator[Day]:
    sample = topic.read_sample(cell, SampleSize(cell_days=EVERYTHING, hours=EVERYTHING))
    return (day for part in sample.parts for day in days_of_samples(part))


def _names(notices: Sequence[NotificationRecord], match: SearchMatch) -> list[str]:
    return classes_of(notices, match.cell, match.minute - WINDOW, match.minute)


def _print_table(
    request: SearchRequest, outcome: _SearchOutcome, rows: Sequence[tuple[SearchMatch, list[str]]]
) -> None:
    begin, end = write_minute(outcome.episode.begin), write_minute(outcome.episode.end)
    print(f"{request.cell}, {begin} to {end}, size {outcome.query.size:.1f}")
    print(f"{'window ends (UTC)':<18}{'cell':<32}{'distance':>9}{'size':>7}  named at the time")
    for match, names in rows:
        listed = "" if request.offline else ", ".join(names) or "nothing"
        end = write_minute(match.minute + 1)
        print(f"{end:<18}{match.cell[:31]:<32}{match.distance:>9.3f}{match.size:>7.1f}  {listed[:31]}")
