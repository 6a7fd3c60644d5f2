"""A history through the daemon's very pipeline, without Kafka: as fast as the machine can, nothing kept."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from detector.bundle import Bundle
from detector.core.alarms import Event
from detector.core.encoder import Encode
from detector.core.pipeline import Pipeline
from detector.core.samples import select
from detector.core.settings import Settings
from detector.core.verdicts import Judge
from detector.errors import LabelError
from detector.history import HistoryError, ParquetDays
from detector.labels import Label, read_label
from detector.report import Episode
from detector.teaching import label_span, make_label

POLL = 4096
"""Records a poll, as the daemon's when it catches up."""


def replay(
    days: ParquetDays,
    bundle: Bundle,
    encode: Encode,
    judge: Judge,
    settings: Settings,
    progress: Callable[[int], None] = lambda records: None,
) -> Iterator[Event]:
    """The events of every block of cells, in its own order. Raises HistoryError where the features differ."""
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
                yield from pipeline.process_samples(poll, offset).events
                offset += len(poll)
                progress(len(poll))


def teach(days: ParquetDays, bundle: Bundle, episodes: Sequence[Episode]) -> Iterator[Label]:
    """Every episode as a label, cut from the history."""
    for episode in episodes:
        values = days.episode(episode.cell, *label_span(episode.begin, episode.end))
        yield make_label(
            values,
            days.catalogue,
            bundle.baseline,
            episode.name,
            episode.kind,
            episode.cell,
            episode.begin,
            episode.end,
        )


def read_labels(path: Path) -> Iterator[Label]:
    """Labels as JSON lines, each as on the topic. Raises LabelError."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error.strerror}).") from None
    return (read_label(line) for line in lines if line.strip())


def to_json(row: object) -> str:
    return msgspec.json.encode(row).decode()
