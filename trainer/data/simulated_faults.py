"""Simulated examples: procedural and named fault classes, at the home operator and at random other operators."""

from dataclasses import dataclass
from pathlib import Path

from detector.core.features import Baseline
from trainer.console import timed_step
from trainer.data.baselines import fit_baseline
from trainer.data.cache import Origin, load_or_simulate
from trainer.data.examples import Examples, join_networks, simulate_examples, without_smoothing
from trainer.data.history import SimulatedHistory
from trainer.simulator import FAULTS, Network, random_operator

OTHER_OPERATORS, OTHER_OPERATOR_CELLS = 6, 60
"""Number of random operators, and cells of each. The training set has one window of every class in each network."""

TEST_CLASSES, VALIDATION_CLASSES, HELD_OUT_WINDOWS = 120, 60, 12
"""Classes that are not in the training set, and windows of each. The bundle's figures come from the test classes. The
validation classes select the weights; a figure on the classes of the selection would be biased."""

NAMED_WINDOWS, NAMED_WINDOWS_ELSEWHERE = 160, 20
"""Further windows of each named class: these classes are in every batch and must be recognised at any hour and
severity. With 600 and 60, the score of thirteen classes that include the look-alikes was .57 instead of .53."""


@dataclass(frozen=True, kw_only=True)
class SimulationPlan:
    """Amounts of simulated examples that a training asks for."""

    classes: int
    """Procedural classes."""
    each: int
    """Windows of each procedural class at the home operator."""
    days: float
    """Days of history that baselines are fitted to."""
    seed: int
    workers: int
    """Number of simulating processes."""
    strict: bool
    """True: procedural classes never move the features that identify a held-out class."""

    @property
    def procedural(self) -> range:
        """Numbers of the procedural classes: every seed has its own range of a million."""
        return range(self.seed * 1_000_000, self.seed * 1_000_000 + self.classes)

    @property
    def windows(self) -> int:
        """Windows of the procedural classes, which are nearly all; each is stored with its twin."""
        return self.classes * (self.each + OTHER_OPERATORS)

    @property
    def origin(self) -> Origin:
        """Values, beside the arguments, that determine the examples."""
        return {
            "operators": f"{OTHER_OPERATORS} of {OTHER_OPERATOR_CELLS} cells",
            "named": " ".join(named_classes()),
        }


@dataclass(frozen=True, kw_only=True)
class SimulatedExamples:
    """Examples of one plan, for training, validation and test."""

    training: Examples
    """Named classes first, numbered by their position, then the procedural classes."""
    validation: Examples
    test: Examples


def named_classes() -> list[str]:
    """Return the simulator's fault classes that may be learned."""
    return [name for name, fault in FAULTS.items() if not fault.held_out]


def simulate(plan: SimulationPlan, home: SimulatedHistory, baseline: Baseline, folder: Path) -> SimulatedExamples:
    """Simulate the plan's examples; examples that the folder already contains are read instead.

    `baseline` is the home operator's. Raises TrainingError if the folder's examples are damaged.
    """
    first, seed = plan.procedural.stop, plan.seed
    test_classes = range(first, first + TEST_CLASSES)
    validation_classes = range(test_classes.stop, test_classes.stop + VALIDATION_CLASSES)
    classes = [*named_classes(), *plan.procedural]

    def load(name: str, history: SimulatedHistory, listed: list[str | int], each: int, stream: int) -> Examples:
        def make() -> Examples:
            fit = baseline if history is home else fit_baseline(history, plan.days)
            return simulate_examples(
                history, fit, listed, each=each, seed=seed + stream, workers=plan.workers, strict=plan.strict
            )

        return load_or_simulate(folder, name, make)

    with timed_step(f"{len(classes)} fault classes, {plan.each} windows each at the home operator"):
        at_home = [*classes, *named_classes() * (NAMED_WINDOWS // plan.each)]
        parts = [load("home", home, at_home, plan.each, 0)]
        test = load("exam", home, list(test_classes), HELD_OUT_WINDOWS, 1)
        validation = load("watched", home, list(validation_classes), HELD_OUT_WINDOWS, OTHER_OPERATORS + 2)
    with timed_step(f"one window more of each at {OTHER_OPERATORS} other operators, {OTHER_OPERATOR_CELLS} cells each"):
        elsewhere = [*classes, *named_classes() * NAMED_WINDOWS_ELSEWHERE]
        for number, history in enumerate(_other_operators(home, seed)):
            parts.append(load(f"abroad-{number}", history, elsewhere, 1, 2 + number))
    return SimulatedExamples(training=join_networks(parts), validation=validation, test=test)


def _other_operators(home: SimulatedHistory, seed: int) -> list[SimulatedHistory]:
    """Return networks of operators drawn at random, over the home network's days."""
    return [
        SimulatedHistory(
            Network(OTHER_OPERATOR_CELLS, 2000 + number, without_smoothing(random_operator(number))),
            home.span,
            whole=True,
        )
        for number in range(OTHER_OPERATORS * seed, OTHER_OPERATORS * (seed + 1))
    ]
