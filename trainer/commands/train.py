"""Train a bundle: baselines, fault classes to learn from, encoder, calibration.

The same command continues a training that was killed, from OUT.training, and ends with the same
bundle. A network of another catalogue learns from synthetic faults in its own normal windows, or
takes the shipped encoder.

Examples:

    faultline-trainer train --out bundles/home
    faultline-trainer train --history history/ --out bundles/home --encoder tree
"""

import argparse

from detector.commands.argument_types import file_path, folder_path, whole_number
from detector.commands.arguments import add_json_argument, add_sign_argument, signing_key
from trainer.commands.arguments import ENCODERS, LOSS_NAMES, minutes, positive
from trainer.losses.options import parse_option
from trainer.recipes.request import FAULTS, TrainRequest

HELP = "train an encoder on procedural faults and write a bundle"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=folder_path, required=True, help="directory of the new bundle")
    add_sign_argument(parser)
    _add_material_arguments(parser)
    _add_training_arguments(parser)
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, help="seed of all random draws (default: %(default)s)"
    )
    parser.add_argument("--workers", type=positive, default=2, help="processes that simulate (default: %(default)s)")
    add_json_argument(parser)


def _add_material_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the network to watch and the faults to learn from."""
    parser.add_argument(
        "--history", type=folder_path, help="folder of Parquet of the network to watch (default: a simulated network)"
    )
    parser.add_argument(
        "--cells", type=positive, default=300, help="cells of the simulated network (default: %(default)s)"
    )
    parser.add_argument(
        "--days", type=positive, default=7, help="days of history that baselines are fitted to (default: %(default)s)"
    )
    parser.add_argument("--episodes", type=file_path, help="episodes.csv of --history, whose classes are learned, too")
    parser.add_argument(
        "--classes", type=positive, default=4000, help="fault classes to generate (default: %(default)s)"
    )
    parser.add_argument(
        "--each", type=positive, default=4, help="windows of each generated class (default: %(default)s)"
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="never move the quantities that the held-out classes are known by; for measurements, not for use",
    )
    parser.add_argument(
        "--faults", choices=FAULTS, help="faults to learn from (default: procedural for the simulated catalogue)"
    )


def _add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Add encoder, loss and optimiser."""
    parser.add_argument("--steps", type=positive, default=5000, help="steps of the optimiser (default: %(default)s)")
    parser.add_argument(
        "--encoder", choices=ENCODERS, help="kind of encoder (default: tree; shared for another catalogue)"
    )
    parser.add_argument(
        "--loss", choices=LOSS_NAMES, default="supervised_contrastive", help="training objective (default: %(default)s)"
    )
    parser.add_argument(
        "--loss-option",
        type=parse_option,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="option of the loss, such as margin=0.3; may be repeated",
    )
    parser.add_argument("--devices", type=positive, default=1, help="GPUs that share each step (default: %(default)s)")
    parser.add_argument(
        "--checkpoint-minutes",
        type=minutes,
        default=2,
        help="minutes between checkpoints, lost at most if it is killed (default: %(default)s)",
    )
    parser.add_argument(
        "--tensorboard",
        type=folder_path,
        metavar="DIR",
        help="folder for TensorBoard event files with the training curves",
    )


def run(arguments: argparse.Namespace) -> int:
    request = TrainRequest(
        out=arguments.out,
        history=arguments.history,
        cells=arguments.cells,
        days=arguments.days,
        episodes=arguments.episodes,
        classes=arguments.classes,
        each=arguments.each,
        steps=arguments.steps,
        strict=arguments.strict,
        encoder=arguments.encoder,
        faults=arguments.faults,
        loss=arguments.loss,
        loss_options=dict(arguments.loss_option),
        devices=arguments.devices,
        checkpoint_minutes=arguments.checkpoint_minutes,
        tensorboard=arguments.tensorboard,
        seed=arguments.seed,
        signer=signing_key(arguments.sign),
        workers=arguments.workers,
    )
    from trainer.commands.bundle_report import print_bundle_document
    from trainer.console import progress_on_stderr
    from trainer.recipes.training import train

    with progress_on_stderr(arguments.json):
        train(request)
    if arguments.json:
        print_bundle_document(request.out)
    return 0
