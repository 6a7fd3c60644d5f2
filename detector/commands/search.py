"""Search the past for episodes that resemble one episode of a cell, the nearest first.

Each is printed with the names of the alarms that the cell had at the time. Times are UTC unless
they carry an offset. Exit code 3 if nothing resembles it.

Examples:

    faultline search --cell A00014-2 --at "2026-11-21 10:05"
    faultline search --cell A00014-2 --at "2026-11-21 10:05" --history history/ --offline
"""

import argparse
from time import time

from detector.commands.argument_types import folder_path, number, whole_number
from detector.commands.arguments import (
    add_config_argument,
    add_episode_arguments,
    add_json_argument,
    episode_span,
)
from detector.commands.requests import SearchRequest
from detector.errors import LabelError

HELP = "search the past for episodes that resemble one episode of a cell"

DIFFERENT = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    add_episode_arguments(parser)
    parser.add_argument("--history", type=folder_path, help="folder of Parquet to search instead of the input topic")
    parser.add_argument("--offline", action="store_true", help="leave Kafka out; names at the time are not shown")
    parser.add_argument(
        "--most", type=whole_number(1), default=20, help="most episodes to print (default: %(default)s)"
    )
    parser.add_argument(
        "--farthest",
        type=number(0, 1),
        default=0.5,
        help="largest distance to print, 0 to 1 (default: %(default)s)",
    )
    add_json_argument(parser, lines=True)


def run(arguments: argparse.Namespace) -> int:
    begin, end = episode_span(arguments)
    if arguments.offline and not arguments.history:
        raise LabelError("--offline leaves no past to search; give a folder of Parquet with --history.")
    request = SearchRequest(
        cell=arguments.cell,
        begin=begin,
        end=end,
        now=int(time() // 60),
        history=arguments.history,
        offline=arguments.offline,
        most=arguments.most,
        farthest=arguments.farthest,
        json=arguments.json,
    )
    from detector.commands.search_report import print_search
    from detector.config.loader import read_config

    return 0 if print_search(read_config(arguments.config), request) else DIFFERENT
