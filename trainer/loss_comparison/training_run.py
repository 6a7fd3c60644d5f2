"""Training of one variant with one seed: its course, and its encoder's embeddings of the evaluation windows.

A refused or collapsed loss is a result like any other, with its reason.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from detector.core.networks.registry import spec_of
from trainer.calibration.whitening import Normality
from trainer.data.examples import Examples
from trainer.errors import TrainingError
from trainer.loss_comparison.dataset import ComparisonDataset
from trainer.loss_comparison.variants import Variant
from trainer.losses.loss import LossError
from trainer.training.learner import Arrays, Hyperparameters, Learner
from trainer.training.loop import StepMetrics, TrainingHooks, train_encoder

CURVE_POINTS = 200
"""Points of a learning curve: more are not visible."""

VALIDATION_RUNS, VALIDATION_STEPS = 20, 15
"""Largest number of validation runs, and fewest steps between two: a validation run costs as much as ten steps."""


@dataclass
class Curve:
    """Learning curve: the loss every few steps, and the one-shot figure of each validation run."""

    step: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    """Smoothed loss at each of `step`."""
    exam_step: list[int] = field(default_factory=list)
    one_shot: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class WindowEmbeddings:
    """Embeddings of n windows, in both forms."""

    direction: NDArray[np.float32]
    """Direction as served, of unit length. # [n, D]"""
    embedding: NDArray[np.float32]
    """Embedding as the loss gets it. # [n, D]"""


@dataclass(frozen=True)
class TrainingRun:
    """Result of one training."""

    variant: Variant
    seed: int
    state: str
    """`trained`, `collapsed`, `refused` or `not trained`."""
    reason: str = ""
    seconds: float = 0.0
    best_step: int = 0
    curve: Curve = field(default_factory=Curve)
    embeddings: Mapping[str, WindowEmbeddings] = field(default_factory=dict)
    """Embeddings of `validation`, `unseen` and `many_shot` with the weights of the best step; empty if not trained."""
    loss_weights: Arrays = field(default_factory=dict)
    """Weights of the loss itself at that step."""


class CurveRecorder:
    """Recorder of the learning curve, and of the learner's state at the best validation run."""

    def __init__(self, steps: int) -> None:
        self.curve, self.best_step = Curve(), 0
        self.best: Arrays = {}
        self.learner: Learner | None = None
        self._every = max(1, steps // CURVE_POINTS)
        self._is_best = False

    def record(self, metrics: StepMetrics) -> None:
        """Add a step to the curve."""
        if metrics.step % self._every == 0 or metrics.one_shot is not None:
            self.curve.step.append(metrics.step)
            self.curve.loss.append(metrics.loss)
        self._is_best = False
        if metrics.one_shot is not None:
            self._is_best = metrics.one_shot.share >= max(self.curve.one_shot, default=0.0)
            self.curve.exam_step.append(metrics.step)
            self.curve.one_shot.append(metrics.one_shot.share)
            self.best_step = metrics.step if self._is_best else self.best_step

    def save_best(self, learner: Learner) -> None:
        """Copy the learner's state if the step before this call was the best so far."""
        self.learner = learner
        if self._is_best:
            self.best = learner.arrays()


def train_variant(
    variant: Variant, seed: int, dataset: ComparisonDataset, steps: int, report_step: Callable[[StepMetrics], None]
) -> TrainingRun:
    """Train a variant, and embed the evaluation windows with the weights of the best validation run."""
    recorder, begin = CurveRecorder(steps), monotonic()

    def record_step(metrics: StepMetrics) -> None:
        recorder.record(metrics)
        report_step(metrics)

    hooks = TrainingHooks(on_step=record_step, validation=dataset.validation, on_learner=recorder.save_best)
    spec = spec_of(variant.encoder, len(dataset.catalogue))
    schedule = hyperparameters_of(variant, seed, steps)
    try:
        train_encoder(spec, dataset.train, dataset.base_classes, dataset.catalogue, schedule, hooks=hooks)
    except (TrainingError, LossError) as error:
        state = "refused" if isinstance(error, LossError) else "collapsed"
        return TrainingRun(variant, seed, state, str(error), monotonic() - begin, curve=recorder.curve)
    seconds = monotonic() - begin
    learner = recorder.learner
    assert learner is not None
    learner.restore(recorder.best)
    splits = {"validation": dataset.validation, "unseen": dataset.unseen, "many_shot": dataset.many_shot}
    prefix = "loss/"
    return TrainingRun(
        variant=variant,
        seed=seed,
        state="trained",
        seconds=seconds,
        best_step=recorder.best_step,
        curve=recorder.curve,
        embeddings={name: embed_windows(learner, examples) for name, examples in splits.items()},
        loss_weights={
            name.removeprefix(prefix): array for name, array in recorder.best.items() if name.startswith(prefix)
        },
    )


def hyperparameters_of(variant: Variant, seed: int, steps: int) -> Hyperparameters:
    """Return the hyperparameters of a run without an early end, so that every loss gets the same number of steps."""
    examinations = max(1, min(VALIDATION_RUNS, steps // VALIDATION_STEPS))
    options = dict(variant.options)
    return Hyperparameters(
        steps, seed=seed, loss=variant.loss, loss_options=options, examinations=examinations, patience=steps
    )


def embed_untrained(encoder: str, seed: int, dataset: ComparisonDataset) -> WindowEmbeddings:
    """Embed the unseen windows with the initial weights of a network."""
    spec = spec_of(encoder, len(dataset.catalogue))
    learner = Learner(spec, Hyperparameters(seed=seed), Normality.of(dataset.train, spec))
    return embed_windows(learner, dataset.unseen)


def embed_windows(learner: Learner, examples: Examples) -> WindowEmbeddings:
    """Return the embeddings of all windows of the examples."""
    return WindowEmbeddings(
        learner.encode(examples.windows).direction.astype(np.float32), learner.embed(examples.windows)
    )
