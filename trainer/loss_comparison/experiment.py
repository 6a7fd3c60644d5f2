"""How many steps a number of minutes allows, alike for every loss; and when they are over."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from time import monotonic

import numpy as np

from detector.core.networks.registry import spec_of
from trainer.calibration.whitening import Normality
from trainer.console import console, timed_step
from trainer.data.sampler import ClassBalancedSampler
from trainer.errors import TrainingError
from trainer.loss_comparison.dataset import ComparisonDataset
from trainer.loss_comparison.toy_3d import STEPS, ToyRun, ToyTraining, teach
from trainer.loss_comparison.training_run import Embedded, TrainingRun, schedule_of, train, untrained
from trainer.loss_comparison.variants import Variant
from trainer.training.learner import Learner
from trainer.training.progress_bar import training_progress

PROBE = 20
"""Steps by which the pace is taken, after the first, which compiles."""

SHARE = 0.7
"""Of the minutes, planned with: examinations are dearer than a step, and a machine is not always as fast."""

FEWEST = 100
"""Steps below which no loss has shown anything: the warm-up's length."""


class Budget:
    """Minutes that begin now; None never ends."""

    def __init__(self, minutes: float | None) -> None:
        self.minutes, self._begin = minutes, monotonic()

    def is_over(self) -> bool:
        return self.minutes is not None and monotonic() - self._begin > 60 * self.minutes

    def steps(self, asked: int, runs: Sequence[Variant], material: ComparisonDataset) -> int:
        """As many as asked for, or as there is time for in every run. Raises TrainingError where that is too few."""
        if self.minutes is None:
            return asked
        paces = {encoder: _pace(encoder, material) for encoder in dict.fromkeys(run.encoder for run in runs)}
        begin = sum(paces[run.encoder][0] for run in runs)
        each = sum(paces[run.encoder][1] for run in runs)
        allowed = int((60 * self.minutes * SHARE - begin) / each)
        fewest = min(FEWEST, asked)
        if allowed < fewest:
            raise TrainingError(
                f"--budget-minutes {self.minutes:g} allow {max(allowed, 0)} steps for each of {len(runs)} trainings,"
                f" and less than {fewest} show nothing; give more minutes, or fewer losses, encoders or seeds."
            )
        return min(allowed, asked)


def _pace(encoder: str, material: ComparisonDataset) -> tuple[float, float]:
    """Seconds until a training's first step is done, and of every other."""
    contestant = Variant("supervised_contrastive", encoder=encoder)
    batches = ClassBalancedSampler(material.learned, material.base_classes, material.catalogue, 0)
    begin = monotonic()
    spec = spec_of(encoder, len(material.catalogue))
    learner = Learner(spec, schedule_of(contestant, 0, 1000), Normality.of(material.learned, spec))
    learner.learn(0, *batches.draw(0))
    first = monotonic()
    for step in range(1, PROBE + 1):
        learner.learn(step, *batches.draw(step))
    return first - begin, (monotonic() - first) / PROBE


STANDARD, LOSSLESS = Variant("triplet", (("mining", "random"),)), Variant("lossless_triplet")
"""Of the animation: both take any triplet, so that nothing but the cost differs."""


@dataclass(frozen=True)
class ExperimentResult:
    material: ComparisonDataset
    asked_steps: int
    steps: int
    budget_minutes: float | None
    seeds: Sequence[int]
    trainings: dict[Variant, list[TrainingRun]]
    """In the order of the seeds."""
    untrained: Embedded
    """The unseen windows by the first weights of the first encoder and seed."""
    lessons: dict[Variant, ToyRun]
    """On the first encoder; the animation's two among them."""


def run_experiment(
    runners: Sequence[Variant], seeds: Sequence[int], material: ComparisonDataset, asked: int, minutes: float | None
) -> ExperimentResult:
    """Raises TrainingError where the material or the minutes are too little for any training."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # it warns of every network after the fifth that it is traced anew
    ClassBalancedSampler(material.learned, material.base_classes, material.catalogue, seeds[0])
    budget = Budget(minutes)
    with timed_step("how long a step takes") if minutes is not None else nullcontext():
        steps = budget.steps(asked, list(runners) * len(seeds), material)
    trainings: dict[Variant, list[TrainingRun]] = {runner: [] for runner in runners}
    for seed in seeds:
        for runner in runners:
            trainings[runner].append(_trained(runner, seed, material, steps, budget))
    begin = untrained(runners[0].encoder, seeds[0], material)
    lessons = _lessons(runners, material, seeds[0], steps)
    return ExperimentResult(material, asked, steps, minutes, seeds, trainings, begin, lessons)


def _trained(runner: Variant, seed: int, material: ComparisonDataset, steps: int, budget: Budget) -> TrainingRun:
    if budget.is_over():
        return TrainingRun(runner, seed, "not trained", f"the {budget.minutes:g} minutes were over")
    with training_progress(f"{runner.name} on {runner.encoder}, seed {seed}", steps) as bar:
        training = train(runner, seed, material, steps, bar)
    if training.state != "trained":
        console.print(f"  {training.state}: {training.reason}", markup=False)
    return training


def _lessons(runners: Sequence[Variant], material: ComparisonDataset, seed: int, steps: int) -> dict[Variant, ToyRun]:
    pupils = dict.fromkeys([*(one for one in runners if one.encoder == runners[0].encoder), STANDARD, LOSSLESS])
    classroom = ToyTraining.of(material.three, np.random.default_rng([seed, 12]))
    lessons = {}
    for pupil in pupils:
        with timed_step(f"three classes, three dimensions: {pupil.name}"):
            lessons[pupil] = teach(pupil, material, classroom, min(STEPS, steps), seed)
    return lessons
