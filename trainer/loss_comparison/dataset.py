"""Dataset of the comparison: simulated once, load_or_simulate beside the report, the same for every loss.

Each class belongs to one split. Training classes are learned, validation classes choose weights and cut-offs, and the
figures are measured on unseen classes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import detector
from detector.core.features import Catalogue
from trainer.data.baselines import fit_baseline
from trainer.data.cache import acquire, load_or_simulate
from trainer.data.examples import Examples, simulate_examples, without_smoothing
from trainer.data.history import START_MINUTE, SimulatedHistory
from trainer.simulator import FAULTS, OPERATOR_A, Network

UNSEEN_BASE = (
    "ul_interference",
    "tx_branch_loss",
    "backhaul_congestion",
    "ho_pingpong",
    "signalling_storm",
    "voice_ims_failure",
)
"""Base classes excluded from training: six, as a one-shot round needs, each from another part of the network."""

FIRST_CLASS, FIRST_NETWORK = 40_000_000, 41_000
"""First numbers of procedural classes and networks: far from all that bundles are trained on or measured with."""

BASE_WINDOWS = 40
"""Additional windows of each training base class: these classes are in every batch."""

VALIDATION_CLASSES, UNSEEN_CLASSES, CLASS_WINDOWS = 60, 60, 12
"""Procedural classes of two splits, and windows of each: enough for an interval of some .03 over classes."""

MANY_SHOT_CLASSES, MANY_SHOT_WINDOWS = 10, 65
"""Procedural classes beside the six unseen base classes, and windows of each of the sixteen: fifty examples, the rest
queries."""

TOY_FAULTS = ("sleeping_cell_rach", "userplane_failure")
"""Faults of the toy training, from the training base classes and of unlike causes; its third class is normal."""

TOY_WINDOWS = 200
"""Windows of each of these faults."""


@dataclass(frozen=True)
class DatasetSize:
    """Size of the dataset, as given on the command line."""

    classes: int = 1500
    """Procedural training classes."""
    each: int = 4
    """Windows per procedural training class."""
    cells: int = 300
    days: int = 7


@dataclass(frozen=True)
class ComparisonDataset:
    """Splits of the dataset, with the catalogue of their windows."""

    train: Examples
    base_classes: int
    """Number of base classes in `train`: the class numbers below it."""
    validation: Examples
    unseen: Examples
    """Windows of unseen procedural classes."""
    many_shot: Examples
    """Many windows of the unseen base classes, numbered first, and of procedural classes."""
    toy: Examples
    """Windows of the two faults of the toy training; their twins are its normal class."""
    catalogue: Catalogue


@dataclass(frozen=True, kw_only=True)
class _Split:
    """Classes and windows of one split, and its name in the cache."""

    name: str
    base_names: Sequence[str] = ()
    procedural: int
    windows: int
    """Windows of each class."""
    seed: int
    base_repeats: int = 0
    """Further times that each base class is simulated."""


def simulate_dataset(
    size: DatasetSize, folder: Path, workers: int, step: Callable[[str], AbstractContextManager[None]]
) -> ComparisonDataset:
    """Return the dataset; simulate the splits that the folder does not contain.

    `step` is a context manager that shows the progress of a named step. Raises TrainingError if the folder contains
    examples of another size or version.
    """
    acquire(folder, {**asdict(size), "version": detector.__version__})
    network = Network(size.cells, FIRST_NETWORK, without_smoothing(OPERATOR_A))
    history = SimulatedHistory(network, (START_MINUTE, START_MINUTE + size.days * 1440))
    with step(f"baselines of {size.cells} simulated cells"):
        baseline = fit_baseline(history, size.days)
    train_names = [name for name, fault in FAULTS.items() if not fault.held_out and name not in UNSEEN_BASE]
    procedural = size.classes + VALIDATION_CLASSES + UNSEEN_CLASSES + MANY_SHOT_CLASSES
    numbers = iter(range(FIRST_CLASS, FIRST_CLASS + procedural))
    examples: dict[str, Examples] = {}
    for split in _splits(size, train_names):
        classes = _classes(split, numbers)
        repeated = [*classes, *list(split.base_names) * split.base_repeats]
        with step(f"{split.name}: {len(classes)} fault classes, {split.windows} windows each"):
            simulate = partial(
                simulate_examples,
                history,
                baseline,
                repeated,
                each=split.windows,
                seed=split.seed,
                workers=workers,
            )
            examples[split.name] = load_or_simulate(folder, split.name, simulate)
    return ComparisonDataset(
        train=examples["learned"],
        base_classes=len(train_names),
        validation=examples["watched"],
        unseen=examples["unseen"],
        many_shot=examples["crowd"],
        toy=examples["three"],
        catalogue=history.catalogue,
    )


def _splits(size: DatasetSize, train_names: Sequence[str]) -> list[_Split]:
    """Return the splits in the order in which they take their procedural classes; names are those of the cache."""
    return [
        _Split(
            name="learned",
            base_names=train_names,
            procedural=size.classes,
            windows=size.each,
            seed=0,
            base_repeats=BASE_WINDOWS // size.each,
        ),
        _Split(name="watched", procedural=VALIDATION_CLASSES, windows=CLASS_WINDOWS, seed=1),
        _Split(name="unseen", procedural=UNSEEN_CLASSES, windows=CLASS_WINDOWS, seed=2),
        _Split(
            name="crowd",
            base_names=UNSEEN_BASE,
            procedural=MANY_SHOT_CLASSES,
            windows=MANY_SHOT_WINDOWS,
            seed=3,
        ),
        _Split(name="three", base_names=TOY_FAULTS, procedural=0, windows=TOY_WINDOWS, seed=4),
    ]


def _classes(split: _Split, numbers: Iterator[int]) -> list[str | int]:
    return [*split.base_names, *(next(numbers) for _ in range(split.procedural))]
