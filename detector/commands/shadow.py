"""Try another bundle beside the serving one, on the same minutes, before its alarms wake anyone.

`configure` prints the configuration of a second daemon, which writes to topics of its own.
`faultline topics --create` and `faultline run` take it. It begins at `kafka.start`: with `earliest`
it judges all that the topic still holds. `report` compares its alarms with those of the serving
daemon.

In this order:

    faultline shadow configure --bundle bundles/tuesday > shadow.yaml
    faultline topics --create --config shadow.yaml
    faultline run --config shadow.yaml
    faultline shadow report --shadow shadow.yaml
"""

import argparse

from detector.commands.argument_types import file_path, folder_path
from detector.commands.arguments import add_config_argument, add_json_argument, add_subcommand, optional_minute
from detector.commands.requests import ShadowReportRequest

HELP = "try another bundle beside the serving one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    ways = parser.add_subparsers(dest="way", required=True, metavar="configure|report")
    configure = add_subcommand(
        ways,
        "configure",
        "print the configuration of a shadow daemon",
        "faultline shadow configure --bundle bundles/tuesday > shadow.yaml",
    )
    configure.add_argument("--bundle", type=folder_path, required=True, help="directory of the bundle to try")
    report = add_subcommand(
        ways,
        "report",
        "compare the shadow's alarms with the serving daemon's",
        "faultline shadow report --shadow shadow.yaml",
    )
    report.add_argument(
        "--shadow", type=file_path, required=True, help="configuration of the shadow, as `configure` printed it"
    )
    report.add_argument("--since", help="first minute to compare, UTC (default: that of the shadow's first alarm)")
    report.add_argument(
        "--textfile", type=file_path, metavar="FILE.prom", help="file for the node exporter's textfile collector"
    )
    for way in (configure, report):
        add_config_argument(way)
        add_json_argument(way)


def run(arguments: argparse.Namespace) -> int:
    if arguments.way == "configure":
        from detector.commands.shadow_report import print_configuration

        print_configuration(arguments.config, arguments.bundle, json=arguments.json)
        return 0
    request = ShadowReportRequest(
        config=arguments.config,
        shadow=arguments.shadow,
        since=optional_minute(arguments.since, "--since"),
        json=arguments.json,
        textfile=arguments.textfile,
    )
    from detector.commands.shadow_report import print_report

    print_report(request)
    return 0
