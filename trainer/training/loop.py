"""Training loop: balanced batches of classes, one shared network, one loss, AdamW.

The loop runs unattended. A killed training that is started again resumes and ends with the same weights as without the
kill (bit for bit on a CPU). A collapse of the encoder, or a long pause in its improvement, ends the training. Hooks
report every step.
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
"""Least standard deviation of an embedding dimension over a batch, on average; a collapsed encoder has none."""

COLLAPSE_STEPS = 50
"""Consecutive steps with a spread below LEAST_SPREAD after which the encoder counts as collapsed. A single batch is
tolerated. No collapsed encoder recovered."""

LOSS_EMA_DECAY = 0.98
"""Decay of the exponential moving average of the loss: it spans some fifty steps."""


@dataclass(frozen=True)
class StepMetrics:
    """Metrics of one step."""

    step: int
    """Steps done, this one included."""
    loss: float
    """Smoothed loss."""
    spread: float
    """Mean standard deviation of the direction's dimensions over the batch."""
    rate: float
    """Learning rate."""
    one_shot: OneShotAccuracy | None = None
    """Accuracy of the validation run after this step; None if there was none."""


@dataclass(frozen=True, kw_only=True)
class TrainingHooks:
    """Observers of a training, its validation examples and its checkpoint folder."""

    on_step: Callable[[StepMetrics], None] = lambda metrics: None
    """Called after every step."""
    validation: Examples | None = None
    """Examples of classes that are not learned. The weights with the best accuracy on them are the result."""
    checkpoint_folder: Path | None = None
    """Folder of the checkpoints; a training that was stopped there is resumed."""
    checkpoint_minutes: float = 2.0
    """Minutes between two checkpoints: 5 MB and some hundredths of a second each."""
    on_learner: Callable[[Learner], None] = lambda learner: None
    """Called after `on_step`, for observers that need the learner itself. It must leave the learner unchanged."""


def train_encoder(
    spec: Spec,
    examples: Examples,
    base_classes: int,
    catalogue: Catalogue,
    hyperparameters: Hyperparameters,
    hooks: TrainingHooks = TrainingHooks(),
) -> dict[str, NDArray[np.float32]]:
    """Train an encoder and return its weights; class numbers below `base_classes` are the named classes.

    The detector uses the unit direction of the output layer, whatever embedding the loss uses. A collapse of that
    direction raises TrainingError. The loss's own parameters are discarded. Raises LossError for a loss
    that does not exist.
    """
    sampler = ClassBalancedSampler(examples, base_classes, catalogue, hyperparameters.seed)
    learner = Learner(spec, hyperparameters, Normality.of(examples, spec))
    checkpoints = _checkpoints(hooks, examples, spec, hyperparameters, (base_classes, catalogue.digest))
    state, best = _resume(checkpoints, learner)
    with ThreadPoolExecutor(1) as executor:  # the next batch is drawn while the learner works on this one
        batch = executor.submit(sampler.draw, state.step)
        while state.step < hyperparameters.steps and not _patience_exhausted(state, hyperparameters):
            windows, label, network = batch.result()
            batch = executor.submit(sampler.draw, state.step + 1)
            refuse_pairless(label)
            loss, spread, rate = learner.learn(state.step, windows, label, network)
            state.loss = LOSS_EMA_DECAY * state.loss + (1 - LOSS_EMA_DECAY) * loss if state.step else loss
            state.step += 1
            _refuse_collapse(state, spread, hyperparameters)
            accuracy = None
            if hooks.validation is not None and _is_validation_due(state.step, hyperparameters):
                rng = np.random.default_rng([hyperparameters.seed, 5])
                accuracy = evaluate_one_shot(learner.encode, hooks.validation, rng)
                best = _best_weights(state, accuracy, learner, best)
            hooks.on_step(StepMetrics(state.step, state.loss, spread, rate, accuracy))
            hooks.on_learner(learner)
            if checkpoints is not None and checkpoints.is_due():
                checkpoints.write(state, {**learner.arrays(), **best})
    return {name.removeprefix("best/"): value for name, value in best.items()} or learner.weights()


def _checkpoints(
    hooks: TrainingHooks,
    examples: Examples,
    spec: Spec,
    hyperparameters: Hyperparameters,
    classes: tuple[int, str],
) -> Checkpoints | None:
    """Return the checkpoints of exactly this training.

    The keys "schedule" (hyperparameters) and "exam" (validation examples) are part of the file format.
    """
    if hooks.checkpoint_folder is None:
        return None
    learned = (digest_examples(examples), *classes)
    validation = digest_examples(hooks.validation) if hooks.validation is not None else ""
    identity = {"spec": spec, "schedule": hyperparameters, "set of examples": learned, "exam": validation}
    return Checkpoints(hooks.checkpoint_folder, identity, hooks.checkpoint_minutes)


def _resume(checkpoints: Checkpoints | None, learner: Learner) -> tuple[TrainingState, Arrays]:
    """Return the state of a stopped training and its best weights so far, or an initial state without weights."""
    checkpoint = checkpoints.read() if checkpoints is not None else None
    if checkpoint is None:
        return TrainingState(), {}
    state, arrays = checkpoint
    learner.restore(arrays)
    return state, {name: value for name, value in arrays.items() if name.startswith("best/")}


def _is_validation_due(step: int, hyperparameters: Hyperparameters) -> bool:
    steps = hyperparameters.steps
    return step == steps or step % max(1, steps // hyperparameters.examinations) == 0


def _best_weights(state: TrainingState, accuracy: OneShotAccuracy, learner: Learner, best: Arrays) -> Arrays:
    """Return the weights with the highest accuracy.

    Of equal accuracies the later wins, because it was trained longer at a lower learning rate.
    """
    if accuracy.share < state.best:
        state.since_best += 1
        return best
    state.best, state.best_step, state.since_best = accuracy.share, state.step, 0
    return {f"best/{name}": value for name, value in learner.weights().items()}


def _patience_exhausted(state: TrainingState, hyperparameters: Hyperparameters) -> bool:
    """Return whether the patience is exhausted: early stopping for diverged runs, not a way to save steps.

    The learning rate falls along a cosine, and a plateau at a high rate ends when the rate falls. Accuracy rises most
    when the rate is nearly 0, so a stop at the first plateau would lose most of the gain. The default patience is half
    a run.
    """
    return state.since_best >= hyperparameters.patience


def _refuse_collapse(state: TrainingState, spread: float, hyperparameters: Hyperparameters) -> None:
    state.narrow = 0 if spread >= LEAST_SPREAD else state.narrow + 1  # a NaN spread counts as too small
    if state.narrow >= COLLAPSE_STEPS or (state.narrow and state.step == hyperparameters.steps):
        raise TrainingError(
            f"the encoder collapsed at step {state.step}: its spread per dimension is {spread:.3g}, at least"
            f" {LEAST_SPREAD:g} is needed. Lower the rate or add classes."
        )
