"""Report of `faultline search`: past episodes that resemble a given episode, with the alarms raised at the time."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from detector.alarms.journal import NotificationRecord, classes_of
from detector.bundle.format import Bundle, read_bundle
from detector.bundle.verification import start_encoder
from detector.commands.documents import SearchDocument
from detector.commands.requests import SearchRequest
from detector.config.schema import Config
from detector.core.features import Catalogue
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
from detector.json_document import make_document
from detector.kafka.readers.alarm_topic import read_notifications
from detector.kafka.readers.topic_history import TopicHistory
from detector.labels.builder import LabelMeta, LabelWindow, build_label
from detector.teaching.history_source import print_search_progress
from detector.terminal import fixed_column, number_column, print_document, print_line, print_table, text_column
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
    bundle = read_bundle(Path(config.bundle), config.trusted_keys)
    notices = [] if request.offline else read_notifications(config)
    outcome = _search(config, request, bundle)
    near = [match for match in outcome.matches if match.distance <= request.farthest]
    granularity = bundle.catalogue.granularity
    rows = [(match, _names(notices, match, granularity.window_minutes)) for match in near[: request.most]]
    if request.json:
        for match, names in rows:
            print_document(make_document(SearchDocument, match, called=names))
    else:
        _print_table(request, outcome, rows, granularity.period_minutes)
        print_line(
            f"{len(near):,} episodes within {request.farthest:g};"
            f" searched {granularity.cell_days(outcome.scan.records):,.1f} cell-days, {outcome.scan.windows:,} windows,"
            f" {outcome.scan.encoded:,} of them with the encoder"
        )
    return bool(near)


def _search(config: Config, request: SearchRequest, bundle: Bundle) -> _SearchOutcome:
    """Cut the episode from the history, and compare every past day with it."""
    coverage, threads = config.minutes.min_coverage, config.runtime.threads or os.cpu_count()
    with _open_past(config, request, bundle.catalogue) as (source, days, records), ThreadPoolExecutor(threads) as pool:
        episode = cut(source, request.cell, request.begin, request.end, request.now, coverage=coverage)
        label = build_label(
            LabelWindow(values=episode.values, catalogue=source.catalogue, baseline=bundle.baseline),
            LabelMeta(name="sought", kind="fault", cell=request.cell, begin=episode.begin, end=episode.end),
        )
        # After all that can be refused without the encoder: the episode, its minutes, its features.
        encode = start_encoder(bundle, Path(config.bundle), config.runtime.threads)
        query = search_query(label, episode.begin, episode.end, bundle, encode)
        scan = Search(bundle, encode, query, coverage)
        windows = scan.all_matches(days, records, pool)
    return _SearchOutcome(
        episode, query, scan, nearest_matches(windows, query, bundle.catalogue.granularity.window_minutes)
    )


@contextmanager
def _open_past(
    config: Config, request: SearchRequest, catalogue: Catalogue
) -> Iterator[tuple[ParquetSource | TopicHistory, Iterable[Day], int | None]]:
    """Open the episode's source and the days to search: all files, or the part of the topic that is read in seconds.

    The number of records is that of the files; None for the topic.

    Raises LabelError if the files have other features than the bundle.
    """
    if request.history:
        files = HistoryFiles(request.history)
        if files.catalogue.digest != catalogue.digest:
            raise LabelError(
                f"{request.history}: has the features {files.catalogue.digest} and the bundle {catalogue.digest}; train"
                " a bundle for the history's catalogue."
            )
        records = sum(files.count(path) for path in files.paths)
        yield ParquetSource(request.history), days_of_files(files), records
        return
    with closing(TopicHistory(config, catalogue, print_search_progress)) as topic:
        yield topic, _topic_days(topic, request.cell), None


def _topic_days(topic: HistorySource, cell: str) -> Iterator[Day]:
    sample = topic.read_sample(cell, SampleSize(cell_days=EVERYTHING, hours=EVERYTHING))
    return (day for part in sample.parts for day in days_of_samples(part))


def _names(notices: Sequence[NotificationRecord], match: SearchMatch, window_minutes: int) -> list[str]:
    return classes_of(notices, match.cell, match.minute - window_minutes, match.minute)


def _print_table(
    request: SearchRequest,
    outcome: _SearchOutcome,
    rows: Sequence[tuple[SearchMatch, list[str]]],
    period_minutes: int,
) -> None:
    begin, end = write_minute(outcome.episode.begin), write_minute(outcome.episode.end)
    print_line(f"{request.cell}, {begin} to {end}, size {outcome.query.size:.1f}")
    columns = [
        fixed_column("window ends (UTC)"),
        text_column("cell"),
        number_column("distance"),
        number_column("size"),
        text_column("named at the time"),
    ]
    lines = []
    for match, names in rows:
        listed = "" if request.offline else ", ".join(names) or "nothing"
        end = write_minute(match.minute + period_minutes)
        lines.append((end, match.cell, f"{match.distance:.3f}", f"{match.size:.1f}", listed))
    print_table(columns, lines)
