"""Report of `faultline labels`: the labels in force."""

from detector.commands.documents import LabelDocument
from detector.config.schema import Config
from detector.json_document import make_document
from detector.kafka.readers.alarm_topic import read_notification_values
from detector.kafka.readers.label_topic import read_labels
from detector.labels.listing import count_fired, list_labels, table
from detector.terminal import print_document, print_line, print_lines


def print_labels(config: Config, *, radius: bool, json: bool) -> None:
    """Print every label that is not retired, with its radius if it is asked for. Raises OperatorError."""
    records = list(read_labels(config))
    rows = list_labels(records)
    fired = count_fired(read_notification_values(config))
    radii = _radii(config, records) if radius and rows else {}
    if json:
        for row in rows:
            print_document(make_document(LabelDocument, row, fired=fired[row.id], radius=radii.get(row.id)))
    elif rows:
        print_lines(table(rows, fired, radii))
    else:
        print_line("no label is in force; `faultline teach` publishes one")


def _radii(config: Config, records: list[tuple[bytes, bytes | None]]) -> dict[str, float | None]:
    """Return the radius of each label. The encoder is imported here: the list alone must not wait for it."""
    from detector.labels.robustness import robustness
    from detector.teaching.labelled_bundle import open_labelled_bundle

    labelled = open_labelled_bundle(config, records)
    return robustness(records, labelled.labels.classifier(), labelled.bundle, labelled.encode)
