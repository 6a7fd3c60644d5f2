"""`faultline-trainer train`: a bundle from a simulated network: baselines, procedural classes, encoder, calibration.

It may be killed: the same command goes on from what lies in OUT.training, and ends with the same bundle.
A network of any other catalogue learns from synthetic faults in its own normal life, or takes what is shipped.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from detector.core.networks.registry import NETWORKS
from trainer.commands.arguments import minutes, positive
from trainer.losses.options import parse_option
from trainer.losses.registry import LOSSES
from trainer.recipes.request import FAULTS, _faults
from trainer.recipes.simulated import _run_procedural
from trainer.recipes.unlabelled import _run_synthetic

if TYPE_CHECKING:
    pass

HELP = "train an encoder on procedural faults and write a bundle"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="the bundle's directory")
    parser.add_argument("--history", type=Path, help="the network to be watched (default: a simulated one)")
    parser.add_argument("--cells", type=positive, default=300, help="of the simulated network (default: %(default)s)")
    parser.add_argument(
        "--days", type=positive, default=7, help="of history a baseline is fitted to (default: %(default)s)"
    )
    parser.add_argument("--episodes", type=Path, help="an episodes.csv of --history: its classes are learned, too")
    parser.add_argument("--classes", type=positive, default=4000, help="to be made up (default: %(default)s)")
    parser.add_argument("--each", type=positive, default=4, help="windows of each such class (default: %(default)s)")
    parser.add_argument("--steps", type=positive, default=5000, help="of the optimiser (default: %(default)s)")
    parser.add_argument(
        "--strict",
        action="store_true",
        help="never move what the held-out classes are known by: to measure, not to use",
    )
    parser.add_argument("--encoder", choices=NETWORKS, help="its kind (default: tree; for another catalogue shared)")
    parser.add_argument("--faults", choices=FAULTS, help="to learn from (default: procedural, if the catalogue is its)")
    parser.add_argument("--loss", choices=LOSSES, default="supervised_contrastive", help="default: %(default)s")
    parser.add_argument(
        "--loss-option",
        type=parse_option,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of that loss: margin=0.3",
    )
    parser.add_argument("--devices", type=positive, default=1, help="GPUs that share each step (default: %(default)s)")
    parser.add_argument(
        "--checkpoint-minutes", type=minutes, default=2, help="lost at most where it is killed (default: %(default)s)"
    )
    parser.add_argument("--tensorboard", type=Path, metavar="DIR", help="for event files with the training's curves")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=positive, default=2, help="processes that simulate (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    from trainer.data.history import START_MINUTE, ParquetHistory, SimulatedHistory
    from trainer.losses.registry import choose_loss
    from trainer.simulator import Network

    choose_loss(arguments.loss, dict(arguments.loss_option))  # minutes before it is needed, as all that can be refused
    span = (START_MINUTE, START_MINUTE + int(arguments.days * 1440))
    school = SimulatedHistory(Network(arguments.cells, seed=1000 + arguments.seed), span)
    given = ParquetHistory(arguments.history) if arguments.history else None
    known = given is None or given.catalogue.digest == school.catalogue.digest
    if _faults(arguments, known) == "synthetic":
        return _run_synthetic(arguments, school, given)
    return _run_procedural(arguments, school, given)
