"""Report of `faultline replay`: a history, its labels, and its alarms compared with known episodes."""

from typing import Any

from detector.alarms.notifications import Context
from detector.backtest.matching import Episode, read_episodes
from detector.backtest.replay import (
    NOTIFICATIONS,
    REPORT,
    ReplayRecorder,
    build_labels,
    read_labels,
    replay,
    write_report,
)
from detector.backtest.summary import summarise, table
from detector.bundle.format import read_bundle
from detector.bundle.verification import start_encoder
from detector.commands.documents import ReplayDocument
from detector.commands.requests import ReplayRequest
from detector.config.loader import read_config
from detector.config.schema import Config
from detector.history.parquet import HistoryError, ParquetDays
from detector.json_document import make_document
from detector.labels.label import write_label
from detector.labels.store import LabelStore
from detector.output.claim import claimed_files
from detector.terminal import print_document, print_lines


def print_replay(request: ReplayRequest, *, json: bool) -> None:
    """Replay the history, write the files asked for, and print the report. Raises OperatorError."""
    inputs = (request.history, request.bundle, request.config, request.labels, request.teach, request.teach_from)
    outputs = [(path, kind) for path, kind in ((request.alarms, NOTIFICATIONS), (request.report, REPORT)) if path]
    with claimed_files(outputs, inputs=inputs):
        report = _replay(request)
        if request.report:
            write_report(request.report, report)
    if json:
        print_document(make_document(ReplayDocument, report))
    else:
        print_lines(table(report))


def _replay(request: ReplayRequest) -> dict[str, Any]:
    """Return the report. Episodes that were taught are not tested."""
    config = read_config(request.config) if request.config else Config(bundle=str(request.bundle))
    episodes, taught = _episodes(request), read_episodes(request.teach) if request.teach else []
    labels = list(read_labels(request.labels)) if request.labels else []
    bundle, days = read_bundle(request.bundle, config.trusted_keys), ParquetDays(request.history)
    if days.catalogue.digest != bundle.catalogue.digest:
        raise HistoryError(
            f"{request.history}/catalogue.yaml: has other features than {request.bundle} ({days.catalogue.digest},"
            f" {bundle.catalogue.digest}); give a bundle that was made for this network."
        )
    if taught:
        labels = list(build_labels(ParquetDays(request.teach_from) if request.teach_from else days, bundle, taught))
    settings = config.settings_at(bundle.catalogue.period_minutes)
    encode = start_encoder(bundle, request.bundle, config.runtime.threads)  # after all that can be refused without it
    store = LabelStore(bundle, encode, settings, config.runtime.threads)
    store.put_all((label.id.encode(), write_label(label)) for label in labels)
    classifier = store.classifier()
    with ReplayRecorder(
        request.alarms,
        Context(config.alarms.system_dn, bundle.digest),
        settings.granularity,
        days.total_records,
    ) as recorder:
        for event in replay(days, bundle, encode, classifier, settings, progress=recorder.add_records):
            recorder.record(event)
    keys = {episode.key for episode in taught}
    return summarise(
        tested=[episode for episode in episodes if episode.key not in keys],
        all_episodes=episodes,
        alarms=recorder.alarms,
        taught=set(classifier.exemplar_index.faults),
        cell_days=recorder.cell_days,
        settings=settings,
    )


def _episodes(request: ReplayRequest) -> list[Episode]:
    """Return the known episodes of the history; none if it has no episodes.csv."""
    path = request.history / "episodes.csv"
    return read_episodes(path) if path.exists() else []
