"""Retirement of a label: its key gets an empty record, and every instance drops it."""

from detector.config.schema import Config
from detector.errors import LabelError
from detector.kafka.readers.label_topic import publish_labels, read_labels
from detector.labels.listing import LabelRow, list_labels
from detector.text import did_you_mean, printable


def retire_label(config: Config, identity: str) -> LabelRow | None:
    """Retire the label with this id, or the only label whose id begins so; None if there is none.

    Raises LabelError if several ids begin so, ClusterError.
    """
    rows = list_labels(read_labels(config))
    exact = [row for row in rows if row.id == identity]
    matches = exact or [row for row in rows if identity and row.id.startswith(identity)]
    if not matches:
        return None
    if len(matches) > 1:
        raise LabelError(f"{len(matches)} label ids begin with {identity!r}; give more characters of the id.")
    publish_labels(config, (matches[0].id.encode(), None))
    return matches[0]


def nearest_label(config: Config, identity: str) -> str:
    """Return a question with the id that was probably meant, for the end of a sentence; empty where none is near.

    Whoever gives the name of a class means one of its labels. Raises ClusterError.
    """
    rows = list_labels(read_labels(config))
    ids = [row.id for row in rows if row.name == identity]
    if ids:
        return f" Did you mean {printable(ids[0])}, a label of that class?"
    return did_you_mean(identity, (row.id for row in rows)) or did_you_mean(identity, (row.name for row in rows))
