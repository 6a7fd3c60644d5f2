"""Report of `faultline reproduce`: each notification of an alarm, and whether it comes out the same again."""

from pathlib import Path

from detector.alarms.journal import choose
from detector.alarms.reproduction import VerificationResult, Verifier, first_minute, reproduce, reproducible
from detector.bundle.format import Bundle, read_bundle
from detector.bundle.verification import start_encoder
from detector.commands.documents import ReproductionDocument
from detector.commands.requests import ReproduceRequest
from detector.config.schema import Config
from detector.core.ingest.samples import Records, records_of
from detector.history.parquet import ParquetDays
from detector.json_document import make_document
from detector.kafka.readers.alarm_topic import read_notifications
from detector.kafka.readers.label_topic import read_labels
from detector.kafka.readers.topic_history import read_cell_records
from detector.teaching.history_source import print_search_progress
from detector.terminal import print_document, print_line


def print_reproduction(config: Config, request: ReproduceRequest) -> bool:
    """Judge every notification of the alarm again; return whether all are the same. Raises OperatorError."""
    notices = read_notifications(config)
    own = choose(notices, request.alarm)
    path = request.bundle or Path(config.bundle)
    bundle = read_bundle(path, config.trusted_keys)
    judged = reproducible(own, bundle)
    settings = config.settings_at(bundle.catalogue.period_minutes)
    first, last = first_minute(judged, settings), judged[-1].minute + 1
    records = _records(config, request.history, bundle, judged[0].body.objectInstance, (first, last))
    labels = list(read_labels(config))
    encode = start_encoder(bundle, path, config.runtime.threads)  # after all that can be refused without it
    verifier = Verifier(bundle, encode, settings, config.alarms.system_dn, config.runtime.threads)
    same = True
    for result in reproduce(judged, notices, records, labels, verifier):
        same &= not result.differences
        _print_result(result, json=request.json)
    return same


def _records(config: Config, history: Path | None, bundle: Bundle, cell: str, span: tuple[int, int]) -> Records:
    """Return the records of one cell, from files or from the input topic."""
    first, last = span
    if history is None:
        return read_cell_records(config, bundle.catalogue, cell, span, print_search_progress)
    return records_of(cell, first, ParquetDays(history).episode(cell, first, last), bundle.catalogue)


def _print_result(result: VerificationResult, *, json: bool) -> None:
    notice, body = result.notification, result.notification.body
    if json:
        fields = {"time": body.eventTime, "change": notice.change, "differences": result.differences}
        print_document(make_document(ReproductionDocument, fields))
        return
    state = "differs" if result.differences else "same"
    print_line(f"{body.eventTime:%Y-%m-%d %H:%M}  {notice.change:<8} {body.specificProblem:<30} {state}")
    for difference in result.differences:
        print_line(f"    {difference}")
