"""`faultline reproduce`: an alarm's verdict, computed again bit for bit."""

import argparse
from pathlib import Path

from detector.commands.arguments import add_config_argument
from detector.config.loader import read_config

HELP = "compute an alarm's verdict again; 0 = the same, 3 = it differs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("alarm", metavar="ALARM_ID", help="its alarmId, or a beginning of it that is no other's")
    add_config_argument(parser)
    parser.add_argument("--bundle", type=Path, help="the bundle that judged (default: the configured one)")
    parser.add_argument("--history", type=Path, help="folder with the cell's minutes (default: the input topic)")
    parser.add_argument("--json", action="store_true", help="one line of JSON a notification")


def run(arguments: argparse.Namespace) -> int:
    import msgspec

    from detector.alarms.journal import choose
    from detector.alarms.reproduction import Verifier, first_minute, reproduce, reproducible
    from detector.bundle.verification import open_bundle
    from detector.core.ingest.samples import records_of
    from detector.history.parquet import ParquetDays
    from detector.kafka.readers.alarm_topic import read_notifications
    from detector.kafka.readers.label_topic import read_labels
    from detector.kafka.readers.topic_history import read_cell_records

    config = read_config(arguments.config)
    notices = read_notifications(config)
    told = choose(notices, arguments.alarm)
    bundle, encode = open_bundle(arguments.bundle or Path(config.bundle), config.runtime.threads)
    judged = reproducible(told, bundle)
    cell, first = judged[0].body.objectInstance, first_minute(judged, config.settings)
    last = judged[-1].minute + 1
    if arguments.history:
        values = ParquetDays(arguments.history).episode(cell, first, last)
        records = records_of(cell, first, values, bundle.catalogue.names)
    else:
        records = read_cell_records(config, cell, first, last)
    court = Verifier(bundle, encode, config.settings, config.alarms.system_dn, config.runtime.threads)
    same = True
    for finding in reproduce(judged, notices, records, read_labels(config), court):
        same &= not finding.differences
        said = finding.notification.body
        if arguments.json:
            line = {"time": said.eventTime, "change": finding.notification.change, "differences": finding.differences}
            print(msgspec.json.encode(line).decode())
        else:
            word = "differs" if finding.differences else "same"
            print(
                f"{said.eventTime:%Y-%m-%d %H:%M}  {finding.notification.change:<8} {said.specificProblem:<30} {word}"
            )
            for difference in finding.differences:
                print(f"    {difference}")
    return 0 if same else 3
