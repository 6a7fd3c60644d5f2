"""Report of `faultline replay`: a history, its labels, and its alarms compared with known episodes."""

from typing import Any

from detector.alarms.notifications import Context
from detector.backtest.matching import Episode, read_episodes
from detector.backtest.replay import ReplayRecorder, build_labels, check_writable, read_labels, replay, write_report
from detector.backtest.summary import summarise, table
from detector.bundle.verification import open_bundle
from detector.commands.requests import ReplayRequest
from detector.config.loader import read_config
from detector.config.schema import Config
from detector.history.parquet import ParquetDays
from detector.labels.label import write_label
from detector.labels.store import LabelStore


def print_replay(request: ReplayRequest) -> None:
    """Replay the history, write the files asked for, and print the report. Raises OperatorError."""
    check_writable([path for path in (request.alarms, request.report) if path])
    report = _replay(request)
    if request.report:
        write_report(request.report, report)
    print(table(report), end="")


def _replay(request: ReplayRequest) -> dict[str, Any]:
    """Return the report. Episodes that were taught are not tested."""
    config = read_config(request.config) if request.config else Config(bundle=str(request.bundle))
    bundle, encode = open_bundle(request.bundle, config.runtime.threads, config.trusted_keys)
    days = ParquetDays(request.history)
    taught = read_episodes(request.teach) if request.teach else []
    source = ParquetDays(request.teach_from) if request.teach_from else days
    labels = read_labels(request.labels) if request.labels else build_labels(source, bundle, taught)
    store = LabelStore(bundle, encode, config.settings, config.runtime.threads)
    store.put_all((label.id.encode(), write_label(label)) for label in labels)
    classifier = store.classifier()
    with ReplayRecorder(request.alarms, Context(config.alarms.system_dn, bundle.digest)) as recorder:
        for event in replay(days, bundle, encode, classifier, config.settings, progress=recorder.add_records):
            recorder.record(event)
    episodes = _episodes(request)
    keys = {episode.key for episode in taught}
    return summarise(
        tested=[episode for episode in episodes if episode.key not in keys],
        all_episodes=episodes,
        alarms=recorder.alarms,
        taught=set(classifier.exemplar_index.faults),
        cell_days=recorder.cell_days,
        settings=config.settings,
    )


def _episodes(request: ReplayRequest) -> list[Episode]:
    """Return the known episodes of the history; none if it has no episodes.csv."""
    path = request.history / "episodes.csv"
    return read_episodes(path) if path.exists() else []
