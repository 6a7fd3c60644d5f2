"""List the labels in force: class, cell, author, the alarms they raised, and their robustness.

`held:N` is a label in quarantine, `forced:N` one that was published in force although it broke the
budget; N are the new alarms per 1,000 cells and day of its preview. `to` and a day is its expiry,
by the network's own time. With --radius: the share of its example that may be missing while it
still raises an alarm. With --withheld: the alarms of the last hours that labels of kind ignore, and
labels in quarantine, kept from being published.

Examples:

    faultline labels
    faultline labels --withheld --hours 12
"""

import argparse

from detector.commands.arguments import add_config_argument, add_json_argument, add_sample_arguments, sample_request

HELP = "list the labels in force, their authors, and how often each raised an alarm"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument(
        "--withheld", action="store_true", help="list the withheld alarms of the last hours instead of the labels"
    )
    add_sample_arguments(parser)
    radius = parser.add_mutually_exclusive_group()
    radius.add_argument("--radius", action="store_true", help="compute the radius, too, which starts the encoder")
    radius.add_argument("--quick", action="store_true", help="leave out the radius, as without --radius")
    add_json_argument(parser, lines=True)


def run(arguments: argparse.Namespace) -> int:
    from detector.config.loader import read_config

    config = read_config(arguments.config)
    if arguments.withheld:
        from detector.commands.withheld_report import print_withheld

        print_withheld(config, sample_request(arguments), json=arguments.json)
    else:
        from detector.commands.labels_report import print_labels

        print_labels(config, radius=arguments.radius, json=arguments.json)
    return 0
