"""Teaching session: an episode becomes a label, is previewed on the past, and is published.

`faultline teach`, `confirm`, `reject` and `unknowns --teach` all end here.
"""

import getpass
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from time import time

import msgspec

from detector.bundle.format import Bundle, read_bundle
from detector.bundle.verification import start_encoder
from detector.config.schema import Config
from detector.core.features import Catalogue
from detector.errors import LabelError
from detector.history.sampling import EpisodeSlice, HistorySample, cut
from detector.kafka.cluster.checks import check_labels_topic
from detector.kafka.readers.label_topic import publish_labels, read_labels
from detector.labels.builder import LabelMeta, LabelWindow, build_label
from detector.labels.embedding import label_windows
from detector.labels.label import Label, check_name, write_label
from detector.teaching.history_source import open_source, sample_size
from detector.teaching.labelled_bundle import embed_labels
from detector.teaching.preview import Forecast, preview_label
from detector.teaching.preview_text import conclusion, figures, preview_lines
from detector.teaching.request import TeachOptions, TeachRequest
from detector.terminal import print_document, print_lines, status
from detector.timestamps import write_minute


@dataclass(frozen=True)
class PreparedLabel:
    """A label with the forecast of its preview."""

    label: Label
    episode: EpisodeSlice
    forecast: Forecast

    def decide(self, force: bool) -> Label:
        """Return the label to publish: in quarantine if it breaks the budget, unless `force` is set."""
        breaks = self.forecast.breaks_budget
        return msgspec.structs.replace(
            self.label,
            forecast=round(self.forecast.rate[0], 2),
            quarantined=breaks and not force,
            forced=breaks and force,
        )


def teach(config: Config, request: TeachRequest, options: TeachOptions) -> Label:
    """Preview one label, print the preview, publish the label unless `options.dry_run`, and return it.

    Raises OperatorError.
    """
    check_name(request.name)
    prepared = prepare_label(config, request, options)
    label, published = prepared.decide(options.force), not options.dry_run
    if not options.json:
        print_lines(preview_lines(label, prepared.episode, prepared.forecast))
    if published:
        publish_labels(config, (label.id.encode(), write_label(label)))
    if options.json:
        print_document(figures(label, prepared.forecast, published))
    else:
        print_lines(conclusion(label, prepared.forecast, published))
    return label


def prepare_label(config: Config, request: TeachRequest, options: TeachOptions) -> PreparedLabel:
    """Cut the episode from the topic or from files, and replay the past without the label and with it.

    The bundle is read once. Its encoder starts after everything that can be refused without it. Raises OperatorError.
    """
    if request.expires is not None and request.expires <= request.begin:
        raise LabelError(
            f"--expires {write_minute(request.expires)} is not after the episode's begin"
            f" {write_minute(request.begin)}; give a later time."
        )
    path, now, sample = Path(config.bundle), int(time() // 60), options.sample
    bundle = read_bundle(path, config.trusted_keys)
    with status(f"reading the minutes of {request.cell}, and up to {sample.cell_days:g} cell-days to replay"):
        label, episode, history = _read_past(config, bundle, request, options, now=now)
        records = list(read_labels(config))
    encode = start_encoder(bundle, path, config.runtime.threads)
    labelled = embed_labels(config, bundle, encode, records)
    return PreparedLabel(label, episode, preview_label(label, labelled, history))


def _read_past(
    config: Config, bundle: Bundle, request: TeachRequest, options: TeachOptions, *, now: int
) -> tuple[Label, EpisodeSlice, HistorySample]:
    """Return the label, its episode, and the sample of the past to replay."""
    with open_source(config, options.sample.history, bundle.catalogue) as source:
        if not options.dry_run:
            check_labels_topic(config)
        coverage = config.minutes.min_coverage
        episode = cut(source, request.cell, request.begin, request.end, now, coverage=coverage)
        label = _build_label(request, episode, source.catalogue, bundle, now=now)
        label_windows(label, bundle.catalogue)  # refuse what the detectors would refuse before the replay takes time
        return label, episode, source.read_sample(request.cell, sample_size(options.sample))


def author() -> str:
    """Return user@host of this process, as the author of a label; the user's number where it has no name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # KeyError before Python 3.13; ImportError on a host without `pwd`
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}".encode(errors="replace").decode()  # LOGNAME may be no UTF-8


def _build_label(
    request: TeachRequest, episode: EpisodeSlice, catalogue: Catalogue, bundle: Bundle, *, now: int
) -> Label:
    label = build_label(
        LabelWindow(values=episode.values, catalogue=catalogue, baseline=bundle.baseline),
        LabelMeta(
            name=request.name,
            kind=request.kind,
            cell=request.cell,
            begin=episode.begin,
            end=episode.end,
            note=request.note,
        ),
    )
    return msgspec.structs.replace(
        label,
        begin=episode.begin,
        end=episode.end,
        expires=request.expires,
        severity=request.severity,
        cause=request.cause,
        alarm=request.alarm,
        rejects=request.rejects,
        by=request.by or author(),
        taught=now,
    )
