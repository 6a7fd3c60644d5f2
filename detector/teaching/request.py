"""What an operator wants to teach, found in the past and previewed: ready to be published, or not."""

import getpass
import socket
from collections.abc import Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from time import time

import msgspec

from detector.backtest.replay import polls
from detector.bundle.format import read_bundle
from detector.bundle.verification import open_bundle
from detector.config.schema import Config
from detector.core.features import Baseline, Catalogue
from detector.core.lifecycle import Withheld
from detector.errors import LabelError
from detector.history.parquet_source import ParquetSource
from detector.history.sampling import EpisodeSlice, HistorySample, SampleSize, cut
from detector.kafka.readers.label_topic import read_labels
from detector.kafka.readers.topic_history import TopicHistory
from detector.labels.builder import LabelMeta, LabelWindow, build_label
from detector.labels.label import Label, label_windows
from detector.labels.store import LabelStore
from detector.teaching.preview import Forecast, preview
from detector.timestamps import write_minute


@dataclass(frozen=True)
class TeachRequest:
    """What was asked for; times are minutes since 1970."""

    cell: str
    name: str
    kind: str
    begin: int
    end: int | None = None
    expires: int | None = None
    severity: str = ""
    cause: str = ""
    note: str = ""
    by: str = ""
    alarm: str = ""
    """That is confirmed or rejected with it, …"""
    rejects: str = ""
    """… and what it had wrongly been called."""

    def judging(self, alarm: str, rejects: str) -> "TeachRequest":
        """The same, said of an alarm."""
        return replace(self, alarm=alarm, rejects=rejects)


@dataclass(frozen=True)
class PreparedLabel:
    """A label and what it would have done."""

    label: Label
    cut: EpisodeSlice
    forecast: Forecast

    def decided(self, force: bool) -> Label:
        """The label as it is to be published: in quarantine if it breaks the budget, unless that is wanted."""
        breaks = self.forecast.breaks_budget
        return msgspec.structs.replace(
            self.label,
            forecast=round(self.forecast.rate[0], 2),
            quarantined=breaks and not force,
            forced=breaks and force,
        )


def prepare(config: Config, ask: TeachRequest, history: Path | None, sample: SampleSize) -> PreparedLabel:
    """Cuts the episode out of the topic, or of files, and lets the past happen once more with it.

    Raises OperatorError.
    """
    bundle = read_bundle(Path(config.bundle))
    now = int(time() // 60)
    if ask.expires is not None and ask.expires <= ask.begin:
        raise LabelError(f"--expires {write_minute(ask.expires)} is not after --at {write_minute(ask.begin)}.")
    with ExitStack() as opened:
        past = past_of(config, history, bundle.catalogue, opened)
        found = cut(past, ask.cell, ask.begin, ask.end, now, config.minutes.min_coverage)
        label = _label(ask, found, past.catalogue, bundle.baseline, now)
        label_windows(label, bundle.catalogue)  # refuses here what the detectors would refuse, before it takes long
        look = past.read_sample(ask.cell, sample)
    return PreparedLabel(label, found, preview_label(config, label, look, read_labels(config)))


def preview_label(
    config: Config, label: Label, look: HistorySample, known: Iterable[tuple[bytes, bytes | None]]
) -> Forecast:
    """What a label would have done among those known."""
    bundle, encode = open_bundle(Path(config.bundle), config.runtime.threads)
    labels = LabelStore(bundle, encode, config.settings, config.runtime.threads)
    labels.put_all(known)
    return preview(label, labels, look, bundle, encode, config.settings)


def withheld(config: Config, history: Path | None, sample: SampleSize) -> tuple[HistorySample, list[Withheld]]:
    """The past that was looked at, and what the labels of now would have kept silent in it. Raises OperatorError."""
    bundle, encode = open_bundle(Path(config.bundle), config.runtime.threads)
    labels = LabelStore(bundle, encode, config.settings, config.runtime.threads)
    labels.put_all(read_labels(config))
    with ExitStack() as opened:
        past = past_of(config, history, bundle.catalogue, opened)
        look = past.read_sample("", sample)
    told = polls(look, bundle, encode, labels.classifier(), config.settings)
    return look, [one for work in told for one in work.withheld]


def past_of(
    config: Config, history: Path | None, catalogue: Catalogue, opened: ExitStack
) -> ParquetSource | TopicHistory:
    return ParquetSource(history) if history else opened.enter_context(closing(TopicHistory(config, catalogue)))


def _label(ask: TeachRequest, found: EpisodeSlice, catalogue: Catalogue, baseline: Baseline, now: int) -> Label:
    made = build_label(
        LabelWindow(values=found.values, catalogue=catalogue, baseline=baseline),
        LabelMeta(name=ask.name, kind=ask.kind, cell=ask.cell, begin=found.begin, end=found.end, note=ask.note),
    )
    return msgspec.structs.replace(
        made,
        begin=found.begin,
        end=found.end,
        expires=ask.expires,
        severity=ask.severity,
        cause=ask.cause,
        alarm=ask.alarm,
        rejects=ask.rejects,
        by=ask.by or f"{getpass.getuser()}@{socket.gethostname()}",
        taught=now,
    )
