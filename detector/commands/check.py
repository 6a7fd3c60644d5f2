"""Check configuration, cluster and bundle as a start of the daemon would, and change nothing.

Each finding is one line with its remedy. An error breaks a guarantee, and a start refuses it: exit code 2, once all
findings are printed. A warning leaves exit code 0, and a start logs it. The last records of the
feed are looked at as by `faultline feed`, and give warnings.

Examples:

    faultline check --config config.yaml
    faultline check --offline
    faultline check --json
"""

import argparse

from detector.commands.arguments import add_config_argument, add_json_argument

HELP = "check configuration, cluster, feed and bundle, and change nothing"

REFUSED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument("--offline", action="store_true", help="check configuration and bundle only, without Kafka")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.commands.check_report import print_findings
    from detector.service.preflight import check_installation

    findings = check_installation(arguments.config, arguments.offline)
    return 0 if print_findings(findings, json=arguments.json) else REFUSED
