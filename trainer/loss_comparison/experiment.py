"""Experiment: every variant with every seed, with the same number of steps in a time budget."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from time import monotonic

import numpy as np

from detector.core.networks.registry import spec_of
from detector.terminal import print_line
from trainer.calibration.whitening import Normality
from trainer.console import timed_step
from trainer.data.sampler import ClassBalancedSampler
from trainer.errors import TrainingError
from trainer.loss_comparison.dataset import ComparisonDataset
from trainer.loss_comparison.toy_3d import STEPS, ToyRun, ToyTraining, train_toy
from trainer.loss_comparison.training_run import (
    TrainingRun,
    WindowEmbeddings,
    embed_untrained,
    hyperparameters_of,
    train_variant,
)
from trainer.loss_comparison.variants import Variant
from trainer.training.learner import Learner
from trainer.training.progress_bar import training_progress

PROBE_STEPS = 20
"""Steps that measure the pace, after the first one, which compiles."""

PLANNED_SHARE = 0.7
"""Share of the minutes that is planned: a validation run costs more than a step, and the pace varies."""

FEWEST_STEPS = 100
"""Fewest useful steps: the length of the warm-up."""


class TimeBudget:
    """Time budget that begins at construction; None is unlimited."""

    def __init__(self, minutes: float | None) -> None:
        self.minutes, self._begin = minutes, monotonic()

    def is_over(self) -> bool:
        """Return whether the minutes are over."""
        return self.minutes is not None and monotonic() - self._begin > 60 * self.minutes

    def steps(self, requested: int, runs: Sequence[Variant], dataset: ComparisonDataset) -> int:
        """Return the requested steps, or as many as fit into the budget. Raises TrainingError below FEWEST_STEPS."""
        if self.minutes is None:
            return requested
        paces = {encoder: _measure_pace(encoder, dataset) for encoder in dict.fromkeys(run.encoder for run in runs)}
        begin = sum(paces[run.encoder][0] for run in runs)
        seconds_per_step = sum(paces[run.encoder][1] for run in runs)
        allowed = int((60 * self.minutes * PLANNED_SHARE - begin) / seconds_per_step)
        fewest = min(FEWEST_STEPS, requested)
        if allowed < fewest:
            raise TrainingError(
                f"--budget-minutes {self.minutes:g} allows {max(allowed, 0)} steps for each of {len(runs)} trainings;"
                f" fewer than {fewest} are not enough; give more minutes, or fewer losses, encoders or seeds."
            )
        return min(allowed, requested)


def _measure_pace(encoder: str, dataset: ComparisonDataset) -> tuple[float, float]:
    """Return the seconds to the end of a training's first step, and of each further step."""
    variant = Variant("supervised_contrastive", encoder=encoder)
    batches = ClassBalancedSampler(dataset.train, dataset.base_classes, dataset.catalogue, 0)
    begin = monotonic()
    spec = spec_of(encoder, len(dataset.catalogue))
    learner = Learner(spec, hyperparameters_of(variant, 0, 1000), Normality.of(dataset.train, spec))
    learner.learn(0, *batches.draw(0))
    first_done = monotonic()
    for step in range(1, PROBE_STEPS + 1):
        learner.learn(step, *batches.draw(step))
    return first_done - begin, (monotonic() - first_done) / PROBE_STEPS


STANDARD, LOSSLESS = Variant("triplet", (("mining", "random"),)), Variant("lossless_triplet")
"""Variants of the animation: both use any triplet, so that they differ in the cost alone."""


@dataclass(frozen=True)
class ExperimentResult:
    """Trainings of all variants and seeds, with the settings of the experiment."""

    dataset: ComparisonDataset
    requested_steps: int
    steps: int
    """Steps of each training."""
    budget_minutes: float | None
    seeds: Sequence[int]
    trainings: dict[Variant, list[TrainingRun]]
    """Trainings in the order of the seeds."""
    untrained: WindowEmbeddings
    """Embeddings of the unseen windows with the initial weights of the first encoder and seed."""
    toy_runs: dict[Variant, ToyRun]
    """Toy trainings on the first encoder, among them the two of the animation."""


def run_experiment(
    variants: Sequence[Variant], seeds: Sequence[int], dataset: ComparisonDataset, requested: int, minutes: float | None
) -> ExperimentResult:
    """Train every variant with every seed.

    Raises TrainingError if the dataset or the minutes are too small.
    """
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # it warns about each network after the fifth that it is traced again
    ClassBalancedSampler(dataset.train, dataset.base_classes, dataset.catalogue, seeds[0])
    budget = TimeBudget(minutes)
    with timed_step("time of a step") if minutes is not None else nullcontext():
        steps = budget.steps(requested, list(variants) * len(seeds), dataset)
    trainings: dict[Variant, list[TrainingRun]] = {variant: [] for variant in variants}
    for seed in seeds:
        for variant in variants:
            trainings[variant].append(_train(variant, seed, dataset, steps, budget))
    return ExperimentResult(
        dataset=dataset,
        requested_steps=requested,
        steps=steps,
        budget_minutes=minutes,
        seeds=seeds,
        trainings=trainings,
        untrained=embed_untrained(variants[0].encoder, seeds[0], dataset),
        toy_runs=_train_toys(variants, dataset, seeds[0], steps),
    )


def _train(variant: Variant, seed: int, dataset: ComparisonDataset, steps: int, budget: TimeBudget) -> TrainingRun:
    if budget.is_over():
        return TrainingRun(
            variant, seed, "not trained", f"the {budget.minutes:g} minutes of --budget-minutes were over"
        )
    with training_progress(f"{variant.name} on {variant.encoder}, seed {seed}", steps) as progress:
        training = train_variant(variant, seed, dataset, steps, progress)
    if training.state != "trained":
        print_line(f"  {training.state}: {training.reason}")
    return training


def _train_toys(
    variants: Sequence[Variant], dataset: ComparisonDataset, seed: int, steps: int
) -> dict[Variant, ToyRun]:
    """Run the toy training for each variant on the first encoder, and for the two of the animation."""
    first_encoder = [variant for variant in variants if variant.encoder == variants[0].encoder]
    toy = ToyTraining.of(dataset.toy, np.random.default_rng([seed, 12]))
    runs = {}
    for variant in dict.fromkeys([*first_encoder, STANDARD, LOSSLESS]):
        with timed_step(f"three classes, three dimensions: {variant.name}"):
            runs[variant] = train_toy(variant, dataset, toy, min(STEPS, steps), seed)
    return runs
