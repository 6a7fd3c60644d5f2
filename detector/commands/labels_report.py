"""Report of `faultline labels`: the labels in force, or the alarms that they withhold."""

import msgspec

from detector.config.schema import Config
from detector.kafka.readers.alarm_topic import read_notification_values
from detector.kafka.readers.label_topic import read_labels
from detector.labels.listing import count_fired, list_labels, table
from detector.labels.robustness import robustness
from detector.teaching.labelled_bundle import open_labelled_bundle
from detector.teaching.preview_text import withheld_lines
from detector.teaching.request import SampleRequest
from detector.teaching.withheld import withheld_alarms


def print_labels(config: Config, *, quick: bool, json: bool) -> None:
    """Print every label that is not retired. Raises OperatorError."""
    records = list(read_labels(config))
    rows = list_labels(records)
    fired = count_fired(read_notification_values(config))
    radii = {} if quick or not rows else _radii(config, records)
    if json:
        for row in rows:
            fields = msgspec.to_builtins(row) | {"fired": fired[row.id], "radius": radii.get(row.id)}
            print(msgspec.json.encode(fields).decode())
    elif rows:
        print("\n".join(table(rows, fired, radii)))
    else:
        print("no label is in force; `faultline teach` publishes one")


def print_withheld(config: Config, request: SampleRequest, *, json: bool) -> None:
    """Replay the last hours and print the alarms that labels withhold. Raises OperatorError."""
    sample, alarms = withheld_alarms(config, request)
    if json:
        for alarm in alarms:
            print(msgspec.json.encode(alarm).decode())
    else:
        print("\n".join(withheld_lines(sample, alarms)))


def _radii(config: Config, records: list[tuple[bytes, bytes | None]]) -> dict[str, float | None]:
    labelled = open_labelled_bundle(config, records)
    return robustness(records, labelled.labels.classifier(), labelled.bundle, labelled.encode)
