"""Steps that the recipes share: folder of an unfinished training, baselines, training options, last lines."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import detector
from detector.bundle.format import Bundle
from detector.core.features import Baseline
from detector.terminal import print_line
from trainer.calibration.budget_interval import print_budget_interval
from trainer.console import timed_step
from trainer.data.baselines import fit_baseline
from trainer.data.cache import Origin, acquire, release
from trainer.data.history import History, ParquetHistory, SimulatedHistory
from trainer.recipes.request import TrainRequest
from trainer.training.learner import Hyperparameters
from trainer.training.loop import StepMetrics
from trainer.training.progress_bar import training_progress
from trainer.training.tensorboard import Curves

CHANCE = 1 / 6
"""Accuracy of a guess among the six classes of the one-shot figures."""


def origin(request: TrainRequest, faults: str) -> Origin:
    """Return what the simulated examples follow from. The checkpoint compares everything else."""
    names = ("cells", "days", "classes", "each", "seed", "strict")
    return {**{name: getattr(request, name) for name in names}, "faults": faults, "version": detector.__version__}


def training_path(out: Path) -> Path:
    """Return the path of the folder that a training of this bundle is continued from."""
    return out.with_name(f"{out.name}.training")


@contextmanager
def training_folder(request: TrainRequest, facts: Origin, bytes_needed: int = 0) -> Iterator[Path]:
    """Yield the folder of the unfinished training, new or to be continued; it is removed once the bundle is written.

    After a failure it stays for the next attempt. Raises OutputError, TrainingError.
    """
    folder, is_finished = training_path(request.out), False
    if acquire(folder, facts, bytes_needed):
        print_line(f"{folder}: continues an unfinished training")
    try:
        yield folder
        is_finished = True
    finally:
        release(folder, is_finished=is_finished)


def timed_baseline(history: SimulatedHistory | ParquetHistory, days: int) -> Baseline:
    """Fit the baselines of a network, and print how long it took."""
    if isinstance(history, ParquetHistory):
        with timed_step(f"baselines of {len(history.cells)} cells"):
            return fit_baseline(history, days, history.rows_at_once)
    with timed_step(f"baselines of {len(history.cells)} simulated cells"):
        return fit_baseline(history, days)


def hyperparameters(request: TrainRequest) -> Hyperparameters:
    return Hyperparameters(
        steps=request.steps,
        seed=request.seed,
        loss=request.loss,
        loss_options=dict(request.loss_options),
        devices=request.devices,
    )


@contextmanager
def training_observer(request: TrainRequest) -> Iterator[Callable[[StepMetrics], None]]:
    """Show the progress of a training on the terminal, and in TensorBoard's files if they are asked for."""
    curves = Curves(request.tensorboard) if request.tensorboard else None
    with training_progress(f"encoder, {request.steps} steps", request.steps) as bar:

        def observe(step: StepMetrics) -> None:
            bar(step)
            if curves is not None:
                curves.record(step)

        yield observe
    if curves is not None:
        curves.close()


def print_moved_link(out: Path) -> None:
    """Print which bundle a link points at, if the output is one: running instances take it over."""
    if out.is_symlink():
        print_line(f"{out}: points at {out.resolve().name} from now on; the bundle before it stays")


def print_bundle(out: Path, bundle: Bundle, history: History) -> None:
    """Print the figures of a bundle and the precision of its false-alarm budget."""
    for name, value in bundle.manifest.figures.items():
        print_line(f"  {name:<50} {value:.3f}  (chance {CHANCE:.3f})")
    print_line(f"{out}: {len(bundle.catalogue)} features, {len(bundle.baseline.cells)} cells")
    print_moved_link(out)
    cell_days = float(bundle.manifest.trained_on["reported_cell_days"])
    print_budget_interval(len(bundle.normal.ends), cell_days, history.span[1] - history.span[0])
