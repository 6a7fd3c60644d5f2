"""`faultline labels`: everything that was taught and not forgotten, who taught it, and what came of it.

`held:N` is a label in quarantine, `forced:N` one that was taught in spite of it; N are the new alarms per 1,000 cells
and day that its preview forecast. `to` a day is its expiry, by the network's own time. The radius is how much of what
its example showed may be missing, and it still fires. With --withheld: the alarms of the last hours that ignores and
labels in quarantine kept silent.
"""

import argparse
from pathlib import Path

from detector.commands.arguments import add_config_argument, add_look_arguments, asked_sample
from detector.config.loader import read_config
from detector.config.schema import Config

HELP = "list what was taught, by whom, and how often it fired"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument(
        "--withheld", action="store_true", help="list what was kept silent in the last hours, as follows, instead"
    )
    add_look_arguments(parser)
    parser.add_argument("--quick", action="store_true", help="without radii, for which the encoder is started")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")


def run(arguments: argparse.Namespace) -> int:
    import msgspec

    from detector.kafka.readers.alarm_topic import read_notification_values
    from detector.kafka.readers.label_topic import read_labels
    from detector.labels.listing import count_fired, list_labels, table

    config = read_config(arguments.config)
    if arguments.withheld:
        return _tell_withheld(arguments, config)
    records = list(read_labels(config))
    listed = list_labels(records)
    fired = count_fired(read_notification_values(config))
    radii = {} if arguments.quick or not listed else _radii(config, records)
    if arguments.json:
        for one in listed:
            told = msgspec.to_builtins(one) | {"fired": fired[one.id], "radius": radii.get(one.id)}
            print(msgspec.json.encode(told).decode())
    elif listed:
        print("\n".join(table(listed, fired, radii)))
    else:
        print("nothing is taught yet; `faultline teach` does it")
    return 0


def _radii(config: Config, records: list[tuple[bytes, bytes | None]]) -> dict[str, float | None]:
    from detector.bundle.verification import open_bundle
    from detector.labels.robustness import robustness
    from detector.labels.store import LabelStore

    bundle, encode = open_bundle(Path(config.bundle), config.runtime.threads)
    labels = LabelStore(bundle, encode, config.settings, config.runtime.threads)
    labels.put_all(records)
    return robustness(records, labels.classifier(), bundle, encode)


def _tell_withheld(arguments: argparse.Namespace, config: Config) -> int:
    import msgspec

    from detector.teaching.preview_text import kept_silent
    from detector.teaching.request import withheld

    look, found = withheld(config, arguments.history, asked_sample(arguments))
    if arguments.json:
        for one in found:
            print(msgspec.json.encode(one).decode())
    else:
        print("\n".join(kept_silent(look, found)))
    return 0
