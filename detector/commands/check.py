"""Check configuration, cluster and bundle as a start of the daemon would, and change nothing.

Each finding is one line with its remedy. An error breaks a guarantee, and a start refuses it: exit code 2, once all
findings are printed. A warning leaves exit code 0, and a start logs it.

Examples:

    faultline check --config config.yaml
    faultline check --offline
    faultline check --json
"""

import argparse

import msgspec

from detector.commands.arguments import add_config_argument
from detector.finding import Finding
from detector.terminal import print_document, print_line, print_notice

HELP = "check configuration, cluster and bundle, and change nothing"

REFUSED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument("--offline", action="store_true", help="check configuration and bundle only, without Kafka")
    parser.add_argument("--json", action="store_true", help="print one JSON object with all findings")


def run(arguments: argparse.Namespace) -> int:
    from detector.service.preflight import check_installation

    findings = []
    for finding in check_installation(arguments.config, arguments.offline):
        findings.append(finding)
        if not arguments.json:
            _print(finding)
    if arguments.json:
        print_document({"findings": [msgspec.to_builtins(finding) for finding in findings]})
    return REFUSED if any(finding.level == "error" for finding in findings) else 0


def _print(finding: Finding) -> None:
    """Print an error where every verb prints its errors, and the rest as the result."""
    if finding.level == "error":
        print_notice(f"faultline: {finding.text}")
    else:
        print_line(f"{finding.part:<8} {'' if finding.level == 'ok' else 'warning: '}{finding.text}")
