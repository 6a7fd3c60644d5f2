"""Check configuration, bundle and topics as a start of the daemon would, and change nothing.

Exit code 2 with one sentence if something is wrong.

Examples:

    faultline check --config config.yaml
    faultline check --offline
"""

import argparse

from detector.commands.arguments import add_config_argument, add_json_argument

HELP = "check configuration, bundle and topics, and change nothing"

INVALID = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument("--offline", action="store_true", help="check configuration and bundle only, without Kafka")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.commands.check_report import print_findings
    from detector.service.preflight import check_installation

    findings = check_installation(arguments.config, arguments.offline)
    return 0 if print_findings(findings, json=arguments.json) else INVALID
