"""Replay of a history through the daemon's own pipeline, without Kafka and at full speed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol, Self

import msgspec
import numpy as np

from detector.alarms.notifications import Context, notification_message
from detector.backtest.matching import BacktestAlarm, Episode
from detector.bundle.format import Bundle
from detector.core.encoder import Encode
from detector.core.features import Catalogue
from detector.core.granularity import Granularity
from detector.core.ingest.samples import Samples, select
from detector.core.lifecycle import NEW, Event
from detector.core.pipeline import Pipeline, PollResult
from detector.core.scoring.classifier import Classifier
from detector.core.settings import Settings
from detector.errors import LabelError
from detector.history.parquet import HistoryError, ParquetDays
from detector.labels.builder import LabelMeta, LabelWindow, build_label, label_span
from detector.labels.label import Label, read_label
from detector.output.files import whole_file
from detector.output.judgement import unwritable
from detector.output.kinds import OutputKind, file_kind, json_lines_with, json_with
from detector.terminal import progress

POLL_RECORDS = 4096
"""Records of one poll, as many as the daemon's when it catches up."""


NOTIFICATIONS = file_kind("a file of notifications", json_lines_with(("alarmId", "notificationType")))

REPORT = file_kind("a report of a replay", json_with(("cell_days", "false_alarms_per_1000_cell_days", "classes")))


class Days(Protocol):
    """History that is read in order of time, each block of cells on its own."""

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def blocks(self) -> int: ...

    @property
    def total_records(self) -> int: ...

    def days(self, block: int) -> Iterable[Samples]: ...


def replay(
    days: Days,
    bundle: Bundle,
    encode: Encode,
    classifier: Classifier,
    settings: Settings,
    *,
    progress: Callable[[int], None] = lambda records: None,
) -> Iterator[Event]:
    """Yield the events of every block of cells, in order of time within a block.

    `progress` is called with the number of records of each poll. Raises HistoryError where the features differ.
    """
    for work in polls(days, bundle, encode, classifier, settings, progress=progress):
        yield from work.events


def polls(
    days: Days,
    bundle: Bundle,
    encode: Encode,
    classifier: Classifier,
    settings: Settings,
    *,
    progress: Callable[[int], None] = lambda records: None,
) -> Iterator[PollResult]:
    """Yield the result of each poll; the parameters are those of `replay`. Raises HistoryError."""
    if days.catalogue.digest != bundle.catalogue.digest:
        raise HistoryError(
            f"the history has the catalogue {days.catalogue.digest} of features, and the bundle"
            f" {bundle.catalogue.digest}; train a bundle for the catalogue of the history."
        )
    for block in range(days.blocks):
        pipeline = Pipeline(bundle.catalogue, bundle.baseline, encode, classifier, settings)
        pipeline.assign(block, None, [])
        offset = 0
        for samples in days.days(block):
            rows = np.arange(len(samples))
            for start in range(0, len(samples), POLL_RECORDS):
                poll = select(samples, rows[start : start + POLL_RECORDS])
                yield pipeline.process_samples(poll, offset)
                offset += len(poll)
                progress(len(poll))


def build_labels(days: ParquetDays, bundle: Bundle, episodes: Sequence[Episode]) -> Iterator[Label]:
    """Yield the label of every episode, with its minutes from the history. Raises HistoryError."""
    for episode in episodes:
        values = days.episode(episode.cell, *label_span(episode.begin, episode.end, bundle.catalogue.granularity))
        yield build_label(
            LabelWindow(values=values, catalogue=days.catalogue, baseline=bundle.baseline),
            LabelMeta(name=episode.name, kind=episode.kind, cell=episode.cell, begin=episode.begin, end=episode.end),
        )


def read_labels(path: Path) -> Iterator[Label]:
    """Return the labels of a file with one label per line, as on the topic. Raises LabelError."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error.strerror}); give a file with labels.") from None
    return (read_label(line) for line in lines if line.strip())


class ReplayRecorder:
    """Recorder of a replay: its new alarms, its notifications in a file where one is given, and its length.

    It shows the progress, with the time left where the number of records is given.
    """

    def __init__(
        self, path: Path | None, context: Context, granularity: Granularity, records: int | None = None
    ) -> None:
        self._path, self._context, self._granularity = path, context, granularity
        self._display = progress("replaying the history", records, "records")
        self._stack = ExitStack()
        self.alarms: list[BacktestAlarm] = []
        self._records = 0

    def __enter__(self) -> Self:
        if self._path:
            with _output_errors(self._path, NOTIFICATIONS):
                self._file = self._stack.enter_context(whole_file(self._path))
        self._advance = self._display.__enter__()
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        self._display.__exit__(None, None, None)
        if self._path:
            with _output_errors(self._path, NOTIFICATIONS):
                self._stack.__exit__(kind, error, traceback)

    @property
    def cell_days(self) -> float:
        """Length of the replay: days, added up over the cells."""
        return self._granularity.cell_days(self._records)

    def add_records(self, records: int) -> None:
        """Count the records of a poll."""
        self._records += records
        self._advance(records)

    def record(self, event: Event) -> None:
        """Record one event of the replay. Raises OutputError."""
        if self._path:
            with _output_errors(self._path, NOTIFICATIONS):
                self._file.write((notification_message(event, self._context).value or b"") + b"\n")
        if event.change == NEW:
            self.alarms.append(BacktestAlarm(event.alarm.cell, event.alarm.name, event.end - 1))


def write_report(path: Path, report: object) -> None:
    """Write the report as JSON. Raises OutputError."""
    with _output_errors(path, REPORT), whole_file(path) as file:
        file.write(msgspec.json.encode(report) + b"\n")


@contextmanager
def _output_errors(path: Path, kind: OutputKind) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(path, kind, error) from None
