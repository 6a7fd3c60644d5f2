"""Run the daemon: consume minutes, publish alarms, until SIGTERM.

SIGTERM, SIGINT and SIGHUP stop it in order within five seconds, with exit code 0; during the start
they end it at once. A second signal ends it without order. SIGUSR1 turns debug logging on and off.

Example:

    faultline run --config config.yaml
"""

import argparse
import signal
import threading

from detector.commands.arguments import add_config_argument

HELP = "consume minutes, publish alarms, until SIGTERM"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from detector.config.loader import read_config
    from detector.log import start_logging, switch_debug

    config = read_config(arguments.config)
    start_logging(config.log.level, config.log.format)
    signal.signal(signal.SIGUSR1, lambda *_: switch_debug(config.log.level))
    from detector.service.process import run_until  # after the handlers: the import takes seconds

    run_until(config, threading.Event())
    return 0
