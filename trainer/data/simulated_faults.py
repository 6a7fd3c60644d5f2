"""Simulated windows to learn from: procedural classes and those that have a name, at home and at other operators."""

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
"""Operators drawn at random, and cells of each: one window of every class is learned in each of their networks."""

TEST_CLASSES, VALIDATION_CLASSES, HELD_OUT_WINDOWS = 120, 60, 12
"""Classes that are not learned, and windows of each: the bundle's figures are of the first, the choice among weights is
by the others, for what was chosen by a figure no longer measures it."""

NAMED_WINDOWS, NAMED_WINDOWS_ELSEWHERE = 160, 20
"""Windows of each named class, beside those that every class has: they come in every batch, and are to be known at any
hour and severity. With 600 and 60, thirteen classes with the look-alikes among them came out at .57 instead of .53."""


@dataclass(frozen=True)
class SimulationPlan:
    """What is asked for."""

    classes: int
    each: int
    """Procedural classes to be made up, and windows of each at home."""
    days: float
    """Of history that baselines are fitted to."""
    seed: int
    workers: int
    """Processes that simulate."""
    strict: bool
    """Never move what the held-out classes are known by."""

    @property
    def procedural(self) -> range:
        """Their numbers: every seed has its own million."""
        return range(self.seed * 1_000_000, self.seed * 1_000_000 + self.classes)

    @property
    def origin(self) -> Origin:
        """What the examples follow from, beside the network at home."""
        return {"operators": f"{OTHER_OPERATORS} of {OTHER_OPERATOR_CELLS} cells", "named": " ".join(named_classes())}


@dataclass(frozen=True)
class SimulatedExamples:
    """What became of it."""

    examples: Examples
    """To learn from: the named classes first, by their place, then the procedural ones."""
    exam: Examples
    watched: Examples


def named_classes() -> list[str]:
    """The fault classes that have a name and may be learned."""
    return [name for name, fault in FAULTS.items() if not fault.held_out]


def simulate(course: SimulationPlan, home: SimulatedHistory, usual: Baseline, folder: Path) -> SimulatedExamples:
    """What an earlier training left in the folder is not simulated again. Raises TrainingError where it is damaged."""
    first, seed = course.procedural.stop, course.seed
    unseen, watched = (
        range(first, first + TEST_CLASSES),
        range(first + TEST_CLASSES, first + TEST_CLASSES + VALIDATION_CLASSES),
    )
    classes = [*named_classes(), *course.procedural]

    def made(name: str, history: SimulatedHistory, asked: list[str | int], each: int, place: int) -> Examples:
        def make() -> Examples:
            fit = usual if history is home else fit_baseline(history, course.days)
            return simulate_examples(history, fit, asked, each, seed + place, course.workers, course.strict)

        return load_or_simulate(folder, name, make)

    with timed_step(f"{len(classes)} fault classes, {course.each} windows each at home"):
        at_home = [*classes, *named_classes() * (NAMED_WINDOWS // course.each)]
        parts = [made("home", home, at_home, course.each, 0)]
        exam = made("exam", home, list(unseen), HELD_OUT_WINDOWS, 1)
        watch = made("watched", home, list(watched), HELD_OUT_WINDOWS, OTHER_OPERATORS + 2)
    with timed_step(f"one more each at {OTHER_OPERATORS} other operators, {OTHER_OPERATOR_CELLS} cells each"):
        abroad = [*classes, *named_classes() * NAMED_WINDOWS_ELSEWHERE]
        for place, history in enumerate(_others(home, seed)):
            parts.append(made(f"abroad-{place}", history, abroad, 1, 2 + place))
    return SimulatedExamples(join_networks(parts), exam, watch)


def _others(home: SimulatedHistory, seed: int) -> list[SimulatedHistory]:
    """Networks of operators drawn at random, over the same days."""
    return [
        SimulatedHistory(
            Network(OTHER_OPERATOR_CELLS, 2000 + number, without_smoothing(random_operator(number))),
            home.span,
            whole=True,
        )
        for number in range(OTHER_OPERATORS * seed, OTHER_OPERATORS * (seed + 1))
    ]
