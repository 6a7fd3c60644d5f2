"""Train with every loss on the same windows and seeds, and write one HTML page about the results.

compare.json holds the same figures. Simulated windows are kept in OUT/examples for the next run.

Examples:

    faultline-trainer compare --out comparison/ --seeds 0,1,2
    faultline-trainer compare --out comparison/ --losses triplet,contrastive:margin=0.5 --steps 500
"""

import argparse

from detector.commands.argument_types import LARGEST, folder_path
from detector.commands.arguments import add_json_argument
from trainer.commands.arguments import LOSS_NAMES, minutes, positive
from trainer.commands.requests import CompareRequest

HELP = "train with every loss on the same windows, and write one page about them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=folder_path, required=True, help="folder for compare.html, compare.json and the examples"
    )
    parser.add_argument(
        "--losses",
        type=_names,
        default=list(LOSS_NAMES),
        help="losses as NAME or NAME:OPTION=VALUE, separated by commas (default: all, triplet and similarity in every"
        " way)",
    )
    parser.add_argument(
        "--encoders", type=_names, default=["tree"], help="kinds of encoder, separated by commas (default: tree)"
    )
    parser.add_argument("--steps", type=positive, default=1500, help="steps of each training (default: %(default)s)")
    parser.add_argument("--classes", type=positive, default=1500, help="procedural classes (default: %(default)s)")
    parser.add_argument("--each", type=positive, default=4, help="windows per procedural class (default: %(default)s)")
    parser.add_argument(
        "--cells", type=positive, default=300, help="cells of the simulated network (default: %(default)s)"
    )
    parser.add_argument("--seeds", type=_seeds, default=[0], help="seeds, separated by commas (default: 0)")
    parser.add_argument(
        "--budget-minutes", type=minutes, help="minutes for all trainings together; fewer steps are made if need be"
    )
    parser.add_argument("--workers", type=positive, default=2, help="processes that simulate (default: %(default)s)")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    request = CompareRequest(
        out=arguments.out,
        losses=arguments.losses,
        encoders=arguments.encoders,
        steps=arguments.steps,
        classes=arguments.classes,
        each=arguments.each,
        cells=arguments.cells,
        seeds=arguments.seeds,
        budget_minutes=arguments.budget_minutes,
        workers=arguments.workers,
    )
    from trainer.commands.compare_report import print_comparison

    print_comparison(request, json=arguments.json)
    return 0


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("no name is given")
    return names


def _seeds(text: str) -> list[int]:
    try:
        seeds = [int(part) for part in text.split(",")]
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0 or max(seeds) > LARGEST or len(set(seeds)) < len(seeds):
        raise argparse.ArgumentTypeError(f"{text} is not a list of different whole numbers from 0 on, as in 0,1,2")
    return seeds
