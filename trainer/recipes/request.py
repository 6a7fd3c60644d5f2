"""Training request and what the recipes share."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trainer.console import console, timed_step
from trainer.training.progress_bar import training_progress

if TYPE_CHECKING:
    from detector.bundle.format import Bundle
    from detector.core.features import Baseline
    from trainer.data.history import History, ParquetHistory, SimulatedHistory
    from trainer.training.learner import Hyperparameters
    from trainer.training.loop import StepMetrics


FAULTS = ("procedural", "synthetic")
"""Simulated, or shapes injected into normal windows of whatever catalogue."""


def _origin(arguments: argparse.Namespace, faults: str) -> dict[str, str | int | float]:
    """What the simulated examples follow from; all else is the checkpoint's to compare."""
    import detector

    asked = {name: getattr(arguments, name) for name in ("cells", "days", "classes", "each", "seed", "strict")}
    return {**asked, "faults": faults, "version": detector.__version__}


@contextmanager
def _told(arguments: argparse.Namespace) -> "Iterator[Callable[[StepMetrics], None]]":
    """Whoever is to hear of the training's steps: the bar, and TensorBoard's files if asked for."""
    from trainer.training.tensorboard import Curves

    curves = Curves(arguments.tensorboard) if arguments.tensorboard else None
    with training_progress(f"encoder, {arguments.steps} steps", arguments.steps) as bar:

        def tell(moment: "StepMetrics") -> None:
            bar(moment)
            if curves is not None:
                curves.record(moment)

        yield tell
    if curves is not None:
        curves.close()


def _faults(arguments: argparse.Namespace, known: bool) -> str:
    """What there is to learn from. Raises HistoryError where it is not what was asked for."""
    from detector.history.parquet import HistoryError

    learned = arguments.faults or ("procedural" if known and arguments.encoder != "shared" else "synthetic")
    if learned == "synthetic" and arguments.episodes:
        raise HistoryError(
            f"--episodes {arguments.episodes}: is learned beside simulated faults alone, and here none are; leave it"
            " away, and teach its classes as labels."
        )
    if learned == "synthetic":
        return "synthetic"
    if not known:
        raise HistoryError(
            f"{arguments.history}/catalogue.yaml: has other features than the simulated network, so no fault in it can"
            " be simulated; leave --faults away, or say --faults synthetic."
        )
    if arguments.encoder == "shared":
        raise HistoryError("--encoder shared: learns from no faults, it is shipped; leave --faults away.")
    return "procedural"


def _usual(arguments: argparse.Namespace, history: "SimulatedHistory | ParquetHistory") -> "Baseline":
    from trainer.data.baselines import fit_baseline
    from trainer.data.history import ParquetHistory

    if isinstance(history, ParquetHistory):
        with timed_step(f"baselines of {len(history.cells)} cells"):
            return fit_baseline(history, arguments.days, history.rows_at_once)
    with timed_step(f"baselines of {len(history.cells)} simulated cells"):
        return fit_baseline(history, arguments.days)


def _schedule(arguments: argparse.Namespace) -> "Hyperparameters":
    from trainer.training.learner import Hyperparameters

    return Hyperparameters(
        steps=arguments.steps,
        seed=arguments.seed,
        loss=arguments.loss,
        loss_options=dict(arguments.loss_option),
        devices=arguments.devices,
    )


def _tell(arguments: argparse.Namespace, bundle: "Bundle", history: "History") -> None:
    from trainer.calibration.budget_interval import print_budget_interval

    for name, value in bundle.manifest.figures.items():
        console.print(f"  {name:<50} {value:.3f}  (chance {1 / 6:.3f})")
    console.print(f"{arguments.out}: {len(bundle.catalogue)} features, {len(bundle.baseline.cells)} cells")
    print_budget_interval(len(bundle.normal.ends), len(history.cells), history.span[1] - history.span[0])
