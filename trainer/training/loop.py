"""The training loop, to be read in one sitting: batches of classes, one shared network, one loss, AdamW.

It can be left alone: killed at any moment it ends, given again, with the weights it would have ended with (bit for bit
on a CPU); an encoder that collapses or learns nothing more ends it; and what it has reached is told at every step.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.core.features import Catalogue
from detector.core.networks.spec import Spec
from trainer.calibration.whitening import Normality
from trainer.data.examples import Examples, digest_examples
from trainer.data.sampler import ClassBalancedSampler
from trainer.errors import TrainingError
from trainer.losses.registry import refuse_pairless
from trainer.metrics.one_shot import OneShotAccuracy, evaluate_one_shot
from trainer.training.checkpoints import Checkpoints, TrainingState
from trainer.training.learner import Arrays, Hyperparameters, Learner

LEAST_SPREAD = 0.02
"""Of each embedding dimension over a batch, on average; a collapsed encoder has none."""

NARROW_STEPS = 50
"""Below it so many steps running, an encoder has collapsed: one odd batch is forgiven, and no collapse came undone."""

MEMORY = 0.98
"""Of the smoothed loss: some fifty steps."""


@dataclass(frozen=True)
class StepMetrics:
    """What is to be told after a step."""

    step: int
    loss: float
    """Smoothed."""
    spread: float
    rate: float
    figure: OneShotAccuracy | None = None
    """Of the examination after this step, where there was one."""


@dataclass(frozen=True)
class TrainingHooks:
    """Who looks on, and what is kept."""

    tell: Callable[[StepMetrics], None] = lambda moment: None
    exam: Examples | None = None
    """Of classes that are not learned from: the weights that name them best are the training's result."""
    folder: Path | None = None
    """For checkpoints; a training that was stopped there is taken up."""
    minutes: float = 2.0
    """Between two checkpoints: 5 MB and some hundredths of a second each."""
    look: Callable[[Learner], None] = lambda learner: None
    """After each step's `tell`, for whoever wants more than figures; it must leave the learner as it is."""


def train_encoder(
    spec: Spec,
    examples: Examples,
    base_classes: int,
    catalogue: Catalogue,
    schedule: Hyperparameters,
    watch: TrainingHooks = TrainingHooks(),
) -> dict[str, NDArray[np.float32]]:
    """Weights for a spec; class numbers below `base_classes` are the named ones.

    Whatever the loss is trained on, served is the unit direction of the out layer, and its collapse is refused. What
    the loss learns itself is thrown away. Raises TrainingError, and LossError for a loss that cannot be had.
    """
    batches = ClassBalancedSampler(examples, base_classes, catalogue, schedule.seed)
    learner = Learner(spec, schedule, Normality.of(examples, spec))
    identity = (spec, schedule, base_classes, catalogue.digest)
    checkpoints = _checkpoints(watch, examples, *identity)
    course, best = _begin(checkpoints, learner)
    with ThreadPoolExecutor(1) as drawer:  # the next batch is drawn while this one is learned from
        drawn = drawer.submit(batches.draw, course.step)
        while course.step < schedule.steps and not _is_stuck(course, schedule):
            windows, label, network = drawn.result()
            drawn = drawer.submit(batches.draw, course.step + 1)
            refuse_pairless(label)
            loss, spread, rate = learner.learn(course.step, windows, label, network)
            course.loss = MEMORY * course.loss + (1 - MEMORY) * loss if course.step else loss
            course.step += 1
            _refuse_collapse(course, spread, schedule)
            figure = None
            if watch.exam is not None and _is_examined(course.step, schedule):
                figure = evaluate_one_shot(learner.encode, watch.exam, np.random.default_rng([schedule.seed, 5]))
                best = _best(course, figure, learner, best)
            watch.tell(StepMetrics(course.step, course.loss, spread, rate, figure))
            watch.look(learner)
            if checkpoints is not None and checkpoints.is_due():
                checkpoints.write(course, {**learner.arrays(), **best})
    return {name.removeprefix("best/"): value for name, value in best.items()} or learner.weights()


def _checkpoints(
    watch: TrainingHooks, examples: Examples, spec: Spec, schedule: Hyperparameters, base_classes: int, catalogue: str
) -> Checkpoints | None:
    if watch.folder is None:
        return None
    learned = (digest_examples(examples), base_classes, catalogue)
    exam = digest_examples(watch.exam) if watch.exam is not None else ""
    identity = {"spec": spec, "schedule": schedule, "set of examples": learned, "exam": exam}
    return Checkpoints(watch.folder, identity, watch.minutes)


def _begin(checkpoints: Checkpoints | None, learner: Learner) -> tuple[TrainingState, Arrays]:
    """Where a training that was stopped had come to, or the beginning; and its best weights so far, if any."""
    kept = checkpoints.read() if checkpoints is not None else None
    if kept is None:
        return TrainingState(), {}
    course, arrays = kept
    learner.restore(arrays)
    return course, {name: value for name, value in arrays.items() if name.startswith("best/")}


def _is_examined(step: int, schedule: Hyperparameters) -> bool:
    return step == schedule.steps or step % max(1, schedule.steps // schedule.examinations) == 0


def _best(course: TrainingState, figure: OneShotAccuracy, learner: Learner, best: Arrays) -> Arrays:
    """The weights with the highest figure; of equal ones the later, which the falling rate has settled further."""
    if figure.share < course.best:
        course.since_best += 1
        return best
    course.best, course.best_step, course.since_best = figure.share, course.step, 0
    return {f"best/{name}": value for name, value in learner.weights().items()}


def _is_stuck(course: TrainingState, schedule: Hyperparameters) -> bool:
    """A guard against a run that has come apart, not a way to save steps.

    The rate falls along a cosine, and a plateau at a high rate is what its fall resolves: the figure rises most when
    the rate is nearly gone, so to stop at the first pause would be to throw away the best part. Half a run without any
    better figure, which is what the default patience comes to, is no such pause.
    """
    return course.since_best >= schedule.patience


def _refuse_collapse(course: TrainingState, spread: float, schedule: Hyperparameters) -> None:
    course.narrow = 0 if spread >= LEAST_SPREAD else course.narrow + 1  # NaN is no spread either
    if course.narrow >= NARROW_STEPS or (course.narrow and course.step == schedule.steps):
        raise TrainingError(
            f"the encoder collapsed at step {course.step} (spread {spread:.3g} per dimension); lower the rate or add"
            " classes."
        )
