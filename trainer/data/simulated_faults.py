"""Simulated windows to learn from: procedural classes and those that have a name, at home and at other operators."""

from dataclasses import dataclass
from pathlib import Path

from detector.core.features import Baseline
from trainer.console import timed_step
from trainer.data.baselines import fit_baseline
from trainer.data.cache import Origin, cached
from trainer.data.examples import Examples, joined, simulate_examples, unsmoothed
from trainer.data.history import SimulatedHistory
from trainer.simulator import FAULTS, Network, random_operator

ABROAD, ABROAD_CELLS = 6, 60
"""Operators drawn at random, and cells of each: one window of every class is learned in each of their networks."""

EXAM, WATCHED, EXAM_EACH = 120, 60, 12
"""Classes that are not learned, and windows of each: the bundle's figures are of the first, the choice among weights is
by the others, for what was chosen by a figure no longer measures it."""

NAMED_HOME, NAMED_ABROAD = 160, 20
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
        return {"operators": f"{ABROAD} of {ABROAD_CELLS} cells", "named": " ".join(named())}


@dataclass(frozen=True)
class Simulated:
    """What became of it."""

    examples: Examples
    """To learn from: the named classes first, by their place, then the procedural ones."""
    exam: Examples
    watched: Examples


def named() -> list[str]:
    """The fault classes that have a name and may be learned."""
    return [name for name, fault in FAULTS.items() if not fault.held_out]


def simulate(course: SimulationPlan, home: SimulatedHistory, usual: Baseline, folder: Path) -> Simulated:
    """What an earlier training left in the folder is not simulated again. Raises TrainingError where it is damaged."""
    first, seed = course.procedural.stop, course.seed
    unseen, watched = range(first, first + EXAM), range(first + EXAM, first + EXAM + WATCHED)
    classes = [*named(), *course.procedural]

    def made(name: str, history: SimulatedHistory, asked: list[str | int], each: int, place: int) -> Examples:
        def make() -> Examples:
            fit = usual if history is home else fit_baseline(history, course.days)
            return simulate_examples(history, fit, asked, each, seed + place, course.workers, course.strict)

        return cached(folder, name, make)

    with timed_step(f"{len(classes)} fault classes, {course.each} windows each at home"):
        at_home = [*classes, *named() * (NAMED_HOME // course.each)]
        parts = [made("home", home, at_home, course.each, 0)]
        exam = made("exam", home, list(unseen), EXAM_EACH, 1)
        watch = made("watched", home, list(watched), EXAM_EACH, ABROAD + 2)
    with timed_step(f"one more each at {ABROAD} other operators, {ABROAD_CELLS} cells each"):
        abroad = [*classes, *named() * NAMED_ABROAD]
        for place, history in enumerate(_others(home, seed)):
            parts.append(made(f"abroad-{place}", history, abroad, 1, 2 + place))
    return Simulated(joined(parts), exam, watch)


def _others(home: SimulatedHistory, seed: int) -> list[SimulatedHistory]:
    """Networks of operators drawn at random, over the same days."""
    return [
        SimulatedHistory(
            Network(ABROAD_CELLS, 2000 + number, unsmoothed(random_operator(number))), home.span, whole=True
        )
        for number in range(ABROAD * seed, ABROAD * (seed + 1))
    ]
