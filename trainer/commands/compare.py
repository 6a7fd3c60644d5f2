"""`faultline-trainer compare`: every loss on the same windows and seeds, told on one page of HTML.

The page stands alone; compare.json holds the same figures. What is simulated is kept in OUT/examples for the next time.
"""

import argparse
from pathlib import Path

from trainer.commands.arguments import minutes, positive
from trainer.losses.registry import LOSSES

HELP = "train with every loss on the same windows, and write one page about them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for compare.html, compare.json and the examples"
    )
    parser.add_argument(
        "--losses",
        type=_names,
        default=list(LOSSES),
        help="NAME or NAME:OPTION=VALUE, with commas between (default: all, triplet and similarity in every way)",
    )
    parser.add_argument("--encoders", type=_names, default=["tree"], help="with commas between (default: tree)")
    parser.add_argument("--steps", type=positive, default=1500, help="of each training (default: %(default)s)")
    parser.add_argument("--classes", type=positive, default=1500, help="procedural classes (default: %(default)s)")
    parser.add_argument("--each", type=positive, default=4, help="windows per procedural class (default: %(default)s)")
    parser.add_argument("--cells", type=positive, default=300, help="of the simulated network (default: %(default)s)")
    parser.add_argument("--seeds", type=_seeds, default=[0], help="with commas between (default: 0)")
    parser.add_argument("--budget-minutes", type=minutes, help="for all trainings together: fewer steps, if need be")
    parser.add_argument("--workers", type=positive, default=2, help="processes that simulate (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    from detector.core.encoder import device
    from detector.native_stderr import silence_native_stderr
    from trainer.console import console, timed_step
    from trainer.loss_comparison.dataset import DatasetSize, simulate_dataset
    from trainer.loss_comparison.experiment import run_experiment
    from trainer.loss_comparison.report.writer import write_report
    from trainer.loss_comparison.variants import parse_variants

    variants = parse_variants(arguments.losses, arguments.encoders)
    size = DatasetSize(arguments.classes, arguments.each, arguments.cells)
    dataset = simulate_dataset(size, arguments.out / "examples", arguments.workers, timed_step)
    with silence_native_stderr():
        device()
    result = run_experiment(variants, arguments.seeds, dataset, arguments.steps, arguments.budget_minutes)
    report = write_report(result, arguments.cells, arguments.out)
    for row in report.rows:
        figure = f"{row.unseen.share:.3f} ± {row.unseen.half:.3f}" if row.unseen else f"{row.state}: {row.reason}"
        console.print(f"  {row.name:<32} {row.encoder:<12} {figure}", markup=False)
    console.print(f"{arguments.out / 'compare.html'}: {len(report.rows)} rows; {report.gap}", markup=False)
    return 0


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("names nothing")
    return names


def _seeds(text: str) -> list[int]:
    try:
        seeds = [int(part) for part in text.split(",")]
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise argparse.ArgumentTypeError(f"{text} is not a list of different whole numbers from 0 on, as in 0,1,2")
    return seeds
