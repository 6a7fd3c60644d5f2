"""Reproduction of an alarm: the daemon's own pipeline judges the same minutes again, with the same bundle and labels.

A notification bears the network's time, so no clock says which labels were in force. The labels topic is therefore read
record by record until the exemplar index has the digest that the notification bears.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import msgspec

from detector.alarms.journal import JournalError, NotificationRecord, open_alarms_before
from detector.alarms.notifications import Context, alarm_id, notification_message
from detector.bundle.format import Bundle
from detector.core.encoder import Encode
from detector.core.ingest.decoder import Decoder
from detector.core.ingest.samples import Records
from detector.core.lifecycle import Alarm
from detector.core.pipeline import Pipeline
from detector.core.scoring.classifier import Classifier
from detector.core.scoring.exemplars import Exemplar, identity
from detector.core.settings import Settings
from detector.labels.store import LabelStore, embed_records

LabelRecords = Iterable[tuple[bytes, bytes | None]]
"""Records of the labels topic, in their order."""


@dataclass(frozen=True)
class Verifier:
    """Everything that a decision depends on, except the labels."""

    bundle: Bundle
    encode: Encode
    settings: Settings
    system_dn: str
    threads: int


@dataclass(frozen=True)
class VerificationResult:
    """Result of the reproduction of one notification."""

    notification: NotificationRecord
    differences: list[str]
    """One line per difference; empty = the same, byte for byte."""


def reproducible(alarm_records: Sequence[NotificationRecord], bundle: Bundle) -> list[NotificationRecord]:
    """Return the notifications of an alarm that follow from a judged window. Raises JournalError."""
    judged = [record for record in alarm_records if record.body.additionalInformation.fingerprint]
    if not judged:
        body = alarm_records[0].body
        raise JournalError(
            f"alarm {body.alarmId} ({body.specificProblem}) has no window that could be judged again; a silence, or an"
            " alarm of an older version, cannot be reproduced."
        )
    digests = {record.body.additionalInformation.bundle for record in judged}
    if digests != {bundle.digest}:
        raise JournalError(
            f"the alarm was judged by bundle {', '.join(sorted(digests))} and the given bundle is {bundle.digest}; give"
            " the former with --bundle."
        )
    return judged


def first_minute(judged: Sequence[NotificationRecord], settings: Settings) -> int:
    """Return the first minute of the cell that can have influenced one of these notifications."""
    granularity = settings.granularity
    sample = granularity.first_minute(judged[0].minute)
    return sample - settings.keep_minutes - granularity.window_minutes - settings.late_minutes


def reproduce(
    judged: Sequence[NotificationRecord],
    notifications: Sequence[NotificationRecord],
    records: Records,
    labels: LabelRecords,
    verifier: Verifier,
) -> Iterator[VerificationResult]:
    """Judge every notification in `judged` again. Raises JournalError.

    `notifications` are all that the topic holds, `records` are the minutes of the alarm's cell.
    """
    digests = {notification.body.additionalInformation.labels for notification in judged}
    classifiers = classifiers_by_digest(digests, labels, verifier)
    for notification in judged:
        digest = notification.body.additionalInformation.labels
        if digest not in classifiers:
            difference = f"labels: those of digest {digest} are no longer on the topic, or have other embeddings here"
            yield VerificationResult(notification, [difference])
            continue
        open_alarms = open_alarms_before(notifications, notification)
        value = _judge_again(notification, open_alarms, records, classifiers[digest], verifier)
        yield VerificationResult(notification, _differences(notification, value))


def classifiers_by_digest(digests: Set[str], labels: LabelRecords, verifier: Verifier) -> dict[str, Classifier]:
    """Return the classifiers whose exemplar index has one of these digests, as far as the topic still allows it.

    The topic is read once, up to the last digest, and labels are embedded in batches. 2,000 labels take 1.6 s of a core
    in batches, and 14 s one at a time.
    """
    store = LabelStore(verifier.bundle, verifier.encode, verifier.settings, verifier.threads)
    summands: dict[bytes, int] = {}
    total = 0
    classifiers: dict[str, Classifier] = {}
    for key, result in chain([(b"", None)], embed_records(labels, verifier.bundle.catalogue, verifier.encode)):
        store.put_embedded(key, result)
        total -= summands.pop(key, 0)
        if isinstance(result, Exemplar):
            summands[key] = int.from_bytes(identity(result))
        total += summands.get(key, 0)
        digest = f"{total % 2**64:016x}"
        if digest in digests and digest not in classifiers:
            classifiers[digest] = store.classifier()
            if len(classifiers) == len(digests):
                break
    return classifiers


def _judge_again(
    notification: NotificationRecord,
    open_alarms: list[Alarm],
    records: Records,
    classifier: Classifier,
    verifier: Verifier,
) -> bytes | None:
    """Return the notification as the pipeline makes it of the cell's records; None where it makes none."""
    samples = Decoder(verifier.bundle.catalogue, verifier.settings.max_record_bytes).decode(records)[0]
    sample = verifier.settings.granularity.first_minute(notification.minute)
    rows = samples.index[samples.minute == sample]
    if not len(rows):
        cell, time = notification.body.objectInstance, notification.body.eventTime
        raise JournalError(
            f"the minute of {cell} that ends at {time:%Y-%m-%d %H:%M} is missing; give a --history that holds it."
        )
    row = int(rows[0])
    bundle, settings = verifier.bundle, replace(verifier.settings, max_cells=1)
    pipeline = Pipeline(bundle.catalogue, bundle.baseline, verifier.encode, classifier, settings)
    pipeline.assign(records.partition, None, open_alarms)
    pipeline.process([(records.part(slice(0, row)), False)])
    work = pipeline.process([(records.part(slice(row, row + 1)), True)])
    context = Context(verifier.system_dn, bundle.digest)
    for event in work.events:
        if event.change == notification.change and alarm_id(event.alarm) == notification.body.alarmId:
            return notification_message(event, context).value
    return None


def _differences(notification: NotificationRecord, value: bytes | None) -> list[str]:
    if value is None:
        return ["the minute raises no such notification now"]
    if value == notification.value:
        return []
    published, reproduced = _leaves(msgspec.json.decode(notification.value)), _leaves(msgspec.json.decode(value))
    paths = [path for path in {**published, **reproduced} if published.get(path) != reproduced.get(path)]
    return [
        f"{path}: {published.get(path, 'nothing')} then, {reproduced.get(path, 'nothing')} now" for path in paths
    ] or ["only the bytes of the JSON text differ"]


def _leaves(node: Any, path: str = "") -> dict[str, Any]:
    """Return every leaf of a JSON value by its path."""
    if isinstance(node, dict):
        children = [(f"{path}.{key}".lstrip("."), value) for key, value in node.items()]
    elif isinstance(node, list):
        children = [(f"{path}[{index}]", value) for index, value in enumerate(node)]
    else:
        return {path: node}
    return {leaf: value for child_path, child in children for leaf, value in _leaves(child, child_path).items()}
