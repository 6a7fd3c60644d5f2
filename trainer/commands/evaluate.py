"""Evaluate a bundle on a history whose episodes are known, and write one HTML page and the figures.

Several cases stand side by side on the page.

Examples:

    faultline-trainer evaluate --history history/ --bundle bundles/home --out evaluation/
    faultline-trainer evaluate --case home:history/:bundles/home --out evaluation/
"""

import argparse

from detector.commands.argument_types import file_path, folder_path, plain_text, whole_number
from detector.commands.arguments import add_json_argument
from trainer.commands.requests import EvaluateRequest

HELP = "evaluate a bundle on a history with known episodes: figures, pictures and confusions on one HTML page"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--history", type=folder_path, help="folder with Parquet, catalogue.yaml and episodes.csv")
    parser.add_argument("--bundle", type=folder_path, help="bundle of that network")
    parser.add_argument(
        "--case",
        type=plain_text,
        action="append",
        default=[],
        metavar="NAME:HISTORY:BUNDLE",
        help="named case instead of --history and --bundle; may be repeated",
    )
    parser.add_argument("--out", type=folder_path, required=True, help="folder for evaluate.html and evaluate.json")
    parser.add_argument("--episodes", type=file_path, help="known episodes (default: episodes.csv of the history)")
    parser.add_argument("--teach", type=file_path, help="episodes to teach (default: one each of most classes)")
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, help="seed of all random draws (default: %(default)s)"
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    request = EvaluateRequest(
        out=arguments.out,
        history=arguments.history,
        bundle=arguments.bundle,
        cases=arguments.case,
        episodes=arguments.episodes,
        teach=arguments.teach,
        seed=arguments.seed,
    )
    from trainer.commands.evaluate_report import print_evaluation

    print_evaluation(request, json=arguments.json)
    return 0
