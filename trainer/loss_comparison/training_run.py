"""One training of one loss with one seed: how it went, and what its encoder makes of the windows to be asked for.

A loss that cannot be had or that collapses is a result like any other, with its reason.
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

POINTS = 200
"""Of a learning curve: as many as can be seen."""

EXAMINATIONS, EXAMINED = 20, 15
"""At most, and steps between two at least: an examination costs as much as ten steps."""


@dataclass
class Curve:
    """Loss every few steps, and the one-shot figure on watched classes wherever it was examined."""

    step: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    """Smoothed."""
    exam_step: list[int] = field(default_factory=list)
    one_shot: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Embedded:
    """What an encoder makes of windows."""

    direction: NDArray[np.float32]
    """As served, unit length. # [n, D]"""
    embedding: NDArray[np.float32]
    """As the loss sees it. # [n, D]"""


@dataclass(frozen=True)
class TrainingRun:
    contestant: Variant
    seed: int
    state: str
    """`trained`, `collapsed`, `refused` or `not trained`."""
    reason: str = ""
    seconds: float = 0.0
    best_step: int = 0
    curve: Curve = field(default_factory=Curve)
    made: Mapping[str, Embedded] = field(default_factory=dict)
    """Of `watched`, `unseen` and `crowd`, by the weights of the best step; nothing where it was not trained."""
    own: Arrays = field(default_factory=dict)
    """What the loss itself had learned by then."""


class CurveRecorder:
    """Keeps the curve, and all that the learner was when the watched classes were named best."""

    def __init__(self, steps: int) -> None:
        self.curve, self.best_step = Curve(), 0
        self.best: Arrays = {}
        self.learner: Learner | None = None
        self._every = max(1, steps // POINTS)
        self._is_best = False

    def tell(self, moment: StepMetrics) -> None:
        if moment.step % self._every == 0 or moment.one_shot is not None:
            self.curve.step.append(moment.step)
            self.curve.loss.append(moment.loss)
        self._is_best = False
        if moment.one_shot is not None:
            self._is_best = moment.one_shot.share >= max(self.curve.one_shot, default=0.0)
            self.curve.exam_step.append(moment.step)
            self.curve.one_shot.append(moment.one_shot.share)
            self.best_step = moment.step if self._is_best else self.best_step

    def look(self, learner: Learner) -> None:
        self.learner = learner
        if self._is_best:
            self.best = learner.arrays()


def train(
    contestant: Variant, seed: int, material: ComparisonDataset, steps: int, tell: Callable[[StepMetrics], None]
) -> TrainingRun:
    """Trains, and embeds what is asked for with the weights that named the watched classes best."""
    schedule = schedule_of(contestant, seed, steps)
    onlooker, begin = CurveRecorder(steps), monotonic()

    def told(moment: StepMetrics) -> None:
        onlooker.tell(moment)
        tell(moment)

    watch = TrainingHooks(on_step=told, validation=material.watched, on_learner=onlooker.look)
    spec = spec_of(contestant.encoder, len(material.catalogue))
    try:
        train_encoder(spec, material.learned, material.base_classes, material.catalogue, schedule, watch)
    except (TrainingError, LossError) as error:
        state = "refused" if isinstance(error, LossError) else "collapsed"
        return TrainingRun(contestant, seed, state, str(error), monotonic() - begin, curve=onlooker.curve)
    seconds = monotonic() - begin
    learner = onlooker.learner
    assert learner is not None
    learner.restore(onlooker.best)
    sets = {"watched": material.watched, "unseen": material.unseen, "crowd": material.crowd}
    made = {name: embedded(learner, examples) for name, examples in sets.items()}
    own = {name.removeprefix("loss/"): array for name, array in onlooker.best.items() if name.startswith("loss/")}
    return TrainingRun(contestant, seed, "trained", "", seconds, onlooker.best_step, onlooker.curve, made, own)


def schedule_of(contestant: Variant, seed: int, steps: int) -> Hyperparameters:
    """Without an early end, which would give some losses fewer steps than others."""
    examinations = max(1, min(EXAMINATIONS, steps // EXAMINED))
    options = dict(contestant.options)
    return Hyperparameters(
        steps, seed=seed, loss=contestant.loss, loss_options=options, examinations=examinations, patience=steps
    )


def untrained(encoder: str, seed: int, material: ComparisonDataset) -> Embedded:
    """The unseen windows, by weights as they are drawn."""
    spec = spec_of(encoder, len(material.catalogue))
    learner = Learner(spec, Hyperparameters(seed=seed), Normality.of(material.learned, spec))
    return embedded(learner, material.unseen)


def embedded(learner: Learner, examples: Examples) -> Embedded:
    return Embedded(learner.encode(examples.windows).direction.astype(np.float32), learner.embed(examples.windows))
