"""What is learned from and asked for: simulated once, kept beside the page, the same for every loss.

Three kinds of class, and no class is of two: learned ones, watched ones, by which weights and cut-offs are chosen, and
unseen ones, of which the figures are.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from detector.core.features import Catalogue
from trainer.data.examples import Examples

UNSEEN_BASE = (
    "ul_interference",
    "tx_branch_loss",
    "backhaul_congestion",
    "ho_pingpong",
    "signalling_storm",
    "voice_ims_failure",
)
"""Base classes that are not learned here: six, as an examination needs, each of another part of the network."""

FIRST_CLASS, FIRST_NETWORK = 40_000_000, 41_000
"""Of procedural classes and networks: far from any that a bundle is trained on or measured by."""

BASE_EACH = 40
"""Windows of each learned base class, beside those that every class has: they come in every batch."""

WATCHED, UNSEEN, TWELVE = 60, 60, 12
"""Procedural classes, and windows of each: enough for an interval of some .03 over classes."""

CROWD, CROWD_EACH = 10, 65
"""Procedural classes beside the six unseen base ones, and windows of each of the sixteen: fifty as examples, the rest
to be asked for."""

THREE = ("sleeping_cell_rach", "userplane_failure")
"""Faults of the lesson of three classes; the third is normal life. Learned base classes of unlike causes."""

THREE_EACH = 200


@dataclass(frozen=True)
class Amounts:
    """Of what a person may choose."""

    classes: int = 1500
    each: int = 4
    cells: int = 300
    days: int = 7


@dataclass(frozen=True)
class ComparisonDataset:
    learned: Examples
    base_classes: int
    """Class numbers below it are base classes."""
    watched: Examples
    unseen: Examples
    """Procedural classes."""
    crowd: Examples
    """The unseen base classes, numbered first, and procedural ones, many windows of each."""
    three: Examples
    """The two faults of the lesson; their twins are its normal life."""
    catalogue: Catalogue


def simulate(
    amounts: Amounts, folder: Path, workers: int, step: Callable[[str], AbstractContextManager[None]]
) -> ComparisonDataset:
    """Simulates what is not kept in the folder. Raises TrainingError where other material lies there."""
    import detector
    from trainer.data.baselines import fit_baseline
    from trainer.data.cache import acquire, load_or_simulate
    from trainer.data.examples import simulate_examples, without_smoothing
    from trainer.data.history import START_MINUTE, SimulatedHistory
    from trainer.simulator import FAULTS, OPERATOR_A, Network

    acquire(folder, {**asdict(amounts), "version": detector.__version__})
    network = Network(amounts.cells, FIRST_NETWORK, without_smoothing(OPERATOR_A))
    history = SimulatedHistory(network, (START_MINUTE, START_MINUTE + amounts.days * 1440))
    with step(f"baselines of {amounts.cells} simulated cells"):
        usual = fit_baseline(history, amounts.days)
    base = [name for name, fault in FAULTS.items() if not fault.held_out and name not in UNSEEN_BASE]
    numbers = iter(range(FIRST_CLASS, FIRST_CLASS + amounts.classes + WATCHED + UNSEEN + CROWD))

    def make(name: str, named: Sequence[str], procedural: int, each: int, seed: int, again: int = 0) -> Examples:
        classes: list[str | int] = [*named, *(next(numbers) for _ in range(procedural))]
        listed = [*classes, *list(named) * again]
        with step(f"{name}: {len(classes)} fault classes, {each} windows each"):
            return load_or_simulate(
                folder, name, lambda: simulate_examples(history, usual, listed, each=each, seed=seed, workers=workers)
            )

    return ComparisonDataset(
        make("learned", base, amounts.classes, amounts.each, 0, BASE_EACH // amounts.each),
        len(base),
        make("watched", (), WATCHED, TWELVE, 1),
        make("unseen", (), UNSEEN, TWELVE, 2),
        make("crowd", UNSEEN_BASE, CROWD, CROWD_EACH, 3),
        make("three", THREE, 0, THREE_EACH, 4),
        history.catalogue,
    )
