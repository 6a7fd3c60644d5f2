"""A history through the daemon's very pipeline, without Kafka: as fast as the machine can, nothing kept."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, Self

import msgspec
import numpy as np

from detector.alarms.notifications import Context, notification_message
from detector.backtest.matching import BacktestAlarm, Episode
from detector.bundle.format import Bundle
from detector.core.encoder import Encode
from detector.core.features import Catalogue
from detector.core.ingest.samples import Samples, select
from detector.core.lifecycle import NEW, Event
from detector.core.pipeline import Pipeline, Work
from detector.core.scoring.classifier import Classifier
from detector.core.settings import Settings
from detector.errors import LabelError, OutputError
from detector.history.parquet import HistoryError, ParquetDays
from detector.labels.builder import LabelMeta, LabelWindow, build_label, label_span
from detector.labels.label import Label, read_label

DAY_MINUTES = 1440

POLL = 4096
"""Records a poll, as the daemon's when it catches up."""


class Days(Protocol):
    """A history that can be read in order of time, sets of cells apart."""

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def blocks(self) -> int: ...

    def days(self, block: int) -> Iterable[Samples]: ...


def replay(
    days: Days,
    bundle: Bundle,
    encode: Encode,
    judge: Classifier,
    settings: Settings,
    progress: Callable[[int], None] = lambda records: None,
) -> Iterator[Event]:
    """The events of every block of cells, in its own order. Raises HistoryError where the features differ."""
    for work in polls(days, bundle, encode, judge, settings, progress):
        yield from work.events


def polls(
    days: Days,
    bundle: Bundle,
    encode: Encode,
    judge: Classifier,
    settings: Settings,
    progress: Callable[[int], None] = lambda records: None,
) -> Iterator[Work]:
    """What each poll of it comes to. Raises HistoryError where the features differ."""
    if days.catalogue.digest != bundle.catalogue.digest:
        raise HistoryError(
            f"the history has other features than the bundle ({days.catalogue.digest}, {bundle.catalogue.digest});"
            " train a bundle for its catalogue."
        )
    for block in range(days.blocks):
        pipeline = Pipeline(bundle.catalogue, bundle.baseline, encode, judge, settings)
        pipeline.assign(block, None, [])
        offset = 0
        for samples in days.days(block):
            rows = np.arange(len(samples))
            for start in range(0, len(samples), POLL):
                poll = select(samples, rows[start : start + POLL])
                yield pipeline.process_samples(poll, offset)
                offset += len(poll)
                progress(len(poll))


def teach(days: ParquetDays, bundle: Bundle, episodes: Sequence[Episode]) -> Iterator[Label]:
    """Every episode as a label, cut from the history."""
    for episode in episodes:
        values = days.episode(episode.cell, *label_span(episode.begin, episode.end))
        yield build_label(
            LabelWindow(values=values, catalogue=days.catalogue, baseline=bundle.baseline),
            LabelMeta(name=episode.name, kind=episode.kind, cell=episode.cell, begin=episode.begin, end=episode.end),
        )


def read_labels(path: Path) -> Iterator[Label]:
    """Labels as JSON lines, each as on the topic. Raises LabelError."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error.strerror}).") from None
    return (read_label(line) for line in lines if line.strip())


class ReplayRecorder:
    """What is heard of a replay: the alarms raised, all notifications to a file, how much was looked at."""

    def __init__(self, path: Path | None, context: Context) -> None:
        self._path, self._context = path, context
        self.raised: list[BacktestAlarm] = []
        self._records = 0

    def __enter__(self) -> Self:
        if self._path:
            with _writing(self._path):
                self._file = self._path.open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        if self._path:
            with _writing(self._path):
                self._file.close()

    @property
    def cell_days(self) -> float:
        return self._records / DAY_MINUTES

    def count(self, records: int) -> None:
        self._records += records

    def tell(self, event: Event) -> None:
        """Raises OutputError."""
        if self._path:
            with _writing(self._path):
                self._file.write((notification_message(event, self._context).value or b"") + b"\n")
        if event.change == NEW:
            self.raised.append(BacktestAlarm(event.alarm.cell, event.alarm.name, event.minute))


def check_writable(paths: Sequence[Path]) -> None:
    """Before a replay of hours rather than after it. Raises OutputError."""
    for path in paths:
        with _writing(path):
            path.open("ab").close()


def write_report(path: Path, report: object) -> None:
    """Raises OutputError."""
    with _writing(path):
        path.write_bytes(msgspec.json.encode(report) + b"\n")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}); give a file in a folder that is yours and has room."
        ) from None
