"""An alarm's verdict computed again: the same minutes, the labels of then, the same bundle, the daemon's own pipeline.

Which labels stood when it was raised is told by no clock, as an alarm is stamped with the network's time: the labels'
topic is walked record by record, until the library has the digest that the alarm bears.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import msgspec

from detector.alarms.journal import JournalError, Notification, open_alarms_before
from detector.alarms.notifications import Context, alarm_id, notification
from detector.bundle.format import Bundle
from detector.core.encoder import Encode
from detector.core.features import WINDOW
from detector.core.ingest.samples import Decoder, Records
from detector.core.pipeline import Pipeline
from detector.core.scoring.classifier import Classifier
from detector.core.scoring.exemplars import Exemplar, identity
from detector.core.settings import Settings
from detector.labels.store import LabelStore, embed_records

Taught = Iterable[tuple[bytes, bytes | None]]
"""Records of the labels' topic, in their order."""


@dataclass(frozen=True)
class Verifier:
    """All that judges, but for the labels."""

    bundle: Bundle
    encode: Encode
    settings: Settings
    system_dn: str
    threads: int


@dataclass(frozen=True)
class VerificationResult:
    """What became of one notification when it was made again."""

    notice: Notification
    differences: list[str]
    """One line each; none = the same, byte for byte."""


def reproducible(told: Sequence[Notification], bundle: Bundle) -> list[Notification]:
    """The notifications of an alarm that a window stands behind. Raises ChronicleError."""
    judged = [notice for notice in told if "fingerprint" in notice.said.additionalInformation]
    if not judged:
        raise JournalError(
            f"alarm {told[0].said.alarmId} ({told[0].said.specificProblem}) has no window behind it that could be"
            " judged again; a silence, or an alarm of an older version, cannot be reproduced."
        )
    by = {notice.said.additionalInformation["bundle"] for notice in judged}
    if by != {bundle.digest}:
        raise JournalError(
            f"the alarm was judged by bundle {', '.join(sorted(by))} and the one at hand is {bundle.digest}; give"
            " the former with --bundle."
        )
    return judged


def first_minute(judged: Sequence[Notification], settings: Settings) -> int:
    """Whatever came of the cell before it has no say in any of these verdicts."""
    return judged[0].minute - settings.keep_minutes - WINDOW - settings.late_minutes


def reproduce(
    judged: Sequence[Notification], told: Sequence[Notification], records: Records, taught: Taught, court: Verifier
) -> Iterator[VerificationResult]:
    """Judges every notification again. `told`: all there are; `records`: the cell's. Raises ChronicleError."""
    judges = judges_of({notice.said.additionalInformation["labels"] for notice in judged}, taught, court)
    for notice in judged:
        digest = notice.said.additionalInformation["labels"]
        if digest not in judges:
            yield VerificationResult(
                notice, [f"labels: {digest} of then are not on the topic any more, or embed otherwise here"]
            )
        else:
            yield VerificationResult(notice, _differences(notice, _again(notice, told, records, judges[digest], court)))


def judges_of(digests: Set[str], taught: Taught, court: Verifier) -> dict[str, Classifier]:
    """The judges whose libraries have these digests; without those of which the topic no longer tells how they were.

    One walk, to the last of them, and a batch of labels at a time: 2,000 take 1.6 s of a core, so 14 one by one.
    """
    labels = LabelStore(court.bundle, court.encode, court.settings, court.threads)
    parts: dict[bytes, int] = {}
    total = 0
    found: dict[str, Classifier] = {}
    for key, made in chain([(b"", None)], embed_records(taught, court.bundle.catalogue, court.encode)):
        labels.put_embedded(key, made)
        total -= parts.pop(key, 0)
        if isinstance(made, Exemplar):
            parts[key] = int.from_bytes(identity(made))
        total += parts.get(key, 0)
        digest = f"{total % 2**64:016x}"
        if digest in digests and digest not in found:
            found[digest] = labels.classifier()
            if len(found) == len(digests):
                break
    return found


def _again(
    notice: Notification, told: Sequence[Notification], records: Records, judge: Classifier, court: Verifier
) -> bytes | None:
    """The notification as the pipeline makes it now, by this one cell's records; None where it makes none."""
    minute = Decoder(court.bundle.catalogue, court.settings.max_record_bytes).decode(records)[0]
    at = minute.index[minute.minute == notice.minute]
    if not len(at):
        cell, when = notice.said.objectInstance, notice.said.eventTime
        raise JournalError(f"no minute of {cell} at {when:%Y-%m-%d %H:%M} is there; give a --history that has it.")
    bundle, settings = court.bundle, replace(court.settings, max_cells=1)
    pipeline = Pipeline(bundle.catalogue, bundle.baseline, court.encode, judge, settings)
    pipeline.assign(records.partition, None, open_alarms_before(told, notice))
    pipeline.process([(_cut(records, slice(0, int(at[0]))), False)])
    work = pipeline.process([(_cut(records, slice(int(at[0]), int(at[0]) + 1)), True)])
    context = Context(court.system_dn, bundle.digest)
    for event in work.events:
        if event.change == notice.change and alarm_id(event.alarm) == notice.said.alarmId:
            return notification(event, context).value
    return None


def _cut(records: Records, part: slice) -> Records:
    return Records(records.partition, records.offsets[part], records.keys[part], records.values[part])


def _differences(notice: Notification, again: bytes | None) -> list[str]:
    if again is None:
        return ["nothing is said at that minute"]
    if again == notice.value:
        return []
    then, now = _flat(msgspec.json.decode(notice.value)), _flat(msgspec.json.decode(again))
    keys = [key for key in {**then, **now} if then.get(key) != now.get(key)]
    return [f"{key}: {then.get(key, 'nothing')} then, {now.get(key, 'nothing')} now" for key in keys] or ["its bytes"]


def _flat(node: Any, at: str = "") -> dict[str, Any]:
    """Every leaf of a JSON value, by its path."""
    if isinstance(node, dict):
        return {path: leaf for key, one in node.items() for path, leaf in _flat(one, f"{at}.{key}".lstrip(".")).items()}
    if isinstance(node, list):
        return {path: leaf for place, one in enumerate(node) for path, leaf in _flat(one, f"{at}[{place}]").items()}
    return {at: node}
