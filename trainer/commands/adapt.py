"""Take an encoder to another network, without labels and without training.

Baselines, normal profile and calibration are fitted to the network's history. The features must be
those of the bundle, unless its encoder is of kind `shared`, which takes any.

Example:

    faultline-trainer adapt --bundle bundles/home --history history/ --out bundles/abroad
"""

import argparse

from detector.commands.argument_types import folder_path, whole_number
from detector.commands.arguments import add_json_argument, add_sign_argument, signing_key
from trainer.commands.arguments import positive
from trainer.recipes.request import AdaptRequest

HELP = "make a bundle for another network of the same features, or of any with a `shared` encoder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", type=folder_path, required=True, help="bundle whose encoder is taken over")
    parser.add_argument("--history", type=folder_path, required=True, help="folder of Parquet of the network to watch")
    parser.add_argument("--out", type=folder_path, required=True, help="directory of the new bundle")
    add_sign_argument(parser)
    parser.add_argument(
        "--days", type=positive, default=7, help="days of history that baselines are fitted to (default: %(default)s)"
    )
    parser.add_argument(
        "--stretches",
        type=positive,
        default=4800,
        help="stretches of two and a half hours for the calibration (default: %(default)s, 400 cell-days)",
    )
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, help="seed of all random draws (default: %(default)s)"
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    request = AdaptRequest(
        bundle=arguments.bundle,
        history=arguments.history,
        out=arguments.out,
        days=arguments.days,
        stretches=arguments.stretches,
        seed=arguments.seed,
        signer=signing_key(arguments.sign),
    )
    from trainer.commands.bundle_report import print_bundle_document
    from trainer.console import progress_on_stderr
    from trainer.recipes.adaptation import adapt

    with progress_on_stderr(arguments.json):
        adapt(request)
    if arguments.json:
        print_bundle_document(request.out)
    return 0
